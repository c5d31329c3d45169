"""`preflight exec` starts a command on GO, and on nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from preflight.cli import main
from preflight.system.process_id import birth
from tests import program_server

# Runs `preflight exec` with a gate that ends as asked: the verdict's exit code is the first argument.
DRIVER = """
import sys
from preflight.cli import entry
from preflight.gate import Gate
from preflight.model import Decision, Env, Mode, Report, Verdict
code = int(sys.argv.pop(1))
verdicts = {0: "GO", 1: "NO_GO", 2: "UNVERIFIED", 3: "UNVERIFIED", 4: "WARNED", 5: "UNRECORDED", 6: "DRY_RUN"}
decision = Decision(verdict=Verdict(verdicts[code]), exit_code=code, reasons=(), ready_for_live=False)
Gate.run = lambda self: Report(
    run_id="run-1", version="0", env=self.settings.env, mode=Mode.REAL, strict=False, decision=decision, results=(),
    started_at=1.0, ended_at=2.0, duration_seconds=1.0, recorded=True,
)
entry()
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home directory of its own, where the gate keeps its state."""
    home = tmp_path / "home"
    (home / "textfile").mkdir(parents=True)
    return home


Exec = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run_exec(home: Path) -> Exec:
    """Run it: `run_exec(code, *command, options=..., variables=...)`."""

    def run(
        code: int, *command: str, options: tuple[str, ...] = (), variables: Mapping[str, str] = MappingProxyType({})
    ) -> subprocess.CompletedProcess[str]:
        own = {"PATH": os.environ["PATH"], "HOME": str(home), "PREFLIGHT_TEXTFILE_DIR": str(home / "textfile")}
        argv = (str(code), "exec", "--env", "paper", *options, "--", *command)
        environ = {**own, "PYTHONPATH": str(Path(__file__).parents[3]), **variables}
        return program_server.run(DRIVER, *argv, env=environ)

    return run


def test_go_becomes_the_command(run_exec: Exec) -> None:
    """On GO the command runs in this very process, with its arguments, its exit code and the run's id."""
    script = "import os, sys; print(os.environ['ARBITRAGE_PREFLIGHT_RUN_ID'], sys.argv[1:]); sys.exit(42)"

    done = run_exec(0, sys.executable, "-c", script, "--env", "live", "--", "x")

    assert (done.returncode, done.stdout) == (42, "run-1 ['--env', 'live', '--', 'x']\n"), done.stderr


def test_signals_reach_the_command(run_exec: Exec) -> None:
    """SIGTERM ends the command as it would without the gate."""
    done = run_exec(0, sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGTERM)")

    assert done.returncode == -15


def test_the_command_ignores_no_signal_that_it_would_not_ignore_alone(run_exec: Exec) -> None:
    """Python ignores SIGPIPE and SIGXFSZ for itself, and what a process ignores stays so when it is replaced."""
    done = run_exec(0, "grep", "SigIgn", "/proc/self/status")

    ignored = int(done.stdout.split()[1], 16)
    assert [name for name in ("SIGPIPE", "SIGXFSZ") if ignored >> (signal.Signals[name] - 1) & 1] == []


@pytest.mark.parametrize("code", [1, 2, 3, 4, 5, 6])
def test_anything_else_starts_nothing(code: int, run_exec: Exec, tmp_path: Path) -> None:
    """On every other exit code the command is not started, and the code is passed on."""
    witness = tmp_path / "started"

    done = run_exec(code, "touch", str(witness))

    assert (done.returncode, witness.exists()) == (code, False)
    assert "touch is not started" in done.stderr


@pytest.mark.parametrize("code", [0, 1, 2, 3, 4, 5, 6])
def test_a_refusal_can_have_a_code_of_its_own(code: int, run_exec: Exec) -> None:
    """With --refusal-exit a verdict cannot be taken for the command's own exit code; the command keeps its own."""
    done = run_exec(code, sys.executable, "-c", "raise SystemExit(1)", options=("--refusal-exit", "100"))

    assert done.returncode == (1 if code == 0 else 100), done.stderr


def test_a_bad_configuration_is_a_refusal_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What keeps the gate from running keeps the command from starting, and a restart would not mend it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "preflight.toml").write_text("nonsense = 1")
    argv = ["exec", "--env", "paper", "--refusal-exit", "100", "--", "true"]

    assert main(argv) == 100
    assert "nonsense: unknown key" in capsys.readouterr().err


@pytest.mark.parametrize("code", ["0", "1", "6", "7", "256", "x"])
def test_a_refusal_is_no_verdict_and_no_success(code: str) -> None:
    """A code that something else has already is refused."""
    assert main(["exec", "--env", "paper", "--refusal-exit", code, "--", "true"]) == 2


def test_a_command_that_cannot_start_is_not_go(run_exec: Exec, home: Path, tmp_path: Path) -> None:
    """A file that is executable but no program ends with 3 and a sentence."""
    broken = tmp_path / "broken"
    broken.write_text("\x00not a program")
    broken.chmod(0o755)

    done = run_exec(0, str(broken))

    assert done.returncode == 3
    assert f"; {broken} cannot be started: Exec format error: {broken} is not started" in done.stderr
    prom = (home / "textfile" / "arbitrage_preflight_paper.prom").read_text()
    assert 'arbitrage_preflight_last_success{env="paper"} 0.0' in prom


