"""G15: settings, files and terminals as machines have them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from preflight.check import Context
from preflight.checks.environment import EnvironmentCheck
from preflight.config.sources import load
from preflight.errors import UsageError
from preflight.model import Status

LINKS = {
    "PREFLIGHT_PORT": "tcp://10.0.0.1:80",
    "PREFLIGHT_SERVICE_HOST": "10.0.0.1",
    "PREFLIGHT_SERVICE_PORT": "80",
    "PREFLIGHT_SERVICE_PORT_WEB": "80",
    "PREFLIGHT_PORT_80_TCP": "tcp://10.0.0.1:80",
    "PREFLIGHT_PORT_80_TCP_ADDR": "10.0.0.1",
    "PREFLIGHT_PORT_80_TCP_PORT": "80",
    "PREFLIGHT_PORT_80_TCP_PROTO": "tcp",
    "PREFLIGHT_REDIS_PORT": "udp://10.0.0.1:53",
}


def gate(*args: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[bytes]:
    """Run the gate in a process of its own, with nothing but what a test gives it."""
    return subprocess.run(
        [sys.executable, "-m", "preflight", *args],
        cwd=cwd,
        env={"PYTHONPATH": str(Path(__file__).parents[3]), "PATH": os.environ["PATH"], **env},
        capture_output=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("mode", "status"),
    [(0o400, Status.PASS), (0o600, Status.PASS), (0o440, Status.FAIL), (0o604, Status.FAIL), (0o620, Status.FAIL)],
)
def test_g15_a_file_that_only_its_owner_may_read(
    mode: int, status: Status, make_settings: Callable[..., Any], make_context: Callable[..., Context], tmp_path: Path
) -> None:
    """What others may not do is what makes it private."""
    (tmp_path / ".env.live").touch(mode=mode)
    (tmp_path / ".env.live").chmod(mode)
    assert EnvironmentCheck().run(make_context(settings=make_settings(env="live"))).status is status


def test_g15_the_links_of_a_service_named_preflight(tmp_path: Path) -> None:
    """They are no settings, and are named; a misspelt setting still is refused."""
    told = gate("--env", "paper", "--dry-run", cwd=tmp_path, HOME=str(tmp_path), **LINKS)
    assert told.returncode != 2, told.stderr
    for name in LINKS:
        assert f" {name}".encode() in told.stderr
    with pytest.raises(UsageError, match="PREFLIGHT_PORT"):
        load({"env": "paper"}, environ={"PREFLIGHT_PORT": "6379"}, cwd=tmp_path)


if os.geteuid() == 0:  # who else can become a user that nobody knows?

    def test_g15_no_home() -> None:
        """A user without a home, as containers have them: exit 2, and which settings to give."""
        program = (
            "import os, sys; from preflight import cli, gate, plugins, registry; "
            "from preflight.config import sources; "
            "from preflight.commands import run; "
            "os.setresuid(54321, 0, 0); sys.exit(cli.main(['--env', 'paper', '--dry-run']))"
        )
        found = subprocess.run(
            [sys.executable, "-c", program],
            cwd="/",
            env={"PYTHONPATH": str(Path(__file__).parents[3])},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (found.returncode, "PREFLIGHT_LEDGER" in found.stderr) == (2, True), found.stderr


def test_g15_a_fifo_in_the_place_of_the_env_file(tmp_path: Path) -> None:
    """It is refused at once: reading it would wait for whoever writes there."""
    os.mkfifo(tmp_path / ".env.paper")
    told = gate("--env", "paper", "--dry-run", cwd=tmp_path, HOME=str(tmp_path))
    assert (told.returncode, b"not a regular file" in told.stderr) == (2, True), told.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_g15_a_terminal_that_knows_few_letters(encoding: str, tmp_path: Path) -> None:
    """What it cannot show is shown with escapes, and the verdict is what it is elsewhere."""
    given = {"HOME": str(tmp_path), "PREFLIGHT_TEXTFILE_DIR": str(tmp_path / "측정값")}
    good, poor = (
        gate("--env", "paper", "--dry-run", cwd=tmp_path, PYTHONIOENCODING=each, **given)
        for each in ("utf-8", encoding)
    )
    assert "측정값".encode() in good.stdout
    assert poor.returncode == good.returncode, poor.stderr
    assert b"\\uce21\\uc815\\uac12" in poor.stdout


def test_g15_a_password_file_with_a_bom(tmp_path: Path) -> None:
    """An editor of Windows writes one: named, for it is no part of the password."""
    file = tmp_path / "password"
    file.write_bytes(b"\xef\xbb\xbfhunter2")
    with pytest.raises(UsageError, match="byte order mark") as caught:
        load({"env": "paper"}, environ={"PREFLIGHT_REDIS__PASSWORD_FILE": str(file)}, cwd=tmp_path)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("host", ["redis..svc", ".redis", "a" * 64 + ".svc"])
@pytest.mark.parametrize("table", ["REDIS", "POSTGRES"])
def test_g15_a_host_that_is_no_name(table: str, host: str, tmp_path: Path) -> None:
    """A part that is empty or too long: exit 2, not a bug."""
    with pytest.raises(UsageError, match="is not a host name"):
        load({"env": "paper"}, environ={f"PREFLIGHT_{table}__HOST": host}, cwd=tmp_path)
