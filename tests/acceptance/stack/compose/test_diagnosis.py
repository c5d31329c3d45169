from __future__ import annotations

from pathlib import Path

import pytest

from acceptance.stack.compose import diagnosis
from acceptance.stack.compose.diagnosis import Container, explain
from acceptance.stack.compose.project import Project

PROJECT = Project(name="p", root=Path("/r"), folder=Path("/f"))


def _container(service: str, **changes: object) -> Container:
    fields: dict[str, object] = {
        "service": service,
        "status": "running",
        "exit_code": 0,
        "oom_killed": False,
        "health": "healthy",
        "health_said": "",
        "restarts": 0,
        "image": "i:1",
        "image_id": "sha256:0",
    }
    return Container(**(fields | changes))  # type: ignore[arg-type]


@pytest.fixture
def show(monkeypatch: pytest.MonkeyPatch) -> object:
    """Let the engine show the given containers, each with the given log."""

    def give(log: str, *rows: Container) -> None:
        monkeypatch.setattr(diagnosis, "containers", lambda _: {row.service: row for row in rows})
        monkeypatch.setattr(diagnosis, "log", lambda *_, **__: log)

    return give


@pytest.mark.parametrize(
    "said",
    [
        "Error starting userland proxy: listen tcp4 127.0.0.1:9101: bind: address already in use",
        "Bind for 127.0.0.1:9101 failed: port is already allocated",
    ],
    ids=["other program", "other container"],
)
def test_a_taken_port(said: str) -> None:
    """The service, the port and the variable that chooses another are named."""
    where = "driver failed programming external connectivity on endpoint p-node-exporter-1 (ab12): "
    service, message = explain(PROJECT, where + said)
    assert service == "node-exporter"
    assert "9101" in message
    assert "NODE_EXPORTER_PORT" in message


@pytest.mark.parametrize(
    "said",
    [
        "Error response from daemon: No such image: prom/prometheus:v3.13.3",
        "pull access denied for prom/prometheus:v3.13.3, repository does not exist",
    ],
)
def test_a_missing_image(said: str) -> None:
    """The image and the command that makes it are named."""
    _, message = explain(PROJECT, said)
    assert "prom/prometheus:v3.13.3" in message
    assert "make images" in message


def test_the_service_that_ran_and_failed_is_blamed(show: object) -> None:
    """Not the one that was still waiting for it."""
    assert callable(show)
    rows = (
        _container("engine", status="created", health="none"),
        _container("grafana", health="starting"),
        _container("postgres", status="exited", exit_code=1, health="unhealthy", health_said="no response"),
    )
    show("FATAL: database files are incompatible with server", *rows)
    service, message = explain(PROJECT, "container p-postgres-1 is unhealthy")
    assert service == "postgres"
    for wanted in (
        "exited (1)",
        "no response",
        "database files are incompatible",
        "of the volume's version",
        "grafana",
    ):
        assert wanted in message


@pytest.mark.parametrize(
    "culprit",
    [
        _container("zeta", health="starting", restarts=1),
        _container("zeta", status="exited", exit_code=1),
        _container("zeta", health="unhealthy"),
    ],
    ids=["crashing", "ended", "unhealthy"],
)
def test_who_is_only_slow_is_not_blamed_for_who_failed(show: object, culprit: Container) -> None:
    """A service that is still starting stands behind one that crashed, ended or is unhealthy."""
    assert callable(show)
    show("", _container("alpha", health="starting"), culprit)
    assert explain(PROJECT, "x")[0] == "zeta"


def test_compose_s_own_word_comes_first(show: object) -> None:
    """The container that compose names is the one, and its sentence is kept without pytest-docker's quotes."""
    assert callable(show)
    show("", _container("alpha", health="unhealthy"), _container("zeta", health="starting"))
    service, message = explain(PROJECT, 'Command x returned 1: """container p-zeta-1 is unhealthy\n""".')
    assert service == "zeta"
    assert message.endswith("compose said: container p-zeta-1 is unhealthy")


def test_out_of_memory_is_said(show: object) -> None:
    """A container that the kernel killed for its memory says so."""
    assert callable(show)
    show("", _container("grafana", status="restarting", exit_code=137, oom_killed=True, restarts=3))
    _, message = explain(PROJECT, "x")
    assert "out of memory" in message
    assert "3 restarts" in message


def test_a_failure_without_a_sick_container_keeps_compose_s_words(show: object) -> None:
    """Where no service can be blamed, what compose said is all there is."""
    assert callable(show)
    show("", _container("redis"))
    assert explain(PROJECT, "first\nnetwork has active endpoints\n") == (
        "",
        "docker compose up failed: network has active endpoints",
    )


@pytest.mark.parametrize(
    ("log", "health_said", "wanted"),
    [
        (
            "redis: /run/secrets/redis_password is empty, so nothing was started: run 'make images secrets'",
            "",
            "what to do: 'make images secrets' in the project root",
        ),
        (
            "FATAL: password authentication failed",
            "there is no role arbitrage",
            "what to do: the volume was set up without them: 'docker compose exec postgres",
        ),
        ("", "FATAL: database; there is no database arbitrage", "10-application-role.sh' makes what is missing"),
    ],
    ids=["unreadable", "no role", "no database"],
)
def test_what_a_service_lacks_has_its_remedy(show: object, log: str, health_said: str, wanted: str) -> None:
    """What it said before it ended, or its healthcheck says while it runs, comes with what mends it."""
    assert callable(show)
    show(log, _container("postgres", health="unhealthy", health_said=health_said))
    _, message = explain(PROJECT, "container p-postgres-1 is unhealthy")
    assert wanted in message


def test_why_it_crashes_comes_before_what_its_healthcheck_misses(show: object) -> None:
    """Between two tries a healthcheck finds missing what is only not there yet."""
    assert callable(show)
    said = "Connection refused; there is no role arbitrage"
    log = "database files are incompatible with server"
    show(log, _container("postgres", health="starting", restarts=2, health_said=said))
    _, message = explain(PROJECT, "container p-postgres-1 is unhealthy")
    assert "what to do: use the image of the volume's version" in message
