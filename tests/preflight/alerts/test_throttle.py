from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from preflight.alerts.clock import Moment, Uptime
from preflight.alerts.throttle import Throttle
from preflight.record.ledger import Ledger

Throttles = Callable[[str], Throttle]


def moment(at: float, *, boot: str = "this", up: float | None = None) -> Moment:
    """Give a point in time; the machine started 900,000 s after the epoch, unless told otherwise."""
    return Moment(at=at, uptime=Uptime(boot, at - 900_000 if up is None else up))


@pytest.fixture
def clock() -> list[float]:
    """Unix seconds, to be set."""
    return [1_000_000.0]


@pytest.fixture
def throttle(tmp_path: Path, clock: list[float]) -> Throttles:
    """The throttle of an env, in a ledger that is empty at first."""
    ledger = Ledger(tmp_path / "ledger.sqlite", textfile_dir=None)
    return lambda env: Throttle(ledger=ledger, env=env, now=lambda: moment(clock[0]))


def test_warnings_at_0_459_501(throttle: Throttles, clock: list[float]) -> None:
    """The seed's own case: said at 0:00, held back at 4:59, said again at 5:01, telling that one was held back."""
    said = []
    for seconds in (0, 299, 301):
        clock[0] = 1_000_000.0 + seconds
        claim = throttle("paper").claim(["paper/redis/warn"], window=300)
        if claim.open:
            said.append((seconds, claim.held_back))
            throttle("paper").accept(claim)
    assert said == [(0, 0), (301, 1)]
    assert throttle("paper").held_back() == 0


def test_the_window_begins_when_it_was_accepted(throttle: Throttles, clock: list[float]) -> None:
    """A message that took 20 s to be accepted closes the window for 300 s from then."""
    claim = throttle("paper").claim(["f"], window=300)
    clock[0] += 20
    throttle("paper").accept(claim)
    clock[0] += 299
    assert throttle("paper").claim(["f"], window=300).open == ()
    clock[0] += 1
    assert throttle("paper").claim(["f"], window=300).open == ("f",)


def test_what_was_not_accepted_is_given_back(throttle: Throttles, clock: list[float]) -> None:
    """After a refusal the same may be said at once, and an older window is as it was."""
    first = throttle("paper").claim(["new"], window=300)
    throttle("paper").release(first)
    assert throttle("paper").claim(["new"], window=300).open == ("new",)
    clock[0] += 400
    again = throttle("paper").claim(["new"], window=300)
    throttle("paper").release(again)
    assert again.before == {"new": moment(1_000_000.0)}
    assert throttle("paper").claim(["new"], window=300).open == ("new",)


def test_a_claim_that_is_never_settled_costs_one_window(throttle: Throttles, clock: list[float]) -> None:
    """A process that dies after its claim silences the same for one window, not longer."""
    throttle("paper").claim(["f"], window=300)
    clock[0] += 299
    assert throttle("paper").claim(["f"], window=300).open == ()
    clock[0] += 1
    assert throttle("paper").claim(["f"], window=300).open == ("f",)


def test_only_what_is_open_is_claimed(throttle: Throttles) -> None:
    """Of two warnings the one that was said is held back, the new one is said; each env has its own."""
    throttle("paper").claim(["a"], window=300)
    assert throttle("paper").claim(["a", "b"], window=300).open == ("b",)
    assert throttle("live").claim(["a"], window=300).open == ("a",)


def test_throttling_changes_no_metric(tmp_path: Path, clock: list[float]) -> None:
    """Claims leave the `.prom` alone."""
    ledger = Ledger(tmp_path / "ledger.sqlite", textfile_dir=tmp_path)
    Throttle(ledger=ledger, env="paper", now=lambda: moment(clock[0])).claim(["a"], window=300)
    assert list(tmp_path.glob("*.prom")) == []


def test_what_was_claimed_by_another_since_is_not_given_back(throttle: Throttles, clock: list[float]) -> None:
    """A refusal that comes late does not open the window of the one who claimed it meanwhile."""
    slow = throttle("paper").claim(["f"], window=300)
    clock[0] += 300
    assert throttle("paper").claim(["f"], window=300).open == ("f",)
    throttle("paper").release(slow)
    assert throttle("paper").claim(["f"], window=300).open == ()


def test_an_alert_with_something_to_say_is_not_held_back(throttle: Throttles) -> None:
    """Of three warnings one is new: the alert is sent, and none is held back; where none is new, one alert is."""
    for names, held in ((["a", "b"], 0), (["a", "b", "c"], 0), (["a", "b", "c"], 1), (["a"], 2)):
        claim = throttle("paper").claim(names, window=300)
        assert (claim.held_back, throttle("paper").held_back()) == (held, held)
    assert throttle("live").held_back() == 0


def test_what_is_held_back_while_a_message_is_sent_is_told_by_the_next(throttle: Throttles) -> None:
    """An acceptance takes off what it told, not what came since."""
    claim = throttle("paper").claim(["a"], window=300)
    throttle("paper").claim(["a"], window=300)
    throttle("paper").accept(claim)
    assert throttle("paper").held_back() == 1
