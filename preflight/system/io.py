"""What reaches outside this process for a check: a file, a page, a program. Each is a field of `Context`.

All of them raise `OSError` when there is no answer, so that a check has one thing to catch.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from preflight.message import message

_MAX_PAGE = 4 * 1024 * 1024  # bytes; a metrics page is a few hundred kB at most


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramResult:
    """A program that has ended."""

    code: int  # its exit code; negative: killed by that signal
    stdout: str  # bytes that are no UTF-8 are kept as surrogates
    stderr: str


def read_text(path: Path) -> str:
    """Read a UTF-8 file whole.

    Raises:
        OSError: It is missing, may not be read, or is no regular file.
        UnicodeDecodeError: It is not UTF-8 text.
    """
    with open(path, encoding="utf-8", opener=_open_regular) as file:
        return file.read()


def _open_regular(name: str, flags: int) -> int:
    """Open a file, but nothing that would have us wait for who writes there, such as a FIFO, or that never ends."""
    descriptor = os.open(name, flags | os.O_NONBLOCK | os.O_CLOEXEC)
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), name)
        raise OSError(errno.EINVAL, message("it is not a regular file"), name)
    return descriptor


def fetch_text(url: str, timeout: float) -> str:
    """Get a page, from the address itself: no proxy, no redirect, no login out of a file.

    Args:
        url: An http or https address.
        timeout: Seconds for connecting and for each part of the answer.

    Raises:
        OSError: No such address, no connection, no answer in time, another status than 200, or far too long.
    """
    import requests  # noqa: PLC0415 - 126 ms that only a check that asks a page should pay

    with requests.Session() as session:
        session.trust_env = False
        with session.get(url, timeout=timeout, allow_redirects=False, stream=True) as answer:
            if answer.status_code != requests.codes.ok:
                raise OSError(message("it answered {status} {reason}", status=answer.status_code, reason=answer.reason))
            page = b""
            for part in answer.iter_content(65536):
                page += part
                if len(page) > _MAX_PAGE:
                    raise OSError(message("its answer is longer than {limit} bytes", limit=_MAX_PAGE))
    return page.decode("utf-8", "replace")


def run_command(argv: Sequence[str], cwd: Path, env: Mapping[str, str], timeout: float) -> ProgramResult:
    """Run a program to its end with nothing on its stdin.

    Args:
        argv: Program and arguments.
        cwd: Where it runs.
        env: Its whole environment, but for PATH and HOME, which it inherits.
        timeout: Seconds; after that it is killed.

    Raises:
        OSError: It cannot be started (or `cwd` does not exist), or it did not end in time (`TimeoutError`).
    """
    import subprocess  # noqa: PLC0415 - 10 ms that only a check that runs a program should pay

    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    try:
        done = subprocess.run(
            tuple(argv),
            cwd=cwd,
            env={**kept, **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as e:
        raise TimeoutError(
            message("{program} did not end within {timeout:g} s", program=argv[0], timeout=timeout)
        ) from e
    return ProgramResult(code=done.returncode, stdout=done.stdout, stderr=done.stderr)
