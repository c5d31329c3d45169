from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from acceptance.stack import compose_engine
from acceptance.stack.base import StackError


@pytest.fixture
def fake_docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty PATH but for a `docker` that the test writes."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path / "docker"


def _write(path: Path, script: str) -> None:
    path.write_text(f"#!{sys.executable}\n{script}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_no_docker_says_what_to_install(fake_docker: Path) -> None:
    """Without a docker command the sentence names the script, and what to install elsewhere."""
    assert not fake_docker.exists()
    trouble = compose_engine.why_unusable()
    assert trouble is not None
    assert "install_docker.sh" in trouble
    assert "Docker Engine" in trouble


def test_no_engine_is_told_with_the_cli_s_own_words(fake_docker: Path) -> None:
    """A CLI without an engine is not enough."""
    _write(fake_docker, "import sys; sys.exit('Cannot connect to the Docker daemon')")
    assert "Cannot connect" in (compose_engine.why_unusable() or "")


@pytest.mark.parametrize("answer", ["1.29.2", "", "docker: 'compose' is not a docker command"])
def test_compose_v1_or_none_is_refused(fake_docker: Path, answer: str) -> None:
    """Only compose v2 knows `up --wait`."""
    _write(fake_docker, f"import sys; print({answer!r} if sys.argv[1] == 'compose' else '20.10')")
    assert "version 2" in (compose_engine.why_unusable() or "")


@pytest.mark.parametrize("answer", ["2.26.1-4", "v2.40.0", "5.0.1"])
def test_engine_and_compose_v2_are_enough(fake_docker: Path, answer: str) -> None:
    """Whatever prefix or suffix the version carries."""
    _write(fake_docker, f"import sys; print({answer!r} if sys.argv[1] == 'compose' else '20.10')")
    assert compose_engine.why_unusable() is None


def test_a_command_that_hangs_is_ended() -> None:
    """At its deadline a command is killed, and the answer says so."""
    done = compose_engine.run((sys.executable, "-c", "input()"), stdin=None, seconds=5)
    assert done.code != 124  # no standard input: it ends at once
    hung = compose_engine.run((sys.executable, "-c", "import threading; threading.Event().wait()"), seconds=0.5)
    assert hung.code == 124
    assert "not done after" in hung.said


def test_a_missing_program_is_an_error_of_the_stack() -> None:
    """Never a FileNotFoundError in the face of a user."""
    with pytest.raises(StackError, match="no-such-program cannot be run"):
        compose_engine.run(("no-such-program",))


def test_stray_variables_do_not_steer_docker(monkeypatch: pytest.MonkeyPatch) -> None:
    """GRAFANA_PORT or COMPOSE_FILE of the caller's shell would win over the project's own settings."""
    monkeypatch.setenv("GRAFANA_PORT", "1")
    monkeypatch.setenv("COMPOSE_FILE", "x")
    monkeypatch.setenv("DOCKER_HOST", "unix:///x.sock")
    found = compose_engine.environment()
    assert not {"GRAFANA_PORT", "COMPOSE_FILE"} & {*found}
    assert found["DOCKER_HOST"] == "unix:///x.sock"


def test_proxies_are_handed_to_builds_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """They may hold a password, and running containers need none."""
    monkeypatch.setenv("http_proxy", "http://u:p@proxy")
    assert compose_engine.proxies()["http_proxy"] == "http://u:p@proxy"
    assert "http_proxy" not in compose_engine.environment()
