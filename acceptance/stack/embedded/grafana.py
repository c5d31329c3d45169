"""How the dashboards' server is configured, started and asked: the user's Grafana, or the stand-in for it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from acceptance.stack.binaries.component import Component
from acceptance.stack.embedded.context import GRAFANA_USER, StackContext
from acceptance.stack.embedded.layout import write_private
from acceptance.stack.embedded.supervisor.protocol import Question, ServiceSpec
from acceptance.stack.interface import StackError
from acceptance.stack.ports import HOST


def grafana(site: StackContext) -> ServiceSpec:
    """The dashboards' server, provisioned from the checkout: the user's Grafana, or the stand-in."""
    component = site.components["grafana"]
    dashboards = site.monitoring / "grafana" / "dashboards"
    site.layout.data("grafana").mkdir(mode=0o700)
    argv = _standin(site) if component.source == "stand-in" else _real(site, component)
    env = {
        **component.env,
        "PROMETHEUS_URL": site.url("prometheus"),
        "DASHBOARDS_PATH": str(dashboards),
        "SCRAPE_INTERVAL": site.interval or "15s",
    }
    if component.source == "stand-in":
        env["PYTHONPATH"] = str(site.code)
        node, display = site.components.get("node"), site.components.get("grafana-display")
        if node is not None and display is not None:  # else its pages show the bare numbers
            env |= {"STANDIN_NODE": str(node.binary), "STANDIN_DISPLAY": str(display.binary.parent)}
    question = Question(
        kind="grafana",
        asked=f"GET {site.url('grafana')}/api/health, datasource and dashboards",
        settings={
            "port": site.ports["grafana"],
            "user": GRAFANA_USER,
            "password": site.secrets.grafana,
            "datasource_url": site.url("prometheus"),
            "dashboards": [_uid(path) for path in sorted(dashboards.glob("*.json"))],
            "log": str(site.layout.log("grafana")),
        },
    )
    return site.spec("grafana", argv, env, question)


def _provisioning(site: StackContext) -> Path:
    return site.monitoring / "grafana" / "provisioning"


def _standin(site: StackContext) -> tuple[str, ...]:
    """The command line of the stand-in."""
    options: Mapping[str, object] = {
        "host": HOST,
        "port": site.ports["grafana"],
        "provisioning": _provisioning(site),
        "user": GRAFANA_USER,
        "password-file": write_private(site.layout.conf / "grafana-password", site.secrets.grafana),
        "data": site.layout.data("grafana"),
    }
    words = (word for name, value in options.items() for word in (f"--{name}", str(value)))
    return (sys.executable, "-m", "acceptance.world.grafana", *words)


def _real(site: StackContext, component: Component) -> tuple[str, ...]:
    """The command line of a Grafana that talks to nobody but Prometheus, and its configuration."""
    data = site.layout.data("grafana")
    home = component.home
    if home is None:
        message = f"the grafana component {component.binary} has no home folder with conf/ and public/"
        raise StackError(message, service="grafana")
    sections: Mapping[str, Mapping[str, object]] = {
        "paths": {
            "data": data,
            "logs": data / "log",
            "plugins": data / "plugins",
            "provisioning": _provisioning(site),
        },
        "server": {"http_addr": HOST, "http_port": site.ports["grafana"], "root_url": site.url("grafana") + "/"},
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
    return (str(component.binary), "server", "--homepath", str(home), "--config", str(config))


def _uid(path: Path) -> str:
    """The uid of a dashboard file; its name when the file cannot say (the wait then names it)."""
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["uid"])
    except (OSError, ValueError, KeyError, TypeError):
        return path.stem
