"""Processes that cannot outlive their owner.

Three nets, one below the other:

1. The supervisor ends its children in order when told, or when its parent's pipe closes.
2. It is the *subreaper* of everything below it: a grandchild whose parent dies (every Postgres backend is in
   a session of its own, so a signal to the process group does not reach it) becomes its child, is found by
   ``descendants`` and killed.
3. Should the supervisor itself be killed, the kernel sends each child its death signal. That signal fires
   when the forking *thread* ends, so every fork happens in the supervisor's main thread.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil
from mirakuru import ExecutorError, SimpleExecutor
from mirakuru.base import ENV_UUID

from acceptance.stack.embedded.supervisor.protocol import ServiceSpec

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36

# Looked up before any fork: the child must not load a library between fork and exec.
_PRCTL: Callable[..., int] | None = getattr(ctypes.CDLL(None, use_errno=True), "prctl", None)


def become_subreaper() -> None:
    """Adopt every orphaned descendant from now on. Does nothing where there is no ``prctl`` (not Linux)."""
    if _PRCTL is not None:
        _PRCTL(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _ask_for_death_signal(number: int, owner: int) -> None:
    """Runs in the child, after the change of user, which would clear the setting."""
    if _PRCTL is not None:
        _PRCTL(_PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != owner:  # the owner died before the line above
        os.kill(os.getpid(), signal.SIGKILL)


class OwnedProcess(SimpleExecutor):
    """A mirakuru executor with an exact environment, its own user, a log file and a death signal.

    mirakuru lays the given variables over its own environment and can neither switch user nor ask for a death
    signal; the two properties below are where it lets that be said.
    """

    def __init__(self, argv: Sequence[str], service: ServiceSpec, *, grace: float) -> None:
        super().__init__(
            list(argv),
            cwd=service.cwd,
            timeout=grace,
            sleep=0.02,
            stop_signal=service.stop_signal,
            envvars=dict(service.env),
        )
        self._service = service

    @property
    def envvars(self) -> dict[str, str]:
        """Exactly the service's environment, plus mirakuru's own mark."""
        return {**self._envvars, ENV_UUID: self._uuid}

    @property
    def _popen_kwargs(self) -> dict[str, Any]:
        """Arguments for ``Popen``; the log file is opened by ``start``."""
        owner = os.getpid()
        number = self._service.death_signal
        kwargs: dict[str, Any] = {
            "env": self.envvars,
            "cwd": self._cwd,
            "start_new_session": True,
            "preexec_fn": lambda: _ask_for_death_signal(number, owner),
            "stdin": self._stdin,
            "stdout": self._stdout,
            "stderr": subprocess.STDOUT,
            "text": True,
            "umask": 0o077,
        }
        user = self._service.user
        if user is not None:
            kwargs.update(user=user.uid, group=user.gid, extra_groups=[])
        return kwargs

    def launch(self, *, stdin: str = "") -> None:
        """Fork and exec; the caller must be the main thread.

        Args:
            stdin: Text to feed the process. It must fit a pipe (64 kB), so that writing cannot block.

        Raises:
            OSError: The program cannot be run.
        """
        self._stdin = subprocess.PIPE if stdin else subprocess.DEVNULL
        with Path(self._service.log).open("ab") as log:
            self._stdout = log
            try:
                self.start()
            except subprocess.SubprocessError as error:  # what Popen makes of a failure in preexec_fn
                raise OSError(str(error)) from error
        if stdin and self.process is not None and self.process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # it died at once: its exit code will tell
                self.process.stdin.write(stdin)
                self.process.stdin.close()

    @property
    def pid(self) -> int | None:
        """Process id while there is a process, dead or alive."""
        return None if self.process is None else self.process.pid

    @property
    def exit_code(self) -> int | None:
        """Exit code once it ended (negative: the signal), else None."""
        return None if self.process is None else self.process.poll()

    def signal_group(self, number: int) -> None:
        """Signal the process group; nothing happens when it is gone."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, number)

    def signal_tree(self, number: int) -> None:
        """Signal the process and all its descendants, whatever group or session they are in."""
        if self.process is None:
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            top = psutil.Process(self.process.pid)
            for each in [top, *top.children(recursive=True)]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    each.send_signal(number)

    def end(self) -> None:
        """Stop it: ask, wait for the grace time, then kill it and everything below it."""
        if self.process is None:
            return
        self.signal_tree(signal.SIGCONT)  # a paused process could not obey
        below = descendants(self.process.pid)
        with contextlib.suppress(ExecutorError):  # any exit code will do: it is gone
            self.stop()
        kill_all(below)


def descendants(pid: int) -> list[psutil.Process]:
    """Everything below a process, in any session; empty when it is gone."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def kill_all(processes: Sequence[psutil.Process], *, timeout: float = 2.0) -> list[psutil.Process]:
    """Kill these processes (psutil checks the creation time, so never a stranger with a reused id).

    Returns:
        Those that are still there after ``timeout`` seconds.
    """
    for each in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()
    _, alive = psutil.wait_procs(processes, timeout=timeout)
    return list(alive)


def reap_adopted(own: Sequence[int | None]) -> None:
    """Collect dead children that were adopted; ``own`` are those that a ``Popen`` waits for."""
    try:
        children = psutil.Process().children()
    except psutil.NoSuchProcess:
        return
    for each in children:
        if each.pid not in own:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(each.pid, os.WNOHANG)
