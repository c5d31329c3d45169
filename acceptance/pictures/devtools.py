"""Drives a Chromium of this machine through its DevTools pipe: no port is opened, and no secret is in an argument."""

from __future__ import annotations

import fcntl
import json
import os
import select
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

__all__ = ["BrowserError", "Chromium", "find_chromium"]

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
_END_SECONDS = 10.0
_FIRST_FREE_FD = 10  # Chromium reads commands from 3 and writes answers to 4


class BrowserError(Exception):
    """The browser cannot be started, ended by itself, or did not answer; the text is meant for a person."""


def find_chromium(given: Path | None = None) -> Path:
    """Find the browser.

    Raises:
        BrowserError: There is none.
    """
    names = (str(given),) if given is not None else _NAMES
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        hint = "install it by `scripts/install_chromium.sh`, or name one by --chromium"
        raise BrowserError(f"no browser: {', '.join(names)} cannot be run; {hint}")
    return Path(found)


class Chromium:
    """A running browser with a profile of its own. Use it as a context manager."""

    def __init__(self, binary: Path, *, timeout: float = 30.0) -> None:
        """Start nothing yet.

        Args:
            binary: The program.
            timeout: Seconds that one command may take.
        """
        self._binary = binary
        self._timeout = timeout
        self._profile = ""
        self._pid = 0
        self._to = self._from = -1
        self._buffer = b""
        self._number = 0
        self._on_event: Callable[[str, Mapping[str, Any], str], None] = lambda *_: None

    def __enter__(self) -> Self:
        self._profile = tempfile.mkdtemp(prefix="arbitrage-chromium-")
        read_command, self._to = _pipe()
        self._from, write_answer = _pipe()
        argv = [str(self._binary), *_FLAGS, f"--user-data-dir={self._profile}", "about:blank"]
        nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        try:
            self._pid = os.posix_spawn(
                self._binary,
                argv,
                os.environ,
                file_actions=[
                    *((os.POSIX_SPAWN_DUP2, nothing, number) for number in (0, 1, 2)),
                    (os.POSIX_SPAWN_DUP2, read_command, 3),
                    (os.POSIX_SPAWN_DUP2, write_answer, 4),
                ],
                setpgroup=0,  # so that it can be ended with all its children
            )
        except OSError as error:
            self._close()
            raise BrowserError(f"{self._binary} cannot be started: {error.strerror}") from error
        finally:
            for fd in (read_command, write_answer, nothing):
                os.close(fd)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()
        self._close()

    def on_event(self, handler: Callable[[str, Mapping[str, Any], str], None]) -> None:
        """Have (method, params, session) of each event given to `handler` while an answer is waited for."""
        self._on_event = handler

    def call(self, method: str, params: Mapping[str, Any] | None = None, session: str = "") -> dict[str, Any]:
        """Send a command and wait for its answer.

        Raises:
            BrowserError: It refused, did not answer in time, or has ended.
        """
        number = self.send(method, params, session)
        deadline = time.monotonic() + self._timeout
        while True:
            message = self._receive(deadline, method)
            if message.get("id") == number:
                if "error" in message:
                    raise BrowserError(f"the browser refused {method}: {message['error'].get('message')}")
                return dict(message.get("result") or {})
            self._dispatch(message)

    def send(self, method: str, params: Mapping[str, Any] | None = None, session: str = "") -> int:
        """Send a command without waiting; gives its number.

        Raises:
            BrowserError: The browser has ended.
        """
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": dict(params or {})}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        try:
            while data:
                data = data[os.write(self._to, data) :]
        except OSError as error:
            raise BrowserError(f"the browser has ended, so {method} cannot be asked") from error
        return self._number

    def listen(self, seconds: float) -> None:
        """Handle events for a while.

        Raises:
            BrowserError: The browser has ended.
        """
        deadline = time.monotonic() + seconds
        while self._buffer.count(b"\0") or select.select([self._from], [], [], max(0, deadline - time.monotonic()))[0]:
            self._dispatch(self._receive(deadline + self._timeout, "events"))
            if time.monotonic() >= deadline:
                return

    def _dispatch(self, message: Mapping[str, Any]) -> None:
        if "method" in message:
            self._on_event(str(message["method"]), message.get("params") or {}, str(message.get("sessionId", "")))

    def _receive(self, deadline: float, method: str) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._from], [], [], left)[0]:
                raise BrowserError(f"the browser did not answer {method} within {self._timeout:g} s")
            data = os.read(self._from, 1 << 20)
            if not data:
                raise BrowserError(f"the browser {self._binary} ended while {method} was asked")
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\0")
        message = json.loads(line)
        return message if isinstance(message, dict) else {}

    def _end(self) -> None:
        """End the browser and what it started: politely, then not."""
        if not self._pid:
            return
        # Until it is reaped, its number cannot be another process's or group's.
        for number in (signal.SIGTERM, signal.SIGKILL):
            os.killpg(self._pid, number)
            deadline = time.monotonic() + _END_SECONDS
            while time.monotonic() < deadline and not self._has_ended():
                select.select([], [], [], 0.05)
            if self._has_ended():
                break
        os.killpg(self._pid, signal.SIGKILL)  # children that outlived it
        os.waitpid(self._pid, 0)
        self._pid = 0

    def _has_ended(self) -> bool:
        return os.waitid(os.P_PID, self._pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _close(self) -> None:
        for fd in (self._to, self._from):
            if fd >= 0:
                os.close(fd)
        self._to = self._from = -1
        shutil.rmtree(self._profile, ignore_errors=True)


def _pipe() -> tuple[int, int]:
    """Make a pipe whose ends are out of the way of the numbers that the browser uses."""
    ends = os.pipe()
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _FIRST_FREE_FD) for fd in ends]
    for fd in ends:
        os.close(fd)
    return high[0], high[1]
