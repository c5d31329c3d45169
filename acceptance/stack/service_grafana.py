"""How Grafana is configured, started and asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from acceptance.stack.base import StackError
from acceptance.stack.layout import write_private
from acceptance.stack.ports import HOST
from acceptance.stack.site import GRAFANA_USER, Site
from acceptance.stack.spec import Question, ServiceSpec


def grafana(site: Site) -> ServiceSpec:
    """Grafana provisioned from the checkout, talking to nobody but Prometheus."""
    port = site.ports["grafana"]
    data = site.layout.data("grafana")
    data.mkdir(mode=0o700)
    component = site.components["grafana"]
    home = component.home
    if home is None:
        message = f"the grafana component {component.binary} has no home folder with conf/ and public/"
        raise StackError(message, service="grafana")
    dashboards = site.monitoring / "grafana" / "dashboards"
    sections: Mapping[str, Mapping[str, object]] = {
        "paths": {
            "data": data,
            "logs": data / "log",
            "plugins": data / "plugins",
            "provisioning": site.monitoring / "grafana" / "provisioning",
        },
        "server": {"http_addr": HOST, "http_port": port, "root_url": site.url("grafana") + "/"},
        "database": {"wal": "true"},
        "security": {
            "admin_user": GRAFANA_USER,
            "admin_password": site.secrets.grafana,
            "secret_key": site.secrets.grafana_key,
            "disable_gravatar": "true",
        },
        "analytics": {
            "reporting_enabled": "false",
            "check_for_updates": "false",
            "check_for_plugin_updates": "false",
            "feedback_links_enabled": "false",
        },
        "news": {"news_feed_enabled": "false"},
        "plugins": {"plugin_admin_enabled": "false", "plugin_catalog_url": ""},
        "users": {"allow_sign_up": "false"},
        "unified_alerting": {"enabled": "false"},  # alerts are Prometheus' rules
        "alerting": {"enabled": "false"},
        "log": {"mode": "console", "level": "info"},
    }
    text = "".join(
        f"[{section}]\n" + "".join(f"{key} = {value}\n" for key, value in pairs.items()) + "\n"
        for section, pairs in sections.items()
    )
    config = write_private(site.layout.conf / "grafana.ini", text)
    env = {
        **component.env,
        "PROMETHEUS_URL": site.url("prometheus"),
        "DASHBOARDS_PATH": str(dashboards),
        "SCRAPE_INTERVAL": site.interval or "15s",
    }
    argv = (str(component.binary), "server", "--homepath", str(home), "--config", str(config))
    question = Question(
        kind="grafana",
        asked=f"GET {site.url('grafana')}/api/health, datasource and dashboards",
        settings={
            "port": port,
            "user": GRAFANA_USER,
            "password": site.secrets.grafana,
            "datasource_url": site.url("prometheus"),
            "dashboards": [_uid(path) for path in sorted(dashboards.glob("*.json"))],
            "log": str(site.layout.log("grafana")),
        },
    )
    # Seen once in hundreds of first starts, on its own new database: "failed to create default organization: UNIQUE
    # constraint failed: org.id", and it ended. So it has a second start, as a restart policy would give it.
    return replace(site.spec("grafana", argv, env, question), retries=1)


def _uid(path: Path) -> str:
    """The uid of a dashboard file; its name when the file cannot say (the wait then names it)."""
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["uid"])
    except (OSError, ValueError, KeyError, TypeError):
        return path.stem
