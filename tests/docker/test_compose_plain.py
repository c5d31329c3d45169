"""The compose file, read without Docker: what it would do to a host is judged on every machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from acceptance.stack.compose.hardening import RULES
from acceptance.stack.compose.plain_file import ComposeFileError, read_services
from acceptance.stack.compose.secrets import NAMES
from acceptance.stack.interface import SERVICES

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker" / "docker-compose.yml"
GIVEN = {
    "ENGINE_IMAGE": "own/engine:1.0.0",
    "PREFLIGHT_IMAGE": "own/preflight:1.0.0",
    "SECRETS_DIR": "/secrets",
    "COMPOSE_PROJECT_NAME": "arbitrage",
}
# What a healthcheck has to ask: a server that only runs is not healthy.
ASKS = {
    "redis": ["redis-cli", "NOAUTH", "PONG"],
    "postgres": ["psql", "has_schema_privilege", "127.0.0.1"],
    "engine": ["http://127.0.0.1:9100/healthz"],
    "prometheus": ["http://127.0.0.1:9090", "/-/ready", "/api/v1/rules", "/api/v1/targets"],
    "grafana": ["url=http://127.0.0.1:3000\n", "$url/healthz", "dashboards"],
    "node-exporter": ["http://127.0.0.1:9100/metrics", "node_textfile_scrape_error"],
}
PORTS = {
    "redis": ("6379", 6379),
    "postgres": ("5432", 5432),
    "prometheus": ("9090", 9090),
    "grafana": ("3000", 3000),
    "engine": ("9100", 9100),
    "node-exporter": ("9101", 9100),
}


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    return read_services(FILE, GIVEN)


@pytest.mark.parametrize("rule", sorted(RULES))
def test_every_service_keeps_the_rule(services: dict[str, dict[str, Any]], rule: str) -> None:
    """Each rule holds for each service; Docker need not be there to see that it does not."""
    found = {name: RULES[rule](name, service) for name, service in services.items()}
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_the_services_are_those_of_the_stack(services: dict[str, dict[str, Any]]) -> None:
    """None is left out, and none is there of which no test knows."""
    assert set(services) == {*SERVICES, "preflight"} == {*ASKS, "preflight"}


@pytest.mark.parametrize("service", sorted(ASKS))
def test_healthy_means_that_its_server_was_asked(services: dict[str, dict[str, Any]], service: str) -> None:
    """The healthcheck asks the service's own server for what the others need of it, often enough and not too late."""
    check = services[service]["healthcheck"]
    test = " ".join(check["test"])

    assert [part for part in ASKS[service] if part not in test] == [], f"{service} is asked only: {test}"
    assert "|| true" not in test
    assert "exit 0\n" not in test.partition("psql")[0]
    assert (check["interval"], check["timeout"], check["retries"]) == ("2s", "3s", 40)


@pytest.mark.parametrize("service", sorted(PORTS))
def test_published_on_the_seeds_port(services: dict[str, dict[str, Any]], service: str) -> None:
    """Each is published on 127.0.0.1 at the seed's port, and leads to the port that it listens on."""
    (port,) = services[service]["ports"]

    assert (port["host_ip"], port["published"], port["target"]) == ("127.0.0.1", *PORTS[service])


def test_every_secret_is_a_file_that_make_secrets_makes(services: dict[str, dict[str, Any]]) -> None:
    """No secret has a value in the file, and none that is used is missing."""
    declared = yaml.safe_load(FILE.read_text(encoding="utf-8"))["secrets"]

    assert {name: sorted(how) for name, how in declared.items()} == {name: ["file"] for name in NAMES}
    used = {name for service in services.values() for name in service.get("secrets", [])}
    assert used == set(NAMES)


def test_prometheus_scrapes_services_at_the_ports_they_listen_on(services: dict[str, dict[str, Any]]) -> None:
    """Each committed target names a service of the file and its port in the container."""
    wrong = []
    for path in sorted((ROOT / "monitoring" / "prometheus" / "targets").glob("*.json")):
        targets = [target for group in json.loads(path.read_text(encoding="utf-8")) for target in group["targets"]]
        assert targets, f"{path.name} names no target"
        for target in targets:
            host, _, port = target.partition(":")
            service = "prometheus" if host == "127.0.0.1" else host
            if service != path.stem or int(port) != services[service]["ports"][0]["target"]:
                wrong.append(f"{path.name}: {target}")
    assert wrong == []


