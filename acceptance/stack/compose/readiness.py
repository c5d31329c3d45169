"""How to ask each service of the compose stack, through its published port, whether it is ready."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from acceptance.stack.ports import HOST
from acceptance.stack.readiness import Question

ROLE = "arbitrage"
"""Postgres role and database of the bot and of preflight, as in docker-compose.yml."""

DATASOURCE_URL = "http://prometheus:9090"
"""Where Grafana's container reaches Prometheus, as in docker-compose.yml."""


def questions(ports: Mapping[str, int], secrets: Mapping[str, str], *, dashboards: Path) -> dict[str, Question]:
    """Service name -> its question.

    Args:
        ports: Service name -> port on 127.0.0.1.
        secrets: File name -> value, as `compose_secrets.read` gives them.
        dashboards: Folder whose dashboards Grafana has to have loaded.
    """

    def page(service: str, path: str, *wanted: str) -> Question:
        asked = f"GET http://{HOST}:{ports[service]}{path}" + "".join(f" with {text}" for text in wanted)
        settings = {"port": ports[service], "path": path, "contains": list(wanted)}
        return Question(kind="http", asked=asked, settings=settings)

    return {
        "redis": Question(
            kind="redis",
            asked=f"AUTH and PING at {HOST}:{ports['redis']}",
            settings={"port": ports["redis"], "password": secrets["redis_password"]},
        ),
        "postgres": Question(
            kind="postgres",
            asked=f"SELECT 1 as {ROLE} at {HOST}:{ports['postgres']}/{ROLE}",
            settings={
                "port": ports["postgres"],
                "user": ROLE,
                "password": secrets["postgres_password"],
                "database": ROLE,
            },
        ),
        "prometheus": page("prometheus", "/-/ready"),
        "grafana": Question(
            kind="grafana",
            asked=f"GET http://{HOST}:{ports['grafana']}/api/health, datasource and dashboards",
            settings={
                "port": ports["grafana"],
                "user": "admin",
                "password": secrets["grafana_admin_password"],
                "datasource_url": DATASOURCE_URL,
                "dashboards": [_uid(path) for path in sorted(dashboards.glob("*.json"))],
            },
        ),
        "node-exporter": page("node-exporter", "/metrics", 'node_scrape_collector_success{collector="textfile"} 1'),
        "engine": page("engine", "/metrics", "arbitrage_engine_info"),
    }


def _uid(path: Path) -> str:
    """The uid of a dashboard file; its name when the file cannot say (the wait then names it)."""
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["uid"])
    except (OSError, ValueError, KeyError, TypeError):
        return path.stem
