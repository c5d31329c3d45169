from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from acceptance.stack.compose.hardening import RULES, network_faults
from acceptance.stack.compose.images import choose
from acceptance.stack.compose.secrets import NAMES
from acceptance.stack.docker.docker_cli import DockerResult
from acceptance.stack.interface import SERVICES
from acceptance.stack.ports import port_variable

pytestmark = pytest.mark.compose

Render = Callable[..., DockerResult]
OWN = {"ENGINE_IMAGE": "own/engine:1.0.0", "PREFLIGHT_IMAGE": "own/preflight:1.0.0"}
PORTS = {
    "redis": (6379, 6379),
    "postgres": (5432, 5432),
    "prometheus": (9090, 9090),
    "grafana": (3000, 3000),
    "engine": (9100, 9100),
    "node-exporter": (9100, 9101),
}


@pytest.mark.parametrize("rule", sorted(RULES))
def test_every_service_is_hardened(config: dict[str, Any], rule: str) -> None:
    """Each rule holds for each service, whichever there are, so that a new one cannot come in without it."""
    found = {name: RULES[rule](name, service) for name, service in config["services"].items()}
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


_BARE = """
services:
  bare:
    image: somewhere/bare:latest
    ports: ["0.0.0.0:1234:1234"]
    environment: {{ REDIS_PASSWORD: hunter2 }}
    volumes: ["{folder}:/host"]
    networks: [default]
"""


@pytest.mark.parametrize("rule", sorted(set(RULES) - {"one-shot-in-profile"}))
def test_a_service_without_hardening_is_found(render: Render, tmp_path: Path, rule: str) -> None:
    """A bare service laid over the real file breaks every rule, so no rule is a formality."""
    extra = tmp_path / "bare.yml"
    extra.write_text(_BARE.format(folder=tmp_path), encoding="utf-8")
    done = render({**OWN, "SECRETS_DIR": str(tmp_path)}, extra)
    assert done.code == 0, done.stderr
    bare = json.loads(done.stdout)["services"]["bare"]
    assert RULES[rule]("bare", bare) != ""


@pytest.mark.parametrize(
    ("rule", "service"),
    [
        ("secrets-as-files", {"command": ["redis-server", "--requirepass", "hunter2"]}),
        ("secrets-as-files", {"entrypoint": ["sh", "-c", "exec server --password=hunter2"]}),
        ("secrets-as-files", {"healthcheck": {"test": ["CMD", "redis-cli", "-a", "hunter2", "ping"]}}),
        ("secrets-as-files", {"environment": {"DATABASE": "postgres://bot:hunter2@postgres/bot"}}),
        ("secrets-as-files", {"command": ["bot", "--redis", "redis://:hunter2@redis:6379"]}),
        ("secrets-as-files", {"build": {"args": {"INDEX": "https://me:hunter2@index.example/"}}}),
        ("secrets-as-files", {"build": {"args": {"INDEX_TOKEN": "hunter2"}}}),
        ("exact-image-version", {"image": "redis:8"}),
        ("exact-image-version", {"image": "redis:8.4"}),
        ("exact-image-version", {"image": "redis:8.4-bookworm"}),
        ("exact-image-version", {"image": "postgres:17"}),
        ("exact-image-version", {"image": "postgres:17-bookworm"}),
        ("exact-image-version", {"image": "registry.example:5000/redis"}),
        ("exact-image-version", {"image": "redis:latest"}),
        ("unprivileged", {"user": "0"}),
        ("unprivileged", {"user": "root:root"}),
        ("unprivileged", {"privileged": True}),
        ("unprivileged", {"pid": "host"}),
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["bare", "engine", "preflight"])
def test_a_rule_is_not_to_be_got_round(rule: str, service: dict[str, Any], name: str) -> None:
    """No service is exempt, and no other place or form of the same mistake passes."""
    assert RULES[rule](name, service) != ""


@pytest.mark.parametrize(
    ("rule", "service"),
    [
        ("exact-image-version", {"image": "redis:8.4.0-bookworm"}),
        ("exact-image-version", {"image": "prom/prometheus:v3.13.3"}),
        ("exact-image-version", {"image": "registry.example:5000/library/postgres:17.10"}),
        ("exact-image-version", {"image": f"redis@sha256:{'0' * 64}"}),
        ("secrets-as-files", {"environment": {"PASSWORD_FILE": "/run/secrets/x", "URL": "http://engine:9100/metrics"}}),
        ("unprivileged", {"user": "65534:65534"}),
    ],
    ids=str,
)
def test_a_rule_lets_pass_what_is_well(rule: str, service: dict[str, Any]) -> None:
    """A rule that refuses everything would say nothing."""
    assert RULES[rule]("bare", service) == ""


def test_each_official_image_says_where_it_comes_from() -> None:
    """The compose file names, for every official image, who publishes the tag and of which release it is."""
    text = (choose.ROOT / "docker" / "docker-compose.yml").read_text(encoding="utf-8")
    for image in choose.official().values():
        tagged = image.partition("@")[0]
        version = re.sub(r"^v|-.*$", "", tagged.rpartition(":")[2])
        (line,) = (each for each in text.splitlines() if each.startswith(f"#   {tagged} "))
        assert version in line.removeprefix(f"#   {tagged} "), line


def test_probes_come_at_the_same_interval_on_every_engine(config: dict[str, Any]) -> None:
    """With a start_period, Docker 25 and newer probe at another interval than older ones while a service starts."""
    checks = {name: service["healthcheck"] for name, service in config["services"].items() if name != "preflight"}
    assert set(checks) == set(SERVICES)
    assert {name for name, check in checks.items() if "start_period" in check} == set()


@pytest.mark.parametrize(("given", "path"), [({}, "/healthz"), ({"ENGINE_HEALTH_PATH": "/live"}, "/live")])
def test_the_engine_is_asked_whether_its_loop_goes_on(
    render: Render, tmp_path: Path, given: dict[str, str], path: str
) -> None:
    """Its /metrics is answered by a thread of its own, also while the loop hangs; a bot may name another."""
    done = render({**OWN, "SECRETS_DIR": str(tmp_path), **given})
    test = json.loads(done.stdout)["services"]["engine"]["healthcheck"]["test"]
    assert test[-1] == f"http://127.0.0.1:9100{path}"


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({}, "http://engine:9100/metrics"),
        ({"BOT_METRICS_URL": ""}, ""),
        ({"BOT_METRICS_URL": "http://b:1/m"}, "http://b:1/m"),
    ],
    ids=["default", "not asked", "elsewhere"],
)
def test_the_page_that_the_gate_asks_can_be_changed(
    render: Render, tmp_path: Path, given: dict[str, str], url: str
) -> None:
    """A bot without such a page is not asked, instead of being an ERROR for ever."""
    done = render({**OWN, "SECRETS_DIR": str(tmp_path), **given})
    environment = json.loads(done.stdout)["services"]["preflight"]["environment"]
    assert environment["PREFLIGHT_BOT__METRICS_URL"] == url


