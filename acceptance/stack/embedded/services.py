"""One builder per server: its files, command line, environment, user and readiness question.

A builder writes what the server reads into the run folder and returns a ``ServiceSpec``. No password is ever
in a command line or an environment: they are in files of mode 0600 and in the pipe to the supervisor.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace

from acceptance.stack import prometheus_config
from acceptance.stack.embedded.context import DATABASE, DATABASE_USER, StackContext, write_private
from acceptance.stack.embedded.grafana import grafana
from acceptance.stack.embedded.postgres import postgres
from acceptance.stack.embedded.supervisor.protocol import ServiceSpec
from acceptance.stack.ports import HOST
from acceptance.stack.readiness import Question
from acceptance.stack.run_as import within_reach

COMPONENT_OF: Mapping[str, str] = {
    "redis": "redis",
    "postgres": "postgres",
    "prometheus": "prometheus",
    "grafana": "grafana",
    "node-exporter": "node_exporter",
}
"""Service name -> component name; the engine is our own Python."""


def redis(context: StackContext) -> ServiceSpec:
    """Redis with a password, keeping its data over a restart in an append-only file."""
    port = context.ports["redis"]
    data = context.layout.data("redis")
    data.mkdir(mode=0o700)
    lines = (
        f"bind {HOST}",
        f"port {port}",
        "protected-mode yes",
        "daemonize no",
        f"dir {data}",
        'save ""',
        "appendonly yes",
        "appendfsync everysec",
        f"requirepass {context.secrets.redis}",
        "",
    )
    config = write_private(context.layout.conf / "redis.conf", "\n".join(lines))
    component = context.components["redis"]
    question = Question(
        kind="redis",
        asked=f"AUTH and PING at {HOST}:{port}",
        settings={"port": port, "password": context.secrets.redis},
    )
    return context.spec("redis", (str(component.binary), str(config)), component.env, question)


def prometheus(context: StackContext) -> ServiceSpec:
    """Prometheus on a copy of the committed configuration."""
    data = context.layout.data("prometheus")
    data.mkdir(mode=0o700)
    config = prometheus_config.copy(
        context.monitoring / "prometheus",
        context.layout.conf / "prometheus",
        interval=context.interval,
        ports=context.ports,
    )
    component = context.components["prometheus"]
    argv = (
        str(component.binary),
        f"--config.file={config}",
        f"--storage.tsdb.path={data}",
        "--storage.tsdb.retention.time=2d",
        f"--web.listen-address={HOST}:{context.ports['prometheus']}",
    )
    question = Question(
        kind="http",
        asked=f"GET {context.url('prometheus')}/-/ready",
        settings={"port": context.ports["prometheus"], "path": "/-/ready"},
    )
    return context.spec("prometheus", argv, component.env, question)


def node_exporter(context: StackContext) -> ServiceSpec:
    """node_exporter with the textfile collector and nothing else."""
    port = context.ports["node-exporter"]
    component = context.components["node_exporter"]
    context.layout.data("node-exporter").mkdir(mode=0o755)
    binary, env = within_reach(
        component.binary,
        component.home,
        component.env,
        user=context.user,
        place=context.layout.bin / "node-exporter",
    )
    argv = (
        str(binary),
        "--collector.disable-defaults",
        "--collector.textfile",
        f"--collector.textfile.directory={context.textfile_seen}",
        f"--web.listen-address={HOST}:{port}",
    )
    wanted = 'node_scrape_collector_success{collector="textfile"} 1'
    question = Question(
        kind="http",
        asked=f"GET {context.url('node-exporter')}/metrics with {wanted}",
        settings={"port": port, "path": "/metrics", "contains": [wanted]},
    )
    spec = context.spec("node-exporter", argv, env, question)
    return replace(spec, user=context.user)


def engine(context: StackContext) -> ServiceSpec:
    """The paper engine, once Redis and Postgres are there."""
    port = context.ports["engine"]
    context.layout.data("engine").mkdir(mode=0o700)
    passwords = {
        "REDIS": write_private(context.layout.conf / "engine-redis-password", context.secrets.redis),
        "POSTGRES": write_private(context.layout.conf / "engine-postgres-password", context.secrets.postgres),
    }
    env = {
        "PYTHONPATH": str(context.code),
        "ENGINE_METRICS_HOST": HOST,
        "ENGINE_METRICS_PORT": str(port),
        "ENGINE_REDIS__HOST": HOST,
        "ENGINE_REDIS__PORT": str(context.ports["redis"]),
        "ENGINE_REDIS__PASSWORD_FILE": str(passwords["REDIS"]),
        "ENGINE_POSTGRES__HOST": HOST,
        "ENGINE_POSTGRES__PORT": str(context.ports["postgres"]),
        "ENGINE_POSTGRES__USER": DATABASE_USER,
        "ENGINE_POSTGRES__DATABASE": DATABASE,
        "ENGINE_POSTGRES__PASSWORD_FILE": str(passwords["POSTGRES"]),
    }
    question = Question(
        kind="http",
        asked=f"GET {context.url('engine')}/metrics with arbitrage_engine_info",
        settings={"port": port, "path": "/metrics", "contains": ["arbitrage_engine_info"]},
    )
    spec = context.spec("engine", (sys.executable, "-m", "engine"), env, question)
    return replace(spec, after=("redis", "postgres"))


NEEDS: Mapping[str, tuple[str, ...]] = {"grafana": ("prometheus",), "engine": ("redis", "postgres")}
"""What a service cannot do without."""

BUILDERS: Mapping[str, Callable[[StackContext], ServiceSpec]] = {
    "redis": redis,
    "postgres": postgres,
    "prometheus": prometheus,
    "grafana": grafana,
    "node-exporter": node_exporter,
    "engine": engine,
}
