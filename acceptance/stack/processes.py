"""Running other programs: long ones owned by this process and with a log, short questions with a deadline."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

OWNED_COMMAND = Path(__file__).with_name("owned_command.py")
POLL_SECONDS = 0.2
QUESTION_SECONDS = 10.0
TAIL_BYTES = 8192
DISK_FULL = ("no space left on device", "disk quota exceeded")


class CommandError(RuntimeError):
    """A command did not end with 0.

    Attributes:
        output: The end of what it printed.
    """

    def __init__(self, argv: Sequence[str], code: int, output: str) -> None:
        super().__init__(f"{Path(argv[0]).name} ended with {code}")
        self.output = output

    @property
    def disk_full(self) -> bool:
        """Whether it complained of a full disk."""
        return any(sign in self.output.lower() for sign in DISK_FULL)


class StoppedError(RuntimeError):
    """A command was ended because the build as a whole is over."""


def run(argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], log: Path, stop: threading.Event) -> str:
    """Run a command to its end, its output appended to a log; return what it printed.

    Nothing of it lives on when this call ends, in whatever way, or when this process is killed.

    Raises:
        CommandError: It ended with another code than 0.
        StoppedError: `stop` was set meanwhile.
        OSError: The log cannot be written, or the program cannot be started.
    """
    with log.open("ab") as sink:
        sink.write(f"$ {' '.join(argv)}\n".encode())
        sink.flush()
        begin = sink.tell()
        with owned_command(argv, cwd=cwd, env=env, stdout=sink, stderr=sink) as process:
            code = _wait(process, stop)
    with log.open("rb") as source:
        source.seek(begin)
        output = source.read().decode(errors="replace")
    if code != 0:
        raise CommandError(argv, code, output[-TAIL_BYTES:])
    return output


@contextlib.contextmanager
def owned_command(
    argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], stdout: IO[bytes], stderr: IO[bytes]
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a program that does not outlive the block, nor this process, in whatever way either ends.

    Its exit code is 128 + the signal where one ended it. A terminal's Ctrl-C does not reach it: the block's end does.

    Raises:
        OSError: The owning program cannot be started.
    """
    process = subprocess.Popen(
        # -I -S: a bare interpreter, up in 10 ms, that no variable or site package can influence.
        [sys.executable, "-I", "-S", str(OWNED_COMMAND), *argv],
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.PIPE,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            _kill_group(process)
        if process.stdin is not None:
            process.stdin.close()


def _wait(process: subprocess.Popen[bytes], stop: threading.Event) -> int:
    while True:
        try:
            return process.wait(timeout=POLL_SECONDS)
        except subprocess.TimeoutExpired:
            if stop.is_set():
                raise StoppedError from None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """A command that is over."""

    code: int | None  # None: its deadline passed and it was killed
    out: bytes
    err: bytes


def finish(
    argv: Sequence[str],
    *,
    seconds: float,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> CommandResult:
    """Run a command to its end, or to its deadline: what it started ends with it then, and nothing is waited for.

    Raises:
        OSError: It cannot be started.
    """
    # Files, not pipes: whatever the program starts may hold a pipe open for as long as it likes.
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env=None if env is None else dict(env),
            cwd=cwd,
            start_new_session=True,
        )
        try:
            code: int | None = process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            code = None
        finally:  # Ctrl-C too
            if process.poll() is None:
                _kill_group(process)
        out.seek(0)
        err.seek(0)
        return CommandResult(code=code, out=out.read(), err=err.read())


def ask(argv: Sequence[str], *, env: Mapping[str, str] | None = None, seconds: float = QUESTION_SECONDS) -> str | None:
    """Ask a program something short, such as its version.

    Returns:
        What it printed on either stream, or None if it cannot be run, fails, or is not done in time.
    """
    try:
        done = finish(argv, seconds=seconds, env=env)
    except OSError:
        return None
    return (done.out + done.err).decode(errors="replace") if done.code == 0 else None


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGKILL)  # it leads its group, and is not yet waited for: the id is its own
    process.wait()
