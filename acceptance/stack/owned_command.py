"""Runs one command and ends it, with all it started, when the process that asked for it dies.

Used as `python owned_command.py COMMAND...` with a pipe as standard input that the asking process holds open. A
compiler that goes on after its `make` was killed would fight the next build for the processor and for the scratch
folder.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading


def _end_group_when_pipe_closes() -> None:
    os.read(0, 1)  # returns at end of file: nobody ever writes
    os.killpg(0, signal.SIGKILL)  # this process and everything it started: it leads their group


def main(argv: list[str]) -> int:
    """Run the command in this process's group; return its exit code (128 + signal, if a signal ended it)."""
    threading.Thread(target=_end_group_when_pipe_closes, daemon=True).start()
    code = subprocess.call(argv, stdin=subprocess.DEVNULL)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(status)  # the thread still reads the pipe; a normal exit could trip over its hold on standard input
