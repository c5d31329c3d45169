"""G10: what kept a run from being recorded though nothing was wrong with the ledger."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import preflight
from preflight.alerts.spool import Spool
from preflight.redaction import scrub
from preflight.secret_shapes import MASK
from tests import program_server

ROOT = Path(preflight.__file__).parents[1]
PROM = "arbitrage_preflight_paper.prom"

# A gate over checks of which one tells when it runs, and then does what the test says.
PROGRAM = """
import os, signal, sys
from types import SimpleNamespace
from preflight import cli, registry
from preflight.model import Outcome, Status
{before}
def passes(ctx):
    return Outcome(status=Status.PASS, summary="fine")
def redis(ctx):
    {does}
    return passes(ctx)
def make(id):
    return SimpleNamespace(id=id, proves="", requires=(), timeout=20.0, network=False, imports=(),
                           run=redis if id == "redis" else passes)
ids = ("environment", "secrets", "read_only_guard", "redis", "postgres", "storage")
registry.default_registry = lambda settings=None: registry.Registry(tuple(make(id) for id in ids))
cli.entry()
"""


@pytest.fixture
def places(tmp_path: Path) -> dict[str, str]:
    """The variables of a gate of its own, on the day after a GO."""
    for name in ("state", "textfile", "spool"):
        (tmp_path / name).mkdir()
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT),
        "PREFLIGHT_LEDGER": str(tmp_path / "state" / "ledger.sqlite"),
        "PREFLIGHT_TEXTFILE_DIR": str(tmp_path / "textfile"),
        "PREFLIGHT_SPOOL_DIR": str(tmp_path / "spool"),
    }
    done = run_gate(environ, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'last_success{env="paper"} 1.0' in (tmp_path / "textfile" / PROM).read_text()
    return environ


def gate(does: str = "pass", before: str = "") -> list[str]:
    """Give the command of a gate whose check of Redis does this."""
    return [sys.executable, "-c", PROGRAM.format(does=does, before=before), "--env", "paper"]


def run_gate(environ: dict[str, str], cwd: Path, **given: str) -> subprocess.CompletedProcess[str]:
    """Run such a gate, whose streams are as everywhere."""
    return program_server.run(gate(**given)[2], "--env", "paper", env=environ, cwd=cwd)


def must_be_recorded(tmp_path: Path) -> None:
    """See that the run is on record as no success, and that a P0 waits."""
    text = (tmp_path / "textfile" / PROM).read_text()
    assert 'arbitrage_preflight_runs_total{env="paper"} 2.0' in text
    assert 'arbitrage_preflight_last_success{env="paper"} 0.0' in text
    assert 'arbitrage_preflight_ready_for_live{env="paper"} 0.0' in text
    assert Spool(tmp_path / "spool").pending("paper") == 1


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGXCPU], ids=lambda n: n.name
)
def test_g10_signals_that_end_a_process(number: signal.Signals, places: dict[str, str], tmp_path: Path) -> None:
    """A gate that is told to end while the checks run is UNVERIFIED, recorded, and a P0 says so."""
    does = f"os.kill(os.getppid(), signal.{number.name}); signal.pause()"
    done = run_gate(places, tmp_path, does=does)
    assert done.returncode == 3, done.stderr
    assert f"the gate itself broke: Interrupted: {number.name}" in done.stdout
    must_be_recorded(tmp_path)


def test_g10_a_cpu_limit(places: dict[str, str], tmp_path: Path) -> None:
    """The kernel's own SIGXCPU, which comes again every second, ends the run once."""
    burn = """
from preflight.runner import Runner
def burn(self):
    while True:
        os.getpid()
Runner._wait = burn
import resource
resource.setrlimit(resource.RLIMIT_CPU, (1, 20))
"""
    done = run_gate(places, tmp_path, does="signal.pause()", before=burn)
    assert done.returncode == 3, done.stderr
    assert "the gate itself broke: Interrupted: SIGXCPU" in done.stdout
    must_be_recorded(tmp_path)


def test_g10_nohup_means_what_it_says(places: dict[str, str], tmp_path: Path) -> None:
    """A signal that the caller had ignored does not end the run."""
    does = "os.kill(os.getppid(), signal.SIGHUP)"
    before = "signal.signal(signal.SIGHUP, signal.SIG_IGN)"
    assert run_gate(places, tmp_path, does=does, before=before).returncode == 0


@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("form", ["console", "json"])
def test_g10_a_closed_stdout(closed: str, form: str, places: dict[str, str], tmp_path: Path) -> None:
    """A run that nobody can be shown is UNVERIFIED, recorded, taken back; nothing is written into another file."""
    command = ["sh", "-c", f'exec "$@" {closed}', "sh", *gate(), "--format", form]
    done = subprocess.run(command, env=places, cwd=tmp_path, stderr=subprocess.PIPE, timeout=30, check=False)
    assert done.returncode == 3, done.stderr
    must_be_recorded(tmp_path)


def test_g10_a_closed_stdout_and_a_typing_error(places: dict[str, str], tmp_path: Path) -> None:
    """A usage error stays one where nobody reads it."""
    command = ["sh", "-c", 'exec "$@" >&- 2>&-', "sh", *gate(), "--only", "redsi"]
    assert subprocess.run(command, env=places, cwd=tmp_path, timeout=30, check=False).returncode == 2


def test_g10_a_password_that_is_no_text(places: dict[str, str], tmp_path: Path) -> None:
    """Bytes that are no UTF-8 in a variable neither break the gate nor are shown, in whatever spelling."""
    does = "raise RuntimeError(ctx.settings.redis.password.get_secret_value())"
    environ = {**{k.encode(): v.encode() for k, v in places.items()}, b"PREFLIGHT_REDIS__PASSWORD": b"Canary\xff\xfe9"}
    done = subprocess.run(gate(does), env=environ, cwd=tmp_path, capture_output=True, timeout=30, check=False)
    assert done.returncode == 3, done.stderr
    assert b"the gate itself broke" not in done.stdout + done.stderr
    must_be_recorded(tmp_path)
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"Canary" not in done.stdout + done.stderr + written


@pytest.mark.parametrize("secret", ["Canary\udcff\udcfe9", "Canary\ud800", 'Can"ary\\9'])
def test_spellings_of_a_secret(secret: str) -> None:
    """A secret is found as it is, as Python shows it, and as bytes."""
    raw = secret.encode("utf-8", "surrogateescape" if "\ud800" not in secret else "surrogatepass")
    for text in (secret, secret.encode("ascii", "backslashreplace").decode(), repr(raw)[2:-1]):
        assert scrub(f"<{text}>", [secret]) == f"<{MASK}>"
