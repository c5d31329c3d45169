from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import pytest

from acceptance.stack.compose import run_preflight as compose_run
from acceptance.stack.compose.project import Project
from acceptance.stack.compose.relay import Relays
from acceptance.stack.docker import docker_cli
from acceptance.stack.docker.docker_cli import DockerResult
from acceptance.stack.interface import StackError


class _Relays:
    """Stands in for the ways to this machine's loopback."""

    def rewrite(self, variables: Mapping[str, str]) -> dict[str, str]:
        return {name: value.replace("127.0.0.1", "relay") for name, value in variables.items()}


RELAYS = cast("Relays", _Relays())


class _Engine:
    """Stands in for docker: takes down what it was asked, and plays a preflight container."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, project: Project) -> None:
        self.run_argv: tuple[str, ...] = ()
        self.run_env: dict[str, str] = {}
        self.removed: list[str] = []
        self.state = DockerResult(code=0, stdout="exited 0\n", stderr="")
        self.answer = DockerResult(code=0, stdout="GO", stderr="")
        self.report: str | None = '{"verdict": "GO"}'
        self.copied = ""
        self._project = project
        monkeypatch.setattr(docker_cli, "run", self.run)
        monkeypatch.setattr(docker_cli, "docker", self.docker)
        monkeypatch.setattr(docker_cli, "run_bytes", self.run_bytes)

    def run(self, argv: Sequence[str], *, seconds: float, env: Mapping[str, str]) -> DockerResult:
        assert seconds > 0
        self.run_argv, self.run_env = tuple(argv), dict(env)
        if self.report is not None:
            name = argv[argv.index("--name") + 1]
            (self._project.reports / name / "report.json").write_text(self.report, encoding="utf-8")
        return self.answer

    def docker(self, *args: str) -> DockerResult:
        if args[0] == "rm":
            self.removed.append(args[-1])
        return self.state

    def run_bytes(self, argv: Sequence[str]) -> bytes | None:
        self.copied = argv[2].partition(":")[2]
        if self.report is None:
            return None
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            member = tarfile.TarInfo("x.prom")
            member.size = 4
            archive.addfile(member, io.BytesIO(b"a 1\n"))
        return packed.getvalue()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project's folder, with nothing running."""
    made = Project(name="p", root=tmp_path, folder=tmp_path)
    made.reports.mkdir()
    return made


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, project: Project) -> _Engine:
    """Docker, played."""
    return _Engine(monkeypatch, project)


def test_a_run_brings_back_report_textfile_and_code(engine: _Engine, project: Project) -> None:
    """Exit code, report and `.prom` are those of the container, which is removed."""
    run = compose_run.run_preflight(project, RELAYS, ("--strict",), {})
    assert (run.exit_code, run.report, run.prom, run.stdout) == (0, {"verdict": "GO"}, "a 1\n", "GO")
    assert run.argv[:4] == ("preflight", "--env", "paper", "--strict")
    assert engine.copied == f"{compose_run.TEXTFILE_DIR}/arbitrage_preflight_paper.prom"
    assert len(engine.removed) == 1


def test_a_chosen_env_is_not_overruled(engine: _Engine, project: Project) -> None:
    """An env given as option or variable stays the only one."""
    run = compose_run.run_preflight(project, RELAYS, ("--env=dev",), {})
    assert "paper" not in run.argv
    assert engine.copied.endswith("arbitrage_preflight_dev.prom")
    assert "--env" not in compose_run.run_preflight(project, RELAYS, (), {"PREFLIGHT_ENV": "test"}).argv


def test_no_value_is_in_a_command_line(engine: _Engine, project: Project) -> None:
    """Variables travel in the environment of the command; a password takes the place of the file's."""
    compose_run.run_preflight(project, RELAYS, (), {"PREFLIGHT_REDIS__PASSWORD": "hunter2"})
    assert not [word for word in engine.run_argv if "hunter2" in word]
    assert engine.run_env["PREFLIGHT_REDIS__PASSWORD"] == "hunter2"
    assert engine.run_env["PREFLIGHT_REDIS__PASSWORD_FILE"] == ""


