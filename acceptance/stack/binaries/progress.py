"""Shows what is being made and for how long, so that minutes of compiling do not look like a hang."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

PLAIN_SECONDS = 15.0  # between two lines in a log
TERMINAL_SECONDS = 0.5  # between two redraws of the one line on a terminal
CLEAR = "\r\x1b[K"


class Progress:
    """Progress of several makings at once: one rewriting line on a terminal, else a plain line every 15 s."""

    def __init__(
        self,
        stream: TextIO | None = None,
        *,
        interval: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._terminal = self._stream.isatty()
        self._interval = interval or (TERMINAL_SECONDS if self._terminal else PLAIN_SECONDS)
        self._clock = clock
        self._lock = threading.RLock()
        self._running: dict[str, tuple[str, float]] = {}  # name -> (step, start)
        self._idle = threading.Event()
        self._ticker: threading.Thread | None = None

    def say(self, line: str) -> None:
        """Print one line of its own."""
        with self._lock:
            if self._terminal:
                self._stream.write(CLEAR)
            self._stream.write(line + "\n")
            self._stream.flush()

    @contextmanager
    def working(self, name: str) -> Iterator[Callable[[str], None]]:
        """Show `name` as being made; the value is the function to name its present step with."""
        begin = self._clock()
        self._enter(name, begin)
        try:
            yield lambda step: self._step(name, step, begin)
        finally:
            self._leave(name)

    def _enter(self, name: str, begin: float) -> None:
        with self._lock:
            self._running[name] = ("starting", begin)
            if self._ticker is None:
                self._idle = threading.Event()
                self._ticker = threading.Thread(target=self._tick, args=(self._idle,), daemon=True)
                self._ticker.start()

    def _leave(self, name: str) -> None:
        with self._lock:
            self._running.pop(name, None)
            ticker = None if self._running else self._ticker
            if ticker is not None:
                self._ticker = None
                self._idle.set()
                if self._terminal:
                    self._stream.write(CLEAR)
                    self._stream.flush()
        if ticker is not None:
            ticker.join()

    def _step(self, name: str, step: str, begin: float) -> None:
        with self._lock:
            self._running[name] = (step, begin)
        if not self._terminal:
            self.say(self._line(name, step, begin))

    def _line(self, name: str, step: str, begin: float) -> str:
        return f"{name}: {step}, {self._clock() - begin:.0f} s"

    def _tick(self, idle: threading.Event) -> None:
        while not idle.wait(self._interval):
            with self._lock:
                if idle.is_set():
                    return
                lines = [self._line(name, step, begin) for name, (step, begin) in self._running.items()]
                if self._terminal:
                    width = shutil.get_terminal_size().columns - 1  # a line that wraps cannot be cleared
                    self._stream.write(CLEAR + " · ".join(lines)[:width])
                    self._stream.flush()
                else:
                    for line in lines:
                        self.say(line)
