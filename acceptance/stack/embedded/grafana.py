"""How the dashboards' server is configured, started and asked: the user's Grafana, or the stand-in for it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from acceptance.stack.binaries.component import Component
from acceptance.stack.embedded.context import GRAFANA_USER, StackContext, write_private
from acceptance.stack.embedded.supervisor.protocol import ServiceSpec
from acceptance.stack.interface import StackError
from acceptance.stack.ports import HOST
from acceptance.stack.readiness import Question


def grafana(context: StackContext) -> ServiceSpec:
    """The dashboards' server, provisioned from the checkout: the user's Grafana, or the stand-in."""
    component = context.components["grafana"]
    dashboards = context.monitoring / "grafana" / "dashboards"
    context.layout.data("grafana").mkdir(mode=0o700)
    argv = _standin(context) if component.source == "stand-in" else _real(context, component)
    env = {
        **component.env,
        "PROMETHEUS_URL": context.url("prometheus"),
        "DASHBOARDS_PATH": str(dashboards),
        "SCRAPE_INTERVAL": context.interval or "15s",
    }
    if component.source == "stand-in":
        env["PYTHONPATH"] = str(context.code)
        node, display = context.components.get("node"), context.components.get("grafana-display")
        if node is not None and display is not None:  # else its pages show the bare numbers
            env |= {"STANDIN_NODE": str(node.binary), "STANDIN_DISPLAY": str(display.binary.parent)}
    question = Question(
        kind="grafana",
        asked=f"GET {context.url('grafana')}/api/health, datasource and dashboards",
        settings={
            "port": context.ports["grafana"],
            "user": GRAFANA_USER,
            "password": context.secrets.grafana,
            "datasource_url": context.url("prometheus"),
            "dashboards": [_uid(path) for path in sorted(dashboards.glob("*.json"))],
            "log": str(context.layout.log("grafana")),
        },
    )
    return context.spec("grafana", argv, env, question)


def _provisioning(context: StackContext) -> Path:
    return context.monitoring / "grafana" / "provisioning"


def _standin(context: StackContext) -> tuple[str, ...]:
    """The command line of the stand-in."""
    options: Mapping[str, object] = {
        "host": HOST,
        "port": context.ports["grafana"],
        "provisioning": _provisioning(context),
        "user": GRAFANA_USER,
        "password-file": write_private(context.layout.conf / "grafana-password", context.secrets.grafana),
        "data": context.layout.data("grafana"),
    }
    words = (word for name, value in options.items() for word in (f"--{name}", str(value)))
    return (sys.executable, "-m", "acceptance.world.grafana", *words)


def _real(context: StackContext, component: Component) -> tuple[str, ...]:
    """The command line of a Grafana that talks to nobody but Prometheus, and its configuration."""
    data = context.layout.data("grafana")
    home = component.home
    if home is None:
        message = f"the grafana component {component.binary} has no home folder with conf/ and public/"
        raise StackError(message, service="grafana")
    sections: Mapping[str, Mapping[str, object]] = {
        "paths": {
            "data": data,
            "logs": data / "log",
            "plugins": data / "plugins",
            "provisioning": _provisioning(context),
        },
        "server": {"http_addr": HOST, "http_port": context.ports["grafana"], "root_url": context.url("grafana") + "/"},
        "database": {"wal": "true"},
        "security": {
            "admin_user": GRAFANA_USER,
            "admin_password": context.secrets.grafana,
            "secret_key": context.secrets.grafana_key,
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
    config = write_private(context.layout.conf / "grafana.ini", text)
    return (str(component.binary), "server", "--homepath", str(home), "--config", str(config))


def _uid(path: Path) -> str:
    """The uid of a dashboard file; its name when the file cannot say (the wait then names it)."""
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["uid"])
    except (OSError, ValueError, KeyError, TypeError):
        return path.stem
