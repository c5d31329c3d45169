from __future__ import annotations

import os
import shlex
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from acceptance.stack.compose import project as compose_project
from acceptance.stack.compose import secrets
from acceptance.stack.compose.images import choose
from acceptance.stack.compose.project import Project
from acceptance.stack.docker import docker_cli
from acceptance.stack.docker import env_file as compose_env
from acceptance.stack.interface import SERVICES, StackError

ROOT = choose.ROOT
PORTS = {name: 20_000 + number for number, name in enumerate(SERVICES)}


def _create(monitoring: Path = ROOT / "monitoring", interval: str | None = "1s") -> Project:
    return compose_project.create(
        ROOT,
        images={"REDIS_IMAGE": "r:1"},
        ports=PORTS,
        interval=interval,
        monitoring=monitoring,
        overrides={"GRAFANA_IMAGE": "g:2"},
    )


@pytest.fixture
def project() -> Iterator[Project]:
    """A project's folder, nothing running."""
    made = _create()
    yield made
    shutil.rmtree(made.folder)


def test_configuration_is_the_committed_one_but_for_the_intervals(project: Project) -> None:
    """Every file is a byte-for-byte copy, except that prometheus.yml names 1 s where the original names 15 s."""
    source = ROOT / "monitoring" / "prometheus"
    for path in source.rglob("*"):
        if path.is_file():
            copy = project.prometheus_config / path.relative_to(source)
            if path.name == "prometheus.yml":
                changed = zip(path.read_text("utf-8").splitlines(), copy.read_text("utf-8").splitlines(), strict=True)
                different = [(old.strip(), new.strip()) for old, new in changed if old != new]
                assert {new.partition(": ")[2] for _, new in different} == {"1s"}
                assert {"scrape_interval", "evaluation_interval"} <= {new.partition(":")[0] for _, new in different}
            else:
                assert copy.read_bytes() == path.read_bytes()


def test_a_container_s_user_can_read_it_and_nobody_else_gets_there(project: Project) -> None:
    """The folder is private, what is mounted from it is readable by any uid."""
    assert stat.S_IMODE(project.folder.stat().st_mode) == 0o700
    for folder in (project.prometheus_config, project.folder / "grafana", project.folder / "postgres"):
        for path in (folder, *folder.rglob("*")):
            wanted = 0o005 if path.is_dir() else 0o004
            assert path.stat().st_mode & wanted == wanted, path


def test_env_file_fills_the_compose_file_and_holds_no_secret(project: Project) -> None:
    """Images, ports and folders; overrides win; secret values are in their files only."""
    text = project.env_file.read_text(encoding="utf-8")
    values = compose_env.read(project.env_file)
    assert values["REDIS_IMAGE"] == "'r:1'"
    assert values["GRAFANA_IMAGE"] == "'g:2'"
    assert values["NODE_EXPORTER_PORT"] == f"'{PORTS['node-exporter']}'"
    assert [value for value in secrets.read(project.secrets_dir).values() if value in text] == []


def test_two_projects_share_neither_name_nor_folder(project: Project) -> None:
    """Runs side by side do not clash."""
    other = _create()
    try:
        assert (other.name, other.folder) != (project.name, project.folder)
        assert secrets.read(other.secrets_dir) != secrets.read(project.secrets_dir)
    finally:
        shutil.rmtree(other.folder)


def test_command_starts_from_a_clean_environment(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command for pytest-docker inherits no variable that could steer the project, and has a deadline."""
    monkeypatch.setenv("GRAFANA_PORT", "1")
    monkeypatch.setenv("DOCKER_HOST", "tcp://user:secret@192.0.2.1:2376")
    words = shlex.split(project.command)
    assert words[0] == "timeout"
    assert "secret" not in project.command  # every user of the machine can read a command line
    asked = shlex.join((*words[: words.index("docker")], "env"))
    inherited = dict(
        line.split("=", 1)
        for line in subprocess.run(
            ("sh", "-c", asked), capture_output=True, text=True, check=True, timeout=30
        ).stdout.splitlines()
    )
    assert inherited["DOCKER_HOST"] == os.environ["DOCKER_HOST"]
    assert inherited.keys() - {"PWD", "OLDPWD", "SHLVL", "_"} <= docker_cli.environment().keys()


def test_a_missing_configuration_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    """Without monitoring/ there is one sentence, and no folder stays behind."""
    before = {*Path("/tmp").glob("arbitrage-test-*")}
    with pytest.raises(StackError, match="cannot prepare the compose project"):
        _create(tmp_path)
    assert {*Path("/tmp").glob("arbitrage-test-*")} == before