def test_a_report_goes_where_it_is_wanted(engine: _Engine, project: Project, tmp_path: Path) -> None:
    """`--output FILE` names a file of this machine; the container writes to its own place."""
    wanted = tmp_path / "mine.json"
    run = compose_run.run_preflight(project, RELAYS, ("--output", str(wanted)), {})
    assert json.loads(wanted.read_text(encoding="utf-8")) == run.report
    assert str(wanted) not in engine.run_argv


def test_a_file_of_this_machine_is_given_to_the_container(engine: _Engine, project: Project, tmp_path: Path) -> None:
    """A variable that names a file names its copy inside; one that names none stays as it is."""
    token = tmp_path / "token"
    token.write_text("t", encoding="utf-8")
    token.chmod(0o600)
    env = {"PREFLIGHT_TELEGRAM__TOKEN_FILE": str(token), "PREFLIGHT_OTHER_FILE": "/nowhere"}
    compose_run.run_preflight(project, RELAYS, (), env)
    assert engine.run_env["PREFLIGHT_TELEGRAM__TOKEN_FILE"] == "/report/given/PREFLIGHT_TELEGRAM__TOKEN_FILE"
    assert engine.run_env["PREFLIGHT_OTHER_FILE"] == "/nowhere"
    (folder,) = project.reports.iterdir()
    copy = folder / "given" / "PREFLIGHT_TELEGRAM__TOKEN_FILE"
    assert (copy.read_text(encoding="utf-8"), copy.stat().st_mode & 0o777) == ("t", 0o444)


def test_loopback_urls_are_rewritten(engine: _Engine, project: Project) -> None:
    """The container's own 127.0.0.1 is another one."""
    compose_run.run_preflight(project, RELAYS, (), {"PREFLIGHT_TELEGRAM__URL": "http://127.0.0.1:1"})
    assert engine.run_env["PREFLIGHT_TELEGRAM__URL"] == "http://relay:1"


def test_nothing_written_is_nothing_read(engine: _Engine, project: Project) -> None:
    """A usage error leaves no report and no `.prom`: both are empty, the code is the gate's."""
    engine.report = None
    engine.state = DockerResult(code=0, stdout="exited 2\n", stderr="")
    run = compose_run.run_preflight(project, RELAYS, ("--nonsense",), {})
    assert (run.exit_code, run.report, run.prom) == (2, {}, "")


@pytest.mark.parametrize("state", ["created 0\n", "", "running 0\n"])
def test_a_container_that_did_not_run_has_no_exit_code(engine: _Engine, project: Project, state: str) -> None:
    """Compose's own 1 (no such image, say) must not read as NO_GO, nor a 0 as GO."""
    engine.state = DockerResult(code=0, stdout=state, stderr="")
    engine.answer = DockerResult(code=1, stdout="", stderr="no such image")
    with pytest.raises(StackError, match=r"did not run .*no such image"):
        compose_run.run_preflight(project, RELAYS, (), {})
    assert len(engine.removed) == 1


def test_a_hung_run_is_an_error(engine: _Engine, project: Project) -> None:
    """At the deadline the container is removed and the error says how long it took."""
    engine.answer = DockerResult(code=124, stdout="", stderr="not done")
    with pytest.raises(StackError, match="did not end within"):
        compose_run.run_preflight(project, RELAYS, (), {})
    assert len(engine.removed) == 1


def test_a_broken_report_is_an_error(engine: _Engine, project: Project) -> None:
    """Half a report is not an empty one."""
    engine.report = '{"verdict": "G'
    with pytest.raises(StackError, match="cannot be read"):
        compose_run.run_preflight(project, RELAYS, (), {})
