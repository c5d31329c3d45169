from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from acceptance.stack.wait import Observation, WaitTimeoutError, wait_until


class FakeTime:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def clock(self) -> float:
        """Seconds."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Pass the time at once."""
        self.slept.append(seconds)
        self.now += seconds


def answers(*given: Observation[int] | Exception) -> Callable[[], Observation[int]]:
    """A probe that answers these in turn, the last one for ever."""
    rest: Iterator[Observation[int] | Exception] = iter(given)
    last: list[Observation[int] | Exception] = []

    def probe() -> Observation[int]:
        for each in rest:
            last[:] = [each]
            break
        if isinstance(last[0], Exception):
            raise last[0]
        return last[0]

    return probe


NOT_YET: Observation[int] = Observation(done=False, said="503")
DONE: Observation[int] = Observation(done=True, said="200", value=7)


def test_the_first_done_answer_ends_the_wait() -> None:
    """The wait returns the answer that was done, with its value, and sleeps only between questions."""
    time = FakeTime()
    probe = answers(NOT_YET, ConnectionRefusedError("no"), DONE)
    got = wait_until(probe, asked="it", timeout=5, interval=0.5, clock=time.clock, sleep=time.sleep)
    assert got.value == 7
    assert time.slept == [0.5, 0.5]


def test_time_running_out_says_what_was_asked_the_last_answer_and_the_attempts() -> None:
    """The error carries the question, the last answer, the attempts and the time, in words and as values."""
    time = FakeTime()
    with pytest.raises(WaitTimeoutError) as caught:
        wait_until(
            answers(NOT_YET),
            asked="GET /-/ready",
            timeout=1,
            interval=0.4,
            clock=time.clock,
            sleep=time.sleep,
        )
    error = caught.value
    assert str(error) == "asked GET /-/ready 4 times in 1.0 s; last answer: 503"
    assert (error.asked, error.last, error.attempts) == ("GET /-/ready", "503", 4)


def test_it_asks_once_more_at_the_deadline() -> None:
    """The last pause is cut to the deadline and followed by one more question."""
    time = FakeTime()
    got = wait_until(answers(NOT_YET, DONE), asked="it", timeout=0.1, interval=60, clock=time.clock, sleep=time.sleep)
    assert got.done
    assert time.slept == [pytest.approx(0.1)]


def test_a_mistake_in_the_probe_goes_through() -> None:
    """An exception that is no OSError is not taken for 'not yet'."""
    with pytest.raises(ZeroDivisionError):
        wait_until(answers(ZeroDivisionError()), asked="it", timeout=5)


def test_an_answer_can_be_made_with_its_type() -> None:
    """``Answer[None](...)`` works: a frozen generic with slots would not on Python 3.11."""
    assert Observation[None](done=True, said="").done
