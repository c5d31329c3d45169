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

import psutil

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
    """Runs in the child, after the change of user, which would clear the setting.

    It takes no lock and loads nothing, so that a thread of the supervisor cannot have left it one that is held.
    """
    if _PRCTL is not None:
        _PRCTL(_PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != owner:  # the owner died before the line above
        os.kill(os.getpid(), signal.SIGKILL)


class OwnedProcess:
    """A process with an exact environment, its own user, a log file and a death signal."""

    def __init__(self, argv: Sequence[str], service: ServiceSpec, *, grace: float) -> None:
        """Nothing is started yet.

        Args:
            argv: The command.
            service: Environment, folder, user, log and signals.
            grace: Seconds between asking it to stop and killing it.
        """
        self._argv = tuple(argv)
        self._service = service
        self._grace = grace
        self._process: subprocess.Popen[str] | None = None

    def launch(self, *, stdin: str = "") -> None:
        """Fork and exec; the caller must be the main thread.

        Args:
            stdin: Text to feed the process. It must fit a pipe (64 kB), so that writing cannot block.

        Raises:
            OSError: The program cannot be run.
        """
        service, owner = self._service, os.getpid()
        user = service.user
        with Path(service.log).open("ab") as log:
            try:
                self._process = subprocess.Popen(
                    self._argv,
                    env=dict(service.env),
                    cwd=service.cwd,
                    start_new_session=True,
                    preexec_fn=lambda: _ask_for_death_signal(service.death_signal, owner),  # noqa: PLW1509 - see there
                    stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    text=True,
                    umask=0o077,
                    user=None if user is None else user.uid,
                    group=None if user is None else user.gid,
                    extra_groups=None if user is None else [],
                )
            except subprocess.SubprocessError as error:  # what Popen makes of a failure in preexec_fn
                raise OSError(str(error)) from error
        if stdin and self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # it died at once: its exit code will tell
                self._process.stdin.write(stdin)
                self._process.stdin.close()

    @property
    def program(self) -> str:
        """Name of the program, without its folder."""
        return Path(self._argv[0]).name

    @property
    def pid(self) -> int | None:
        """Process id while there is a process, dead or alive; None before `launch` and after `end`."""
        return None if self._process is None else self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Exit code once it ended by itself (negative: the signal), else None."""
        process = self._process  # `end` may run in another thread
        return None if process is None else process.poll()

    def running(self) -> bool:
        """Whether it was launched and lives."""
        process = self._process
        return process is not None and process.poll() is None

    def signal_group(self, number: int) -> None:
        """Signal the process group; nothing happens when it is gone."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)

    def signal_tree(self, number: int) -> None:
        """Signal the process and all its descendants, whatever group or session they are in."""
        if self._process is None:
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            top = psutil.Process(self._process.pid)
            for each in [top, *top.children(recursive=True)]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    each.send_signal(number)

    def end(self) -> None:
        """Stop it: ask, wait for the grace time, then kill it and everything below it."""
        if self._process is None:
            return
        self.signal_tree(signal.SIGCONT)  # a paused process could not obey
        below = descendants(self._process.pid)
        self.signal_group(self._service.stop_signal)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(self._grace)
        self.kill()
        kill_all(below)

    def kill(self) -> None:
        """Kill its process group if it lives still, and collect it."""
        if self._process is None:
            return
        if self.running():
            self.signal_group(signal.SIGKILL)
        self._process.wait()
        self._process = None


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
