"""What a gate says: to the person in front of it at once, and into its log."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import TextIO


class GateLog:
    """Lines with the time, from one or several threads."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lines: list[str] = []
        self._lock = threading.Lock()

    def say(self, line: str, *, of: str = "") -> None:
        """Take down a line; `of` names what said it where several things run at once."""
        text = f"{of}: {line}" if of else line
        with self._lock:
            self._lines.append(f"{datetime.now(UTC):%H:%M:%S} {text}")
            self._stream.write(f"{text}\n")
            self._stream.flush()

    @property
    def text(self) -> str:
        """All of it."""
        with self._lock:
            return "".join(f"{line}\n" for line in self._lines)
