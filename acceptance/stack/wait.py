"""The one way to wait: ask, look at the answer, ask again until a deadline."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from acceptance.stack.interface import StackError

T = TypeVar("T")

_NEVER_SET = threading.Event()


def _pause(seconds: float) -> None:
    """Sleep on an event nobody sets: unlike ``time.sleep`` a test can hand in another one."""
    _NEVER_SET.wait(seconds)


@dataclass(frozen=True, kw_only=True)  # no slots: ``Answer[int](...)`` could not be built with them on 3.11
class Observation(Generic[T]):
    """What a probe was told."""

    done: bool  # True ends the wait
    said: str  # the answer in words, for the error when time runs out
    value: T | None = None  # what the waiter wanted to have


class WaitTimeoutError(StackError):
    """Nothing satisfying came before the deadline.

    Attributes:
        asked: What was asked.
        last: The last answer, in words.
        attempts: How often it was asked.
        seconds: How long it took.
    """

    def __init__(self, *, asked: str, last: str, attempts: int, seconds: float, service: str = "") -> None:
        super().__init__(f"asked {asked} {attempts} times in {seconds:.1f} s; last answer: {last}", service=service)
        self.asked = asked
        self.last = last
        self.attempts = attempts
        self.seconds = seconds


def wait_until(
    probe: Callable[[], Observation[T]],
    *,
    asked: str,
    timeout: float,
    interval: float = 0.05,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = _pause,
) -> Observation[T]:
    """Ask until the answer is done.

    The probe is asked at least once, and once more after the last pause, so a deadline shorter than the
    interval still gives the service its chance.

    Args:
        probe: Asks once. An ``OSError`` (a refused connection, and every ``requests`` error) counts as
            "not yet"; any other exception is a mistake in the probe and goes through.
        asked: What is asked, in words that a person can repeat by hand.
        timeout: Seconds.
        interval: Seconds between two questions.
        clock: A monotonic clock, in seconds.
        sleep: Waits for the given seconds.

    Returns:
        The first answer that is done.

    Raises:
        WaitTimeoutError: The deadline passed.
    """
    began = clock()
    attempts = 0
    while True:
        attempts += 1
        try:
            answer = probe()
        except OSError as error:
            answer = Observation(done=False, said=f"{type(error).__name__}: {error}")
        if answer.done:
            return answer
        spent = clock() - began
        if spent >= timeout:
            raise WaitTimeoutError(asked=asked, last=answer.said, attempts=attempts, seconds=spent)
        sleep(min(interval, timeout - spent))