def test_only_the_caller_chooses_the_env(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A local stack that runs beside it does not make `exec` start a bot in paper: flag or variable do."""
    monkeypatch.delenv("PREFLIGHT_ENV", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".stack").mkdir()
    stack = f'env = "paper"\n[stack]\nsupervisor_pid = {os.getpid()}\nsupervisor_born = "{birth(os.getpid())}"\n'
    (tmp_path / ".stack" / "preflight.toml").write_text(stack)
    assert main(["exec", "--", "true"]) == 2
    assert "exec: no env; give --env" in capsys.readouterr().err
    monkeypatch.setenv("PREFLIGHT_ENV", "nowhere")
    assert main(["exec", "--", "true"]) == 2
    assert "'nowhere' is not an env" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["exec", "--env", "paper"], "no command"),
        (["exec", "--env", "paper", "--"], "no command"),
        (["exec", "--env", "paper", "--", "no-such-program-4711"], "is not a program"),
    ],
)
def test_a_missing_command_is_found_before_the_run(
    argv: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing runs where there is nothing to start."""
    assert main(argv) == 2
    assert says in capsys.readouterr().err


def test_q11_the_command_is_told_what_was_judged(run_exec: Exec) -> None:
    """It has the run's id, the env, and whether the run was ready_for_live."""
    names = [f"ARBITRAGE_PREFLIGHT_{name}" for name in ("RUN_ID", "ENV", "READY")]
    script = f"import os; print(*(os.environ[name] for name in {names}))"

    done = run_exec(0, sys.executable, "-c", script, variables={"ARBITRAGE_PREFLIGHT_READY": "1"})

    assert done.stdout == "run-1 paper 0\n", done.stderr


@pytest.mark.parametrize("keep", [False, True])
def test_q11_the_gates_secrets_are_not_handed_on(keep: bool, run_exec: Exec) -> None:
    """A PREFLIGHT_* variable that holds a secret is dropped unless a flag keeps it; the command's own stay."""
    secrets = {
        "PREFLIGHT_REDIS__PASSWORD": "redis-hunter2",
        "PREFLIGHT_TELEGRAM__TOKEN": "1:hunter2",
        "PREFLIGHT_EXCHANGES__BINANCE__SECRET": "binance-hunter2",
    }
    own = {"PREFLIGHT_REDIS__HOST": "127.0.0.1", "REDIS_PASSWORD": "redis-hunter2", "BINANCE_SECRET": "binance-hunter2"}
    script = "import os; print(sorted(n for n in os.environ if 'REDIS' in n or 'TOKEN' in n or 'BINANCE' in n))"
    options = ("--keep-secrets",) if keep else ()

    done = run_exec(0, sys.executable, "-c", script, options=options, variables={**secrets, **own})

    assert done.stdout == f"{sorted({**own, **secrets} if keep else own)}\n", done.stderr


def test_q10_a_lock_lets_one_command_run(run_exec: Exec, tmp_path: Path) -> None:
    """The command holds the lock for as long as it runs; a second exec starts nothing, and says who holds it."""
    lock, marker = tmp_path / "bot.lock", tmp_path / "second"
    nested = (
        "import os, subprocess, sys; "
        f"again = subprocess.run([sys.executable, '-c', {DRIVER!r}, '0', 'exec', '--env', 'paper', '--lock', "
        f"{str(lock)!r}, '--', 'touch', {str(marker)!r}], capture_output=True, text=True); "
        "print(again.returncode, os.getpid(), again.stderr)"
    )

    first = run_exec(0, sys.executable, "-c", nested, options=("--lock", str(lock)))

    code, pid, said = first.stdout.split(maxsplit=2)
    assert (code, marker.exists()) == ("7", False), first
    assert f"exec: process {pid} holds {lock}: another exec is at work" in said
    assert lock.stat().st_mode & 0o777 == 0o600
    after = run_exec(0, "touch", str(marker), options=("--lock", str(lock)))  # the first one has ended
    assert (after.returncode, marker.exists()) == (0, True), after.stderr


@pytest.mark.parametrize("kind", ["a link", "a directory", "nowhere"])
def test_q10_a_lock_that_cannot_be_taken_starts_nothing(kind: str, run_exec: Exec, tmp_path: Path) -> None:
    """Whether another bot runs cannot be determined then."""
    lock, marker = tmp_path / "here" / "bot.lock", tmp_path / "started"
    if kind != "nowhere":
        lock.parent.mkdir()
        if kind == "a link":
            lock.symlink_to(tmp_path / "elsewhere")
        else:
            lock.mkdir()

    done = run_exec(0, "touch", str(marker), options=("--lock", str(lock)))

    assert (done.returncode, marker.exists()) == (3, False)
    assert f"the lock {lock} cannot be taken: " in done.stderr
    assert not (tmp_path / "elsewhere").exists()


def test_q2_live_safety_cannot_be_waived(capsys: pytest.CaptureFixture[str]) -> None:
    """A thrown kill switch, or an arming that is missing, is no matter of opinion."""
    assert main(["--env", "live", "--waive", "live_safety=we know"]) == 2
    assert "--waive live_safety: this check cannot be waived" in capsys.readouterr().err
