from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from preflight.probe import trouble_of


def _raises() -> None:
    raise ValueError("it is not so")


def _says_plus() -> None:
    raise RuntimeError("+")


def _leaves_a_child() -> None:
    if os.fork() == 0:
        threading.Event().wait()
    os._exit(0)


@pytest.mark.usefixtures("no_child_left")
@pytest.mark.parametrize(
    ("work", "trouble"),
    [
        (lambda: None, None),
        (_raises, "ValueError: it is not so"),
        (_says_plus, "RuntimeError: +"),
        (lambda: os._exit(0), "its process ended in the middle of it"),
        (lambda: os.kill(os.getpid(), signal.SIGTERM), "its process was ended by SIGTERM"),
        (_leaves_a_child, "its process ended in the middle of it"),
        (lambda: os.closerange(3, 256), "its process ended in the middle of it"),
    ],
    ids=["fine", "raises", "raises +", "exits", "dies", "forks and exits", "closes the pipe"],
)
def test_what_becomes_of_it(work: object, trouble: str | None) -> None:
    """Only work that comes through gives None; whatever else it does is told, and nothing of it is left."""
    assert callable(work)
    assert trouble_of(work, 10) == trouble


@pytest.mark.usefixtures("no_child_left")
def test_it_is_not_waited_for_longer_than_allowed() -> None:
    """Work that never ends is ended."""
    begun = time.monotonic()

    assert trouble_of(threading.Event().wait, 0.2) == "it does not end within 0.2 s"
    assert time.monotonic() - begun < 5


def test_nothing_of_it_happens_here() -> None:
    """What the work changes stays in its own process."""
    found: list[int] = []

    assert trouble_of(lambda: found.append(1), 10) is None
    assert found == []
