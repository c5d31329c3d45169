from __future__ import annotations

import logging
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.backoff import Link


def link(*, seed: int = 1, max_delay: float = 5.0) -> Link:
    return Link("redis", max_delay=max_delay, rng=random.Random(seed))  # noqa: S311 (jitter)


@given(seed=st.integers(), failures=st.integers(min_value=1, max_value=60))
def test_delays_grow_to_the_limit_and_never_beyond(seed: int, failures: int) -> None:
    """Each delay is between half and all of 0.2 s doubled, and never above the limit."""
    one = link(seed=seed)
    for number in range(failures):
        delay = one.failed(0.0, "refused")
        ceiling = min(5.0, 0.2 * 2 ** min(number, 10))
        assert ceiling / 2 <= delay <= ceiling


def test_it_is_asked_again_only_after_the_delay() -> None:
    """Before the delay is over the dependency is left alone."""
    one = link()
    delay = one.failed(100.0, "refused")
    assert not one.due(100.0 + delay - 0.001)
    assert one.due(100.0 + delay)


def test_success_forgets_the_failures() -> None:
    """After an answer the next failure waits as short as the first."""
    one = link()
    for _ in range(6):
        one.failed(0.0, "refused")
    one.succeeded()
    assert one.up
    assert one.due(0.0)
    assert one.failed(0.0, "refused") <= 0.2


def test_engines_do_not_return_together() -> None:
    """Two engines that lose a server at the same time wait differently long."""
    assert link(seed=1).failed(0.0, "refused") != link(seed=2).failed(0.0, "refused")


def test_a_change_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """An outage is two lines in the log, not one for each attempt."""
    one = link()
    with caplog.at_level(logging.INFO, logger="engine.link"):
        for _ in range(5):
            one.failed(0.0, "refused")
        one.succeeded()
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