def test_a_one_shot_outside_a_profile_is_found() -> None:
    """A service that ends and belongs to no profile would fail `up --wait`."""
    assert "profile" in RULES["one-shot-in-profile"]("migrate", {"restart": "no"})


def test_services_volumes_and_network_are_the_documented_ones(config: dict[str, Any]) -> None:
    """The names that the seed and the design give are there, and no other service."""
    assert set(config["services"]) == {*SERVICES, "preflight"}
    assert {"prometheus-data", "grafana-data", "textfile-collector-data", "postgres-data"} <= set(config["volumes"])
    assert network_faults(config["networks"]) == []


@pytest.mark.parametrize(
    ("network", "key", "value", "said"),
    [
        ("data", "driver_opts", {}, "data: it leads out"),
        ("metrics", "driver_opts", None, "metrics: it leads out"),
        ("flat", "internal", True, "flat: no such network"),
    ],
)
def test_a_network_that_lets_out_is_found(
    config: dict[str, Any], network: str, key: str, value: object, said: str
) -> None:
    """Each promise of the networks, taken away by itself, is named."""
    networks = {**config["networks"], network: {**config["networks"].get(network, {}), key: value}}
    assert said in "; ".join(network_faults(networks))


def test_a_service_in_a_network_too_many_is_found(config: dict[str, Any]) -> None:
    """One flat network, as there was before, is a fault of each service in it."""
    flat = {**config["services"]["redis"], "networks": {"arbitrage-network": None, "data": None}}
    assert "arbitrage-network" in RULES["network"]("redis", flat)


def test_names_of_volumes_and_network_are_the_projects_own(config: dict[str, Any]) -> None:
    """Two projects side by side share neither a volume nor a network."""
    named = [*config["volumes"].values(), *config["networks"].values()]
    assert all(each["name"].startswith(f"{config['name']}_") for each in named)


@pytest.mark.parametrize("service", PORTS)
def test_default_ports(config: dict[str, Any], service: str) -> None:
    """Without settings, each service is published on the seed's port."""
    (port,) = config["services"][service]["ports"]
    assert (port["target"], int(port["published"])) == PORTS[service]


