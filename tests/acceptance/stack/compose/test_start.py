"""What start makes of compose's answers; Docker itself is played."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from acceptance.stack.compose import diagnosis, leftovers
from acceptance.stack.compose import project as compose_project
from acceptance.stack.compose import stack as compose
from acceptance.stack.compose.diagnosis import Container
from acceptance.stack.compose.images import choose
from acceptance.stack.compose.images.choose import Images
from acceptance.stack.compose.stack import ComposeStack
from acceptance.stack.docker import docker_cli
from acceptance.stack.interface import SERVICES, StackError

VARIABLES = [*choose.official(), "ENGINE_IMAGE", "PREFLIGHT_IMAGE"]


class _Docker:
    """Plays compose: what `up` and `down` say, and how the containers are doing afterwards."""

    def __init__(self) -> None:
        self.up_says: str | None = None  # None: exit code 0
        self.down_says: str | None = None
        self.health = dict.fromkeys(SERVICES, "healthy")
        self.commands: list[str] = []

    def execute(self, command: str) -> bytes:
        self.commands.append(command)
        said = self.up_says if command.startswith("up ") else self.down_says
        if said is not None:
            raise Exception(f'Command x returned 1: """{said}""".')
        return b""

    @contextlib.contextmanager
    def life(self, *args: object) -> Iterator[None]:
        cleanup = args[-1]
        assert isinstance(cleanup, list)
        try:
            yield
        finally:
            for command in cleanup:
                self.execute(command)

    def containers(self, _: object) -> dict[str, Container]:
        return {
            name: Container(
                service=name,
                status="running",
                exit_code=0,
                oom_killed=False,
                health=health,
                health_said="",
                restarts=0,
                image="i:1",
                image_id="sha256:0",
            )
            for name, health in self.health.items()
        }


@pytest.fixture
def docker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> _Docker:
    """A machine with a played Docker."""
    played = _Docker()
    images = Images(kind="local", reason="", names=dict.fromkeys(VARIABLES, "i:1"), settings={})
    monkeypatch.setattr(docker_cli, "why_unusable", lambda: None)
    monkeypatch.setattr(choose, "prepare", lambda *_, **__: images)
    monkeypatch.setattr(leftovers, "sweep", lambda: ())
    monkeypatch.setattr(leftovers, "folder_of", lambda name: tmp_path / name)
    monkeypatch.setattr(compose_project, "check_prometheus", lambda *_: None)
    monkeypatch.setattr(compose, "get_docker_services", played.life)
    monkeypatch.setattr(compose, "DockerComposeExecutor", lambda *_: played)
    monkeypatch.setattr(diagnosis, "containers", played.containers)
    monkeypatch.setattr(diagnosis, "log", lambda *_, **__: "its last words")
    monkeypatch.setattr(compose, "versions", lambda *_: {})
    monkeypatch.setattr(ComposeStack, "_wait", lambda *_: None)
    return played


def test_a_started_stack_is_taken_down_with_its_volumes(docker: _Docker, tmp_path: Path) -> None:
    """After stop nothing is left: `down --volumes`, the private folder gone, logs still to be read."""
    with ComposeStack() as stack:
        assert [path.name for path in tmp_path.iterdir()] == [stack.project.name]
        assert len(stack.secrets) == 5
    assert [command.partition(" ")[0] for command in docker.commands] == ["up", "--profile"]
    assert "down --volumes" in docker.commands[-1]
    assert list(tmp_path.iterdir()) == []
    assert stack.logs("redis") == "its last words"


@pytest.mark.parametrize("health", ["unhealthy", "starting", "none"])
def test_compose_s_word_alone_is_not_taken(docker: _Docker, tmp_path: Path, health: str) -> None:
    """`up --wait` that ends with 0 while a service is not healthy is a failure all the same."""
    docker.health["grafana"] = health
    with pytest.raises(StackError, match="grafana did not get ready") as caught:
        ComposeStack().start()
    assert caught.value.service == "grafana"
    assert "down --volumes" in docker.commands[-1]
    assert list(tmp_path.iterdir()) == []


def test_a_failed_start_tells_how_things_stood(docker: _Docker) -> None:
    """Secrets, states and logs are there for the evidence after everything was taken down."""
    docker.health["grafana"] = "unhealthy"
    stack = ComposeStack()
    with pytest.raises(StackError):
        stack.start()
    (grafana,) = (each for each in stack.services() if each.name == "grafana")
    assert grafana.detail.startswith("running, unhealthy; ")
    assert len(stack.secrets) == 5
    assert stack.logs("grafana") == "its last words"


def test_what_came_to_no_container_has_no_states(docker: _Docker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an engine there is nothing to tell of but the reason."""
    assert docker
    monkeypatch.setattr(docker_cli, "why_unusable", lambda: "no engine")
    stack = ComposeStack()
    with pytest.raises(StackError, match="no engine"):
        stack.start()
    assert (stack.services(), stack.versions(), stack.secrets) == ((), {}, ())


def test_a_service_without_a_container_is_a_failure(docker: _Docker) -> None:
    """What is not there is not healthy."""
    del docker.health["redis"]
    with pytest.raises(StackError):
        ComposeStack().start()


def test_a_failed_up_is_explained_and_no_secret_is_in_it(docker: _Docker, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the service; a secret that a log shows is not repeated."""
    docker.health["postgres"] = "unhealthy"
    docker.up_says = "container x is unhealthy"
    stack = ComposeStack()
    monkeypatch.setattr(diagnosis, "log", lambda *_, **__: f"password={stack.secrets[0]}")
    with pytest.raises(StackError, match="postgres did not get ready") as caught:
        stack.start()
    assert [value for value in stack.secrets if value in str(caught.value)] == []


def test_a_down_that_fails_is_said(docker: _Docker, tmp_path: Path) -> None:
    """Containers that stay are not passed over; the folder with the secrets goes all the same."""
    stack = ComposeStack()
    stack.start()
    docker.down_says = "network has active endpoints"
    with pytest.raises(StackError, match=r"could not be taken down.*active endpoints"):
        stack.stop()
    assert list(tmp_path.iterdir()) == []


def test_a_kept_stack_is_not_taken_down(docker: _Docker, tmp_path: Path) -> None:
    """Its command is given, and its folder stays for it."""
    stack = ComposeStack()
    stack.start()
    assert "down --volumes" in stack.keep()
    stack.stop()
    assert len(docker.commands) == 1
    assert len(list(tmp_path.iterdir())) == 1


def test_no_engine_is_an_error_with_what_to_install(docker: _Docker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked for and not startable fails, and nothing is tried."""
    monkeypatch.setattr(docker_cli, "why_unusable", lambda: "no engine: run scripts/install_docker.sh")
    with pytest.raises(StackError, match=r"install_docker\.sh"):
        ComposeStack().start()
    assert docker.commands == []


@pytest.mark.parametrize("use", ["urls", "project", "services", "run_preflight"])
def test_what_is_not_started_cannot_be_used(use: str) -> None:
    """Before start there is one sentence, not an AttributeError."""
    with pytest.raises(StackError, match="call start"):
        getattr(ComposeStack(), use)()


def test_an_unknown_service_is_named(docker: _Docker) -> None:
    """With those that there are."""
    assert docker
    with ComposeStack() as stack, pytest.raises(StackError, match=r"no service 'mysql'.*redis"):
        stack.stop_service("mysql")