def test_preflight_writes_where_node_exporter_reads(services: dict[str, dict[str, Any]]) -> None:
    """One volume, at the directory that each of them is told; node_exporter cannot write there."""
    (flag,) = (w for w in services["node-exporter"]["command"] if w.startswith("--collector.textfile.directory="))
    read, written = flag.partition("=")[2], services["preflight"]["environment"]["PREFLIGHT_TEXTFILE_DIR"]

    def volume(service: str, target: str) -> tuple[str, bool]:
        (mount,) = (each for each in services[service]["volumes"] if each["target"] == target)
        return mount["source"], mount["read_only"]

    assert volume("preflight", written) == ("textfile-collector-data", False)
    assert volume("node-exporter", read) == ("textfile-collector-data", True)
    assert "--collector.textfile" in services["node-exporter"]["command"]


def test_what_is_stored_outlives_a_restart(services: dict[str, dict[str, Any]]) -> None:
    """Redis writes the kill switch to its volume, and Prometheus keeps what the alerts look back at: a day and more."""
    redis = " ".join(services["redis"]["command"])
    (kept,) = (w for w in services["prometheus"]["command"] if w.startswith("--storage.tsdb.retention"))

    assert "--dir /data --appendonly yes" in redis
    assert kept == "--storage.tsdb.retention.time=15d"
    assert {s["restart"] for name, s in services.items() if name != "preflight"} == {"unless-stopped"}


def test_what_the_bot_is_told_and_says_is_asked_by_the_gate(services: dict[str, dict[str, Any]]) -> None:
    """Both sides have the same read-only switch, and the gate asks the engine's own page."""
    told, asked = services["engine"]["environment"], services["preflight"]["environment"]

    assert told["ENGINE_READ_ONLY"] == asked["PREFLIGHT_BOT__READ_ONLY"] == "true"
    assert asked["PREFLIGHT_BOT__METRICS_URL"] == "http://engine:9100/metrics"
    assert not services["preflight"].get("depends_on")


def test_grafana_lets_nobody_in_without_a_login(services: dict[str, dict[str, Any]]) -> None:
    """No sign-up, no anonymous access, and a secret key and password of its own."""
    told = services["grafana"]["environment"]

    assert (told["GF_USERS_ALLOW_SIGN_UP"], told["GF_AUTH_ANONYMOUS_ENABLED"]) == ("false", "false")
    assert told["GF_SECURITY_ADMIN_PASSWORD__FILE"] == "/run/secrets/grafana_admin_password"
    assert told["GF_SECURITY_SECRET_KEY__FILE"] == "/run/secrets/grafana_secret_key"


@pytest.mark.parametrize("name", ["ENGINE_IMAGE", "PREFLIGHT_IMAGE", "SECRETS_DIR"])
def test_a_variable_without_a_value_is_refused(name: str) -> None:
    """What compose would refuse is refused here too, instead of reading as empty."""
    with pytest.raises(ComposeFileError, match=name):
        read_services(FILE, {key: value for key, value in GIVEN.items() if key != name})


@pytest.mark.parametrize(
    ("written", "host_ip"),
    [
        ('"127.0.0.1:9090:9090"', "127.0.0.1"),
        ('"[::1]:9090:9090"', "[::1]"),
        ('"9090:9090"', ""),
        ("9090", ""),
        ("{ target: 9090, published: 9090 }", ""),
        ("{ target: 9090, published: 9090, host_ip: 127.0.0.1 }", "127.0.0.1"),
    ],
)
def test_every_form_of_a_port_tells_its_address(written: str, host_ip: str, tmp_path: Path) -> None:
    """Without an address a port is published on all of them, in whichever form it is written."""
    file = tmp_path / "compose.yml"
    file.write_text(f"services: {{ prometheus: {{ ports: [{written}] }} }}", encoding="utf-8")
    (port,) = read_services(file, {})["prometheus"]["ports"]
    assert (port["host_ip"], port["target"]) == (host_ip, 9090)
    assert bool(RULES["loopback-ports"]("prometheus", {"ports": [port]})) is (host_ip != "127.0.0.1")


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        ('ports: ["9090-9095:9090-9095"]', "prometheus: a port is written as .*, not as '9090-9095:9090-9095'"),
        ("volumes: [{ type: bind }]", "prometheus: a volume is written as .*, not as {'type': 'bind'}"),
    ],
)
def test_a_form_that_is_not_known_is_refused(kept: str, said: str, tmp_path: Path) -> None:
    """One sentence that names the service, instead of a rule that is not asked."""
    file = tmp_path / "compose.yml"
    file.write_text(f"services: {{ prometheus: {{ {kept} }} }}", encoding="utf-8")
    with pytest.raises(ComposeFileError, match=said):
        read_services(file, {})