@pytest.mark.parametrize("service", PORTS)
def test_ports_can_be_changed(render: Render, tmp_path: Path, service: str) -> None:
    """A variable moves a service's port on the host."""
    done = render({**OWN, "SECRETS_DIR": str(tmp_path), port_variable(service): "23456"})
    (port,) = json.loads(done.stdout)["services"][service]["ports"]
    assert (port["target"], port["published"]) == (PORTS[service][0], "23456")


@pytest.mark.parametrize("service", [*SERVICES, "preflight"])
def test_images_can_be_changed(render: Render, tmp_path: Path, service: str) -> None:
    """A variable puts another image in a service's place."""
    variable = f"{service.upper().replace('-', '_')}_IMAGE"
    done = render({**OWN, "SECRETS_DIR": str(tmp_path), variable: "mine/own:9.9"})
    assert json.loads(done.stdout)["services"][service]["image"] == "mine/own:9.9"


def test_missing_secrets_say_what_to_run(render: Render) -> None:
    """Without secrets compose refuses the file and names the command that makes them."""
    done = render(OWN)
    assert done.code != 0
    assert "make secrets" in done.stderr


@pytest.mark.parametrize("variable", OWN)
def test_missing_own_images_say_what_to_run(render: Render, tmp_path: Path, variable: str) -> None:
    """Images that no registry has are named with the command that builds them."""
    images = {name: value for name, value in OWN.items() if name != variable}
    done = render({**images, "SECRETS_DIR": str(tmp_path)})
    assert done.code != 0
    assert "make images" in done.stderr


def test_secrets_are_the_files_that_make_secrets_makes(config: dict[str, Any]) -> None:
    """Every secret of the file is made by `make secrets`, and none is made for nothing."""
    assert set(config["secrets"]) == set(NAMES)
    used = {each["source"] for service in config["services"].values() for each in service.get("secrets", [])}
    assert used == set(NAMES)


def test_preflight_starts_nothing(config: dict[str, Any]) -> None:
    """`run preflight` depends on no service: one that is down has to be reported, not started."""
    assert not config["services"]["preflight"].get("depends_on")


def test_node_exporter_reads_textfiles_only(config: dict[str, Any]) -> None:
    """Nothing about the host is exported, and the textfile volume cannot be written from there."""
    service = config["services"]["node-exporter"]
    assert "--collector.disable-defaults" in service["command"]
    assert [word for word in service["command"] if word.startswith("--collector.")][1:] == [
        "--collector.textfile",
        "--collector.textfile.directory=/var/lib/node_exporter/textfile",
    ]
    assert all(mount.get("read_only") for mount in service["volumes"])


def test_writer_and_reader_share_the_textfile_volume(config: dict[str, Any]) -> None:
    """Preflight writes where node_exporter reads."""
    mounts = {
        name: {mount["target"]: mount["source"] for mount in config["services"][name]["volumes"]}
        for name in ("preflight", "node-exporter")
    }
    folder = config["services"]["preflight"]["environment"]["PREFLIGHT_TEXTFILE_DIR"]
    assert mounts["preflight"][folder] == mounts["node-exporter"][folder] == "textfile-collector-data"


def test_prometheus_targets_are_services_of_the_file(config: dict[str, Any]) -> None:
    """Each committed target names a service and the port it listens on in its container."""
    targets = Path(choose.ROOT, "monitoring", "prometheus", "targets")
    for path in targets.glob("*.json"):
        for group in json.loads(path.read_text(encoding="utf-8")):
            for target in group["targets"]:
                host, _, port = target.partition(":")
                service = "prometheus" if host == "127.0.0.1" else host
                assert int(port) == config["services"][service]["ports"][0]["target"], target


def test_grafana_gets_every_variable_its_provisioning_asks_for(config: dict[str, Any]) -> None:
    """A variable that provisioning names and compose does not set would silently be empty."""
    folder = Path(choose.ROOT, "monitoring", "grafana", "provisioning")
    text = "".join(
        line.partition("#")[0] for path in folder.rglob("*.yml") for line in path.read_text("utf-8").splitlines()
    )
    assert set(re.findall(r"\$\{?([A-Z_]+)", text)) <= set(config["services"]["grafana"]["environment"])


def test_local_file_builds_every_image(render: Render, tmp_path: Path) -> None:
    """With docker-compose.local.yml no service needs a registry."""
    local = choose.ROOT / "docker" / "docker-compose.local.yml"
    settings = {"SECRETS_DIR": str(tmp_path), "LOCAL_CONTEXTS": str(tmp_path), "BASE_IMAGE": "base:1.0"}
    done = render({**OWN, **settings}, local)
    assert done.code == 0, done.stderr
    services = json.loads(done.stdout)["services"]
    assert [name for name, service in services.items() if "build" not in service] == []
