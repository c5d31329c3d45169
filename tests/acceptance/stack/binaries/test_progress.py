from __future__ import annotations

import io
import threading

import pytest

from acceptance.stack.binaries.progress import CLEAR, Progress


class Stream(io.StringIO):
    """A stream that may be a terminal and says when something was written."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal
        self.written = threading.Event()

    def isatty(self) -> bool:
        """Say whether this is a terminal."""
        return self.terminal

    def write(self, text: str) -> int:
        """Write, and note when the awaited time was shown."""
        count = super().write(text)
        if " 40 s" in text:
            self.written.set()
        return count


@pytest.mark.parametrize("terminal", [False, True])
def test_time_goes_on(*, terminal: bool) -> None:
    """While something is made, its step and elapsed seconds are shown again and again."""
    now = [0.0]
    stream = Stream(terminal=terminal)
    progress = Progress(stream, interval=0.01, clock=lambda: now[0])
    with progress.working("grafana") as step:
        step("compiling")
        now[0] = 40.0
        assert stream.written.wait(20)
    assert "grafana: compiling, 40 s" in stream.getvalue()
    assert ("\n" in stream.getvalue()) is not terminal
    assert stream.getvalue().endswith(CLEAR) is terminal


def test_silent_when_idle() -> None:
    """When nothing is made any more, nothing is written and no thread runs."""
    before = threading.active_count()
    stream = Stream(terminal=False)
    progress = Progress(stream, interval=0.001)
    for name in ("one", "two"):
        with progress.working(name):
            progress.say("hello")
    assert threading.active_count() == before
    assert stream.getvalue().count("hello\n") == 2


def test_line_of_its_own_on_a_terminal() -> None:
    """On a terminal a printed line first clears the progress line."""
    stream = Stream(terminal=True)
    Progress(stream).say("passed over")
    assert stream.getvalue() == CLEAR + "passed over\n"
