from __future__ import annotations

import configparser
import dataclasses
import os
import stat
from pathlib import Path

import pytest

from acceptance.stack.binaries.component import Component
from acceptance.stack.embedded.context import Layout, Secrets, StackContext, preflight_settings
from acceptance.stack.embedded.services import BUILDERS, COMPONENT_OF, NEEDS
from acceptance.stack.embedded.supervisor.client import CODE
from acceptance.stack.embedded.supervisor.protocol import ServiceSpec
from acceptance.stack.interface import SERVICES, StackError
from acceptance.stack.run_as import User

ME = User(name="me", uid=os.getuid(), gid=os.getgid())


@pytest.fixture
def site(layout: Layout) -> StackContext:
    """A site with programs that are never run."""
    home = layout.root / "home"
    home.mkdir()
    components = {
        name: Component(name=name, binary=Path("/bin/sh"), home=home, version="1", source="path", env={"LIB": "x"})
        for name in COMPONENT_OF.values()
    }
    return StackContext(
        layout=layout,
        ports={name: 20_000 + index for index, name in enumerate(SERVICES)},
        secrets=Secrets(),
        components=components,
        user=None,
        monitoring=CODE / "monitoring",
        code=CODE,
        interval="1s",
        postgres={},
        textfile_seen=layout.textfile,
    )


def test_there_is_a_builder_for_every_service() -> None:
    """Each service name has a builder, a component unless it is our own, and needs that exist."""
    assert set(BUILDERS) == set(SERVICES)
    assert set(COMPONENT_OF) == set(SERVICES) - {"engine"}
    assert {need for needs in NEEDS.values() for need in needs} <= set(SERVICES)


@pytest.mark.parametrize("name", SERVICES)
def test_no_secret_is_in_a_command_line_or_an_environment(site: StackContext, name: str) -> None:
    """Every user of the machine can read a command line, and logs like to print an environment."""
    spec = BUILDERS[name](site)
    seen = " ".join([*spec.argv, *spec.env.values(), *(word for step in spec.steps for word in step.argv)])
    assert not [secret for secret in site.secrets.values() if secret in seen]
    assert not [secret for secret in site.secrets.values() if secret in spec.question.asked]


def test_postgres_does_not_log_the_statement_with_the_password(site: StackContext) -> None:
    """A statement that fails would be in the log as it was given, and the log's tail is in error messages."""
    *_, single = BUILDERS["postgres"](site).steps
    assert site.secrets.postgres in single.stdin
    assert "log_min_error_statement=panic" in single.argv


@pytest.mark.parametrize("name", SERVICES)
def test_every_file_with_a_secret_is_private(site: StackContext, name: str) -> None:
    """What holds a password is 0600 in a folder nobody else can list."""
    BUILDERS[name](site)
    for path in (each for each in site.layout.root.rglob("*") if each.is_file()):
        if any(secret in path.read_text() for secret in site.secrets.values()):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
            assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700, path


@pytest.mark.parametrize("name", SERVICES)
def test_a_server_is_told_to_listen_on_the_loopback_only(site: StackContext, name: str) -> None:
    """No server is reachable from another machine, and no wildcard address is named anywhere."""
    spec = BUILDERS[name](site)
    conf = [
        each.read_text()
        for each in (site.layout.conf / "redis.conf", site.layout.conf / "grafana.ini")
        if each.exists()
    ]
    told = " ".join([*spec.argv, *spec.env.values(), *conf])
    assert "127.0.0.1" in told
    assert "0.0.0" not in told.replace("127.0.0.1", "")
    assert str(site.ports[name]) in told


def test_grafana_talks_to_nobody(site: StackContext) -> None:
    """Update checks, analytics, gravatar and news are off, sign-up too."""
    BUILDERS["grafana"](site)
    ini = configparser.ConfigParser(interpolation=None)
    ini.read(site.layout.conf / "grafana.ini")
    for section, key in (
        ("analytics", "reporting_enabled"),
        ("analytics", "check_for_updates"),
        ("analytics", "check_for_plugin_updates"),
        ("news", "news_feed_enabled"),
        ("users", "allow_sign_up"),
    ):
        assert not ini.getboolean(section, key), key
    assert ini.getboolean("security", "disable_gravatar")


