from __future__ import annotations

from pathlib import Path

import pytest

from preflight.alerts.clock import Moment, Uptime
from preflight.record.ledger import Ledger


def moment(at: float, *, boot: str = "this", up: float | None = None) -> Moment:
    """Give a point in time; the machine started 900,000 s after the epoch, unless told otherwise."""
    return Moment(at=at, uptime=Uptime(boot, at - 900_000 if up is None else up))


@pytest.fixture
def clock() -> list[float]:
    """Unix seconds, to be set."""
    return [1_000_000.0]


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """An empty one."""
    return Ledger(tmp_path / "ledger.sqlite", textfile_dir=None)


def test_warnings_at_0_459_501(ledger: Ledger, clock: list[float]) -> None:
    """The seed's own case: said at 0:00, held back at 4:59, said again at 5:01, telling that one was held back."""
    said = []
    for seconds in (0, 299, 301):
        clock[0] = 1_000_000.0 + seconds
        claim = ledger.throttle_claim("paper", ["paper/redis/warn"], window=300, now=lambda: moment(clock[0]))
        if claim.open:
            said.append((seconds, claim.held_back))
            ledger.throttle_accept(claim, now=lambda: moment(clock[0]))
    assert said == [(0, 0), (301, 1)]
    assert ledger.throttle_held_back("paper") == 0


def test_the_window_begins_when_it_was_accepted(ledger: Ledger, clock: list[float]) -> None:
    """A message that took 20 s to be accepted closes the window for 300 s from then."""
    claim = ledger.throttle_claim("paper", ["f"], window=300, now=lambda: moment(clock[0]))
    clock[0] += 20
    ledger.throttle_accept(claim, now=lambda: moment(clock[0]))
    clock[0] += 299
    assert ledger.throttle_claim("paper", ["f"], window=300, now=lambda: moment(clock[0])).open == ()
    clock[0] += 1
    assert ledger.throttle_claim("paper", ["f"], window=300, now=lambda: moment(clock[0])).open == ("f",)


def test_what_was_not_accepted_is_given_back(ledger: Ledger, clock: list[float]) -> None:
    """After a refusal the same may be said at once, and an older window is as it was."""
    first = ledger.throttle_claim("paper", ["new"], window=300, now=lambda: moment(clock[0]))
    ledger.throttle_release(first)
    assert ledger.throttle_claim("paper", ["new"], window=300, now=lambda: moment(clock[0])).open == ("new",)
    clock[0] += 400
    again = ledger.throttle_claim("paper", ["new"], window=300, now=lambda: moment(clock[0]))
    ledger.throttle_release(again)
    assert again.before == {"new": moment(1_000_000.0)}
    assert ledger.throttle_claim("paper", ["new"], window=300, now=lambda: moment(clock[0])).open == ("new",)


def test_a_claim_that_is_never_settled_costs_one_window(ledger: Ledger, clock: list[float]) -> None:
    """A process that dies after its claim silences the same for one window, not longer."""
    ledger.throttle_claim("paper", ["f"], window=300, now=lambda: moment(clock[0]))
    clock[0] += 299
    assert ledger.throttle_claim("paper", ["f"], window=300, now=lambda: moment(clock[0])).open == ()
    clock[0] += 1
    assert ledger.throttle_claim("paper", ["f"], window=300, now=lambda: moment(clock[0])).open == ("f",)


def test_only_what_is_open_is_claimed(ledger: Ledger, clock: list[float]) -> None:
    """Of two warnings the one that was said is held back, the new one is said; each env has its own."""
    ledger.throttle_claim("paper", ["a"], window=300, now=lambda: moment(clock[0]))
    assert ledger.throttle_claim("paper", ["a", "b"], window=300, now=lambda: moment(clock[0])).open == ("b",)
    assert ledger.throttle_claim("live", ["a"], window=300, now=lambda: moment(clock[0])).open == ("a",)


def test_throttling_changes_no_metric(tmp_path: Path, clock: list[float]) -> None:
    """Claims leave the `.prom` alone."""
    ledger = Ledger(tmp_path / "ledger.sqlite", textfile_dir=tmp_path)
    ledger.throttle_claim("paper", ["a"], window=300, now=lambda: moment(clock[0]))
    assert list(tmp_path.glob("*.prom")) == []


def test_what_was_claimed_by_another_since_is_not_given_back(ledger: Ledger, clock: list[float]) -> None:
    """A refusal that comes late does not open the window of the one who claimed it meanwhile."""
    slow = ledger.throttle_claim("paper", ["f"], window=300, now=lambda: moment(clock[0]))
    clock[0] += 300
    assert ledger.throttle_claim("paper", ["f"], window=300, now=lambda: moment(clock[0])).open == ("f",)
    ledger.throttle_release(slow)
    assert ledger.throttle_claim("paper", ["f"], window=300, now=lambda: moment(clock[0])).open == ()


def test_an_alert_with_something_to_say_is_not_held_back(ledger: Ledger, clock: list[float]) -> None:
    """Of three warnings one is new: the alert is sent, and none is held back; where none is new, one alert is."""
    now = moment(clock[0])
    for names, held in ((["a", "b"], 0), (["a", "b", "c"], 0), (["a", "b", "c"], 1), (["a"], 2)):
        claim = ledger.throttle_claim("paper", names, window=300, now=lambda: now)
        assert (claim.held_back, ledger.throttle_held_back("paper")) == (held, held)
    assert ledger.throttle_held_back("live") == 0


def test_what_is_held_back_while_a_message_is_sent_is_told_by_the_next(ledger: Ledger, clock: list[float]) -> None:
    """An acceptance takes off what it told, not what came since."""
    now = moment(clock[0])
    claim = ledger.throttle_claim("paper", ["a"], window=300, now=lambda: now)
    ledger.throttle_claim("paper", ["a"], window=300, now=lambda: now)
    ledger.throttle_accept(claim, now=lambda: now)
    assert ledger.throttle_held_back("paper") == 1
