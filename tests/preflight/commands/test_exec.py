"""`preflight exec` starts a command on GO, and on nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from preflight.birth import birth
from preflight.cli import main

# Runs `preflight exec` with a gate that ends as asked: the verdict's exit code is the first argument.
DRIVER = """
import sys
from types import SimpleNamespace
import preflight.commands.exec as command
from preflight.cli import entry
code = int(sys.argv.pop(1))
decision = SimpleNamespace(exit_code=code, verdict="GO" if code == 0 else "NOT GO")
command.run_gate = lambda parsed: SimpleNamespace(decision=decision, run_id="run-1")
entry()
"""


def _exec(code: int, *command: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", DRIVER, str(code), "exec", "--env", "paper", *options, "--", *command],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def test_go_becomes_the_command() -> None:
    """On GO the command runs in this very process, with its arguments, its exit code and the run's id."""
    script = "import os, sys; print(os.environ['ARBITRAGE_PREFLIGHT_RUN_ID'], sys.argv[1:]); sys.exit(42)"

    done = _exec(0, sys.executable, "-c", script, "--env", "live", "--", "x")

    assert (done.returncode, done.stdout) == (42, "run-1 ['--env', 'live', '--', 'x']\n"), done.stderr


def test_signals_reach_the_command() -> None:
    """SIGTERM ends the command as it would without the gate."""
    done = _exec(0, sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGTERM)")

    assert done.returncode == -15


def test_the_command_ignores_no_signal_that_it_would_not_ignore_alone() -> None:
    """Python ignores SIGPIPE and SIGXFSZ for itself, and what a process ignores stays so when it is replaced."""
    done = _exec(0, "grep", "SigIgn", "/proc/self/status")

    ignored = int(done.stdout.split()[1], 16)
    assert [name for name in ("SIGPIPE", "SIGXFSZ") if ignored >> (signal.Signals[name] - 1) & 1] == []


@pytest.mark.parametrize("code", [1, 2, 3, 4, 5, 6])
def test_anything_else_starts_nothing(code: int, tmp_path: Path) -> None:
    """On every other exit code the command is not started, and the code is passed on."""
    witness = tmp_path / "started"

    done = _exec(code, "touch", str(witness))

    assert (done.returncode, witness.exists()) == (code, False)
    assert "touch is not started" in done.stderr


@pytest.mark.parametrize("code", [0, 1, 2, 3, 4, 5, 6])
def test_a_refusal_can_have_a_code_of_its_own(code: int) -> None:
    """With --refusal-exit a verdict cannot be taken for the command's own exit code; the command keeps its own."""
    done = _exec(code, sys.executable, "-c", "raise SystemExit(1)", options=("--refusal-exit", "100"))

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


@pytest.mark.parametrize("code", ["0", "1", "6", "256", "x"])
def test_a_refusal_is_no_verdict_and_no_success(code: str) -> None:
    """A code that something else has already is refused."""
    assert main(["exec", "--env", "paper", "--refusal-exit", code, "--", "true"]) == 2


def test_a_command_that_cannot_start_is_not_go(tmp_path: Path) -> None:
    """A file that is executable but no program ends with 3 and a sentence."""
    broken = tmp_path / "broken"
    broken.write_text("\x00not a program")
    broken.chmod(0o755)

    done = _exec(0, str(broken))

    assert done.returncode == 3
    assert "cannot be started: Exec format error" in done.stderr


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