def test_grafana_gets_what_its_provisioning_asks_for(site: StackContext) -> None:
    """Every ``$NAME`` in the provisioning files has a value, and the datasource is this stack's Prometheus."""
    spec = BUILDERS["grafana"](site)
    assert spec.env["PROMETHEUS_URL"] == f"http://127.0.0.1:{site.ports['prometheus']}"
    assert spec.env["SCRAPE_INTERVAL"] == "1s"
    for path in (site.monitoring / "grafana" / "provisioning").rglob("*.yml"):
        code = "\n".join(line.split("#")[0] for line in path.read_text().splitlines())
        names = {word.strip("\"'")[1:] for word in code.split() if word.strip("\"'").startswith("$")}
        assert names <= set(spec.env), path


def test_grafana_waits_for_every_committed_dashboard(site: StackContext) -> None:
    """Readiness names the uid of each dashboard file."""
    wanted = set(BUILDERS["grafana"](site).question.settings["dashboards"])
    assert wanted == {path.stem for path in (site.monitoring / "grafana" / "dashboards").glob("*.json")}


def test_grafana_without_a_home_is_refused(site: StackContext) -> None:
    """A program without its conf/ and public/ cannot run: the sentence says so."""
    bare = dataclasses.replace(site.components["grafana"], home=None)
    with pytest.raises(StackError, match="no home folder"):
        BUILDERS["grafana"](dataclasses.replace(site, components={**site.components, "grafana": bare}))


@pytest.mark.parametrize("name", SERVICES)
@pytest.mark.parametrize("user", [None, ME], ids=["alone", "switched"])
def test_only_postgres_and_node_exporter_run_as_the_other_user(
    site: StackContext, name: str, user: User | None
) -> None:
    """Where root runs the stack those two are switched; otherwise nothing is."""
    spec: ServiceSpec = BUILDERS[name](dataclasses.replace(site, user=user))
    assert spec.user == (user if name in {"postgres", "node-exporter"} else None)


def test_a_postgres_from_path_out_of_reach_is_one_sentence(site: StackContext) -> None:
    """A system Postgres that the other user cannot run is named, with the two ways on."""
    hidden = site.layout.root / "home" / "postgres"
    hidden.write_text("")
    hidden.chmod(0o700)
    component = dataclasses.replace(site.components["postgres"], binary=hidden, home=None)
    changed = dataclasses.replace(
        site,
        components={**site.components, "postgres": component},
        user=User(name="stranger", uid=4_000_001, gid=4_000_001),
    )
    with pytest.raises(StackError, match=r"cannot be run by user stranger.*off PATH.*install it"):
        BUILDERS["postgres"](changed)


def test_postgres_listens_on_no_socket(site: StackContext) -> None:
    """Whoever shares this machine reaches it by its port and password alone."""
    assert "unix_socket_directories=" in BUILDERS["postgres"](site).argv


def test_preflights_settings_point_at_this_stack(site: StackContext) -> None:
    """Host, port and password of both databases, and the three places it writes to."""
    settings = preflight_settings(site)
    assert settings["redis"] == {
        "host": "127.0.0.1",
        "port": site.ports["redis"],
        "password": site.secrets.redis,
        "db": 0,
    }
    assert settings["postgres"]["password"] == site.secrets.postgres
    assert settings["textfile_dir"] == str(site.layout.textfile)
    assert settings["bot"] == {"read_only": True, "metrics_url": f"http://127.0.0.1:{site.ports['engine']}/metrics"}
    assert settings["positions"] == {"policy": "allow"}
    assert set(settings) == {"textfile_dir", "ledger", "spool_dir", "bot", "positions", "redis", "postgres"}
