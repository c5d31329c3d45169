"""`make doctor` on machines that each lack something, and its table in docs/compose.md."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from acceptance.stack.compose.operate import doctor
from acceptance.stack.compose.operate.doctor import Machine, look
from acceptance.stack.compose.remedies import DOCS, REMEDIES, in_step
from acceptance.stack.docker import docker_cli, env_file
from acceptance.stack.ports import HOST
from tests.docker.operator import Operator, at_work


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """Somebody on whose machine nothing is wrong."""
    with at_work(tmp_path_factory.mktemp("checkout")) as made:
        yield made


@contextmanager
def mode(path: Path, bits: int) -> Iterator[None]:
    """Give a file other modes for a while."""
    before = path.stat().st_mode
    path.chmod(bits)
    try:
        yield
    finally:
        path.chmod(before)


def found(machine: Machine) -> dict[str, list[str]]:
    """Each thing that was found, by the name of its remedy."""
    rows: dict[str, list[str]] = {}
    for _, findings in look(machine):
        for each in findings:
            rows.setdefault(each.remedy, []).append(each.what)
    return rows


def test_the_docs_have_the_same_table() -> None:
    """To renew it: `python -m acceptance.stack.compose.remedies`."""
    text = DOCS.read_text(encoding="utf-8")
    assert in_step(text) == text


def test_k14_damaged_data_has_its_row() -> None:
    """With the words of the log, and the way out."""
    text = DOCS.read_text(encoding="utf-8")
    for name, words in (("damaged redis", "reading the append only file"), ("damaged grafana", "image is malformed")):
        assert words in REMEDIES[name].says
        assert f"| {REMEDIES[name].says} | {REMEDIES[name].do} |" in text


def test_a_machine_without_an_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so and how to install one, and looks no further."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    rows = found(Machine(docker_dir=tmp_path))
    assert list(rows) == ["engine"]
    assert "install_docker.sh" in REMEDIES["engine"].do


def test_a_docker_without_compose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that knows no `docker compose` is named as that."""
    docker = tmp_path / "docker"
    docker.write_text('#!/bin/sh\n[ "$1" = version ] && echo 24.0.7 && exit 0\nexit 1\n', encoding="utf-8")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    (what,) = found(Machine(docker_dir=tmp_path))["engine"]
    assert "docker compose" in what


@pytest.mark.compose
@pytest.mark.timeout(300)
class TestOnContainers:
    """With a real engine, and the files of an operator."""

    def test_nothing_is_found_where_up_works(self, operator: Operator, capsys: pytest.CaptureFixture[str]) -> None:
        """Exit 0, before `up` and while the stack runs, whose ports are then taken by itself."""
        arguments = ["--docker-dir", str(operator.folder)]
        assert doctor.main(arguments) == 0, capsys.readouterr().out
        operator.types("docker compose up -d --wait --wait-timeout 60 redis")
        assert doctor.main(arguments) == 0, capsys.readouterr().out
        operator.types("docker compose down --timeout 5")

    def test_a_checkout_in_which_nothing_was_made(self, operator: Operator) -> None:
        """`make images secrets` is what is missing."""
        env = operator.folder / ".env"
        env.rename(operator.folder / "kept.env")
        try:
            assert list(found(Machine(docker_dir=operator.folder))) == ["made"]
        finally:
            (operator.folder / "kept.env").rename(env)

    def test_a_taken_port(self, operator: Operator, capsys: pytest.CaptureFixture[str]) -> None:
        """The service, the port and the program that has it; exit 1 and the way out."""
        with socket.create_server((HOST, operator.ports["grafana"])):
            assert doctor.main(["--docker-dir", str(operator.folder)]) == 1
        said = capsys.readouterr().out
        port = operator.ports["grafana"]
        assert f"port {port}, which grafana wants (GRAFANA_PORT), is taken by " in said
        assert f"(process {os.getpid()})" in said
        assert REMEDIES["port"].plain in said

    @pytest.mark.parametrize(
        "name", ["monitoring/prometheus/rules", "monitoring/grafana/dashboards", "docker/postgres"]
    )
    def test_a_clone_under_a_strict_umask(self, operator: Operator, name: str) -> None:
        """The service whose user cannot read it, and the folder."""
        with mode(operator.folder.parent / name, 0o700):
            (what,) = found(Machine(docker_dir=operator.folder))["unreadable"]
        assert name.split("/")[1] in what

    def test_a_remedy_of_several_findings_is_told_once(
        self, operator: Operator, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Each finding is named; what mends them all is a long sentence."""
        monitoring = operator.folder.parent / "monitoring"
        with mode(monitoring / "prometheus", 0o700), mode(monitoring / "grafana" / "dashboards", 0o700):
            assert doctor.main(["--docker-dir", str(operator.folder)]) == 1
        said = capsys.readouterr().out
        assert (said.count("user cannot read"), said.count(REMEDIES["unreadable"].plain)) == (2, 1)
        assert said.splitlines()[-1].startswith("found: 2;")

    @pytest.mark.parametrize("trouble", ["unreadable", "empty", "missing", "two lines"])
    def test_a_secret_that_cannot_be_used(self, operator: Operator, trouble: str) -> None:
        """The file is named, its value never."""
        path = operator.folder / "secrets" / "redis_password"
        value = path.read_text(encoding="utf-8")
        path.unlink()
        if trouble != "missing":
            path.write_text({"empty": "", "two lines": f"{value}\n{value}\n"}.get(trouble, value), encoding="utf-8")
            path.chmod(0o400 if trouble == "unreadable" else 0o444)
        try:
            rows = found(Machine(docker_dir=operator.folder))
        finally:
            path.unlink(missing_ok=True)
            path.write_text(value, encoding="utf-8")
            path.chmod(0o444)
        (what,) = rows["one line" if trouble == "two lines" else "unreadable"]
        assert str(path) in what
        assert value not in what

    @pytest.mark.parametrize(("script", "remedy"), [("echo 9", "version"), ("echo junk", "no cluster")])
    def test_a_volume_that_postgres_cannot_use(self, operator: Operator, script: str, remedy: str) -> None:
        """Of another major version, or no cluster at all: told before anything is started."""
        volume = f"{operator.project}_postgres-data"
        image = env_file.read(operator.folder / ".env")["POSTGRES_IMAGE"]
        file = "PG_VERSION" if remedy == "version" else "thesis.txt"
        run = ("run", "--rm", "--user", "0", "-v", f"{volume}:/data", "--entrypoint", "sh", image, "-c")
        assert docker_cli.docker(*run, f"rm -rf /data/*; {script} >/data/{file}").code == 0
        try:
            (what,) = found(Machine(docker_dir=operator.folder))[remedy]
        finally:
            docker_cli.docker("volume", "rm", "--force", volume)
        assert volume in what

    @pytest.mark.parametrize(
        ("machine", "remedy"),
        [
            ({"now": lambda: 1.0}, "clock"),
            ({"memory_mb": lambda: 100.0}, "memory"),
            ({"room_mb": lambda _: 5.0}, "room"),
        ],
        ids=["clock", "memory", "room"],
    )
    def test_a_machine_that_is_short_of_something(
        self, operator: Operator, machine: dict[str, object], remedy: str
    ) -> None:
        """A clock that stands in the past, little memory, a full disk."""
        assert list(found(Machine(docker_dir=operator.folder, **machine))) == [remedy]  # type: ignore[arg-type]
