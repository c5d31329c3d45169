"""Running preflight from outside, as an operator or a script would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from acceptance.stack.interface import PreflightRun, StackError
from acceptance.stack.processes import owned_command

_TIMEOUT = 120.0
_KEPT = ("PATH", "HOME", "LANG")


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What is run to its end."""

    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]  # all of its environment
    stdout: IO[bytes]
    stderr: IO[bytes]
    timeout: float  # seconds


#: Runs a command and returns its exit code; `subprocess.TimeoutExpired`: it has not ended by then, and is no more.
Start = Callable[[Command], int]


def own_process(command: Command) -> int:
    """Start it as a process that does not outlive this one."""
    with owned_command(
        command.argv, cwd=command.cwd, env=command.env, stdout=command.stdout, stderr=command.stderr
    ) as process:
        return process.wait(timeout=command.timeout)


def as_environment(settings: Mapping[str, Any], prefix: str = "PREFLIGHT_") -> dict[str, str]:
    """Nested settings as the variables that preflight reads: ``PREFLIGHT_REDIS__HOST``."""
    flat: dict[str, str] = {}
    for key, value in settings.items():
        name = f"{prefix}{key.upper()}"
        if isinstance(value, Mapping):
            flat |= as_environment(value, f"{name}__")
        else:
            flat[name] = str(value)
    return flat


def option(args: Sequence[str], name: str) -> str | None:
    """Return the value of ``--name value`` or ``--name=value``; None if it is not given."""
    for index, word in enumerate(args):
        if word == name and index + 1 < len(args):
            return args[index + 1]
        if word.startswith(f"{name}="):
            return word.partition("=")[2]
    return None


def invoke(
    args: Sequence[str],
    settings: Mapping[str, Any],
    *,
    project: Path,
    code: Path,
    extra: Mapping[str, str],
    prefix: Sequence[str] = (),
    start: Start = own_process,
) -> PreflightRun:
    """Run ``python -m preflight`` once; it does not outlive this process.

    Args:
        args: Options; ``--env paper`` and ``--output FILE`` are added unless given.
        settings: As in preflight's TOML file; they travel as environment variables, never as arguments.
        project: Working directory.
        code: Folder that holds the packages.
        extra: Variables laid over all others.
        prefix: Words before the command, such as a program that starts it in other surroundings.
        start: How the process comes about.

    Raises:
        StackError: It did not end within two minutes.
    """
    env = {name: os.environ[name] for name in _KEPT if name in os.environ}
    env |= {"PYTHONPATH": str(code), **as_environment(settings), **extra}
    options = list(args)
    chosen = option(options, "--env") or env.get("PREFLIGHT_ENV")
    if chosen is None:
        chosen = "paper"
        options = ["--env", chosen, *options]
    with tempfile.TemporaryDirectory(prefix="arbitrage-preflight-run-") as folder:
        output = option(options, "--output")
        if output is None:
            output = str(Path(folder, "report.json"))
            options += ["--output", output]
        argv = (*prefix, sys.executable, "-m", "preflight", *options)
        out, err = Path(folder, "stdout"), Path(folder, "stderr")
        try:
            with out.open("wb") as stdout, err.open("wb") as stderr:
                exit_code = start(
                    Command(argv=argv, cwd=project, env=env, stdout=stdout, stderr=stderr, timeout=_TIMEOUT)
                )
        except subprocess.TimeoutExpired as error:
            message = f"preflight did not end within {_TIMEOUT:.0f} s; it was run as {' '.join(options)}"
            raise StackError(message) from error
        said, complained = (path.read_text(encoding="utf-8", errors="replace") for path in (out, err))
        report = _read_json(Path(project, output))
    textfile = Path(
        env["PREFLIGHT_TEXTFILE_DIR"] if "PREFLIGHT_TEXTFILE_DIR" in env else str(settings["textfile_dir"]),
        f"arbitrage_preflight_{chosen}.prom",
    )
    return PreflightRun(
        argv=argv,
        exit_code=exit_code,
        report=report,
        prom=textfile.read_text(encoding="utf-8") if textfile.is_file() else "",
        stdout=said,
        stderr=complained,
    )


def _read_json(path: Path) -> dict[str, Any]:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return raw if isinstance(raw, dict) else {}
