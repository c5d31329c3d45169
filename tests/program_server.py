"""Runs Python programs as processes of their own, without a start of Python for each.

`run(code, *argv)` is `subprocess.run([sys.executable, "-c", code, *argv])`, but that the process is forked from one
that has the gate's modules loaded, which saves most of its CPU time. It is a process of its own all the same: with its
own id, signals, environment, directory, standard streams, and end. What a process has from Python's start is the
server's: a test of the entry points, of closed streams, of encodings, of memory or of what is imported starts Python
itself.

Each thread has a server of its own, so that programs may run side by side. It is started for the first program, as
`python -m tests.program_server FD`, and ends when that socket closes.
"""

from __future__ import annotations

import array
import contextlib
import functools
import importlib
import io
import json
import os
import pkgutil
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import IO, Any, TextIO

from acceptance.stack.run_preflight import Command, own_process

ROOT = Path(__file__).parents[1]
#: `python -m preflight`, as code.
PREFLIGHT = "import runpy\nrunpy.run_module('preflight', run_name='__main__', alter_sys=True)"
_REQUEST = 1 << 18  # bytes at most
_ANSWER = 64  # bytes at most


# ---- the side of the tests


def run(
    code: str,
    *argv: str,
    env: Mapping[str, str] | None = None,
    cwd: str | os.PathLike[str] = ".",
    stdout: int | IO[Any] = subprocess.PIPE,
    stderr: int | IO[Any] = subprocess.PIPE,
    timeout: float = 30.0,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end.

    Args:
        code: its text, as for `python -c`.
        argv: its arguments.
        env: all of its environment; None: that of this process.
        cwd: the directory it starts in.
        stdout: where it prints: a file, its number, `subprocess.PIPE` or `subprocess.DEVNULL`.
        stderr: the same.
        timeout: seconds; then it is killed.

    Raises:
        subprocess.TimeoutExpired: it has not ended, or something that it started still holds its output.
    """
    deadline = time.monotonic() + timeout
    server = _server(threading.get_ident()).socket
    task = {
        "code": code,
        "argv": argv,
        "env": dict(os.environ if env is None else env),
        "cwd": str(Path(cwd).resolve()),
    }
    with contextlib.ExitStack() as ours, contextlib.ExitStack() as theirs:
        pipes, numbers = zip(*(_stream(where, ours, theirs) for where in (stdout, stderr)), strict=True)
        files = array.array("i", [0, *numbers])
        server.sendmsg([json.dumps(task).encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, files)])
        pid = json.loads(server.recv(_ANSWER))
        theirs.close()
        try:
            said = _read(pipes, deadline)
            server.settimeout(max(0.001, deadline - time.monotonic()))
            code_of_exit = json.loads(server.recv(_ANSWER))
        except TimeoutError:
            os.kill(pid, signal.SIGKILL)
            server.settimeout(None)
            server.recv(_ANSWER)
            raise subprocess.TimeoutExpired([code, *argv], timeout) from None
        server.settimeout(None)
    return subprocess.CompletedProcess([code, *argv], code_of_exit, *said)


def start(command: Command) -> int:
    """Run `python -m preflight` for `acceptance.stack.run_preflight`; another command, such as one before it, as usual.

    Raises:
        subprocess.TimeoutExpired: It has not ended.
    """
    if command.argv[:3] != (sys.executable, "-m", "preflight"):
        return own_process(command)
    return run(
        PREFLIGHT,
        *command.argv[3:],
        cwd=command.cwd,
        env=command.env,
        stdout=command.stdout,
        stderr=command.stderr,
        timeout=command.timeout,
    ).returncode


def stop() -> None:
    """End the servers, where there are any."""
    while _servers:
        _servers.pop().close()
    _server.cache_clear()


_servers: list[_Server] = []


class _Server:
    def __init__(self) -> None:
        self.socket, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        _servers.append(self)
        with its:
            command = [sys.executable, "-m", "tests.program_server", str(its.fileno())]
            self._process = subprocess.Popen(command, cwd=ROOT, pass_fds=[its.fileno()])

    def close(self) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)  # also where a forked process still has it
        self.socket.close()
        self._process.wait(timeout=30)


@functools.cache
def _server(thread: int) -> _Server:  # noqa: ARG001 - it is what they are kept by
    return _Server()


def _stream(
    where: int | IO[Any], ours: contextlib.ExitStack, theirs: contextlib.ExitStack
) -> tuple[IO[bytes] | None, int]:
    """Give what is to be read here, if anything is, and the number of the file that the program gets."""
    if where == subprocess.PIPE:
        reading, writing = os.pipe()
        theirs.callback(os.close, writing)
        return ours.enter_context(os.fdopen(reading, "rb", buffering=0)), writing
    if where == subprocess.DEVNULL:
        return None, theirs.enter_context(Path(os.devnull).open("wb")).fileno()
    return None, where if isinstance(where, int) else where.fileno()


def _read(pipes: Sequence[IO[bytes] | None], deadline: float) -> list[str | None]:
    """Read each to its end, as text.

    Raises:
        TimeoutError: the deadline came first.
    """
    said = [bytearray() for _ in pipes]
    with selectors.DefaultSelector() as selector:
        for number, pipe in enumerate(pipes):
            if pipe is not None:
                selector.register(pipe, selectors.EVENT_READ, number)
        while selector.get_map():
            ready = selector.select(deadline - time.monotonic())
            if not ready:
                raise TimeoutError
            for key, _ in ready:
                if part := os.read(key.fd, 1 << 16):
                    said[key.data] += part
                else:
                    selector.unregister(key.fileobj)
    return [
        None if pipe is None else io.TextIOWrapper(io.BytesIO(text), encoding="utf-8").read()
        for pipe, text in zip(pipes, said, strict=True)
    ]


# ---- the side of the programs


def _serve(connection: socket.socket) -> None:
    """Answer each request by the process's id and, at its end, its exit code. Returns in each program's process too."""
    while True:
        request, files, _, _ = socket.recv_fds(connection, _REQUEST, 3)
        if not request:
            return
        child = os.fork()
        if child == 0:
            connection.close()
            _become(json.loads(request), files)
            return
        for file in files:
            os.close(file)
        connection.send(json.dumps(child).encode())
        connection.send(json.dumps(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())


def _become(task: dict[str, Any], files: list[int]) -> None:
    """Be that program."""
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    # Made anew, as at Python's start: they look once at what kind of file they have.
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - lives as long as the process
    sys.stdout, sys.stderr = (_printer(number, stream) for number, stream in ((1, sys.stdout), (2, sys.stderr)))
    os.environ.clear()
    os.environ.update(task["env"])
    time.tzset()
    os.chdir(task["cwd"])
    sys.argv = ["-c", *task["argv"]]
    paths = [path for path in task["env"].get("PYTHONPATH", "").split(os.pathsep) if path]
    sys.path[:] = ["", *paths, *(path for path in sys.path if Path(path) != ROOT)]
    main = ModuleType("__main__")
    sys.modules["__main__"] = main
    exec(compile(task["code"], "<string>", "exec"), main.__dict__)  # noqa: S102 - it is a test's own


def _printer(number: int, like: TextIO) -> TextIO:
    return open(
        number, "w", encoding=like.encoding, errors=like.errors, buffering=1 if number == 2 else -1, closefd=False
    )


def _load() -> None:
    """Import what the gate imports at some time."""
    import preflight  # noqa: PLC0415 - the tests' side needs none of it

    for module in pkgutil.walk_packages(preflight.__path__, "preflight."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in ("ccxt", "filelock", "psycopg2", "redis", "requests", "rich.console", "encodings.utf_16_le"):
        importlib.import_module(name)


if __name__ == "__main__":
    _load()
    assert threading.active_count() == 1
    with socket.socket(fileno=int(sys.argv[1])) as parent:
        _serve(parent)
