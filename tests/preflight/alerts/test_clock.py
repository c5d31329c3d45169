from __future__ import annotations

import time
from pathlib import Path

import pytest

from preflight.alerts import clock
from preflight.alerts.clock import Moment, Uptime, is_open, uptime


def at(seconds: float, boot: str, up: float) -> Moment:
    """Give a point in time."""
    return Moment(at=seconds, uptime=Uptime(boot, up))


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (at(100, "b", 50), False),
        (at(399.9, "b", 349.9), False),
        (at(400, "b", 350), True),
        (at(99.9, "b", 49.9), True),  # set back: nobody can tell how long ago it was
        (at(1e12, "b", 51), True),  # set forward
        (at(101, "b", 350), True),  # set back within the window, which is over all the same
        (at(101, "other", 9999), False),  # another boot: the calendar alone can be compared
        (at(400, "other", 1), True),
        (at(101, "b", 1), True),  # the same boot, and it ran backwards: not to be believed
    ],
)
def test_the_window_is_over_as_soon_as_one_clock_says_so(now: Moment, expected: bool) -> None:
    """Closed from the moment of acceptance for 300 s."""
    assert is_open(at(100, "b", 50), now, 300) is expected


def test_what_was_never_said_may_be_said() -> None:
    """There is no window yet."""
    assert is_open(None, at(0, "", 0), 300)


def test_clocks_that_cannot_be_told_are_not_compared() -> None:
    """Where neither moment knows its boot the calendar decides."""
    assert not is_open(at(100, "", 0), at(101, "", 0), 300)


def test_uptime_goes_on_and_knows_its_boot() -> None:
    """Two looks are of one boot, the second is later."""
    first, second = uptime(), uptime()

    assert first.boot == second.boot != ""
    assert first.seconds <= second.seconds


def test_without_a_boot_id_there_is_no_uptime(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine that hides it has the calendar alone; so has one whose system has no such clock."""
    with monkeypatch.context() as patch:
        patch.setattr(clock, "_BOOT_ID", tmp_path / "none")
        assert uptime() == Uptime("", 0.0)
    monkeypatch.delattr(time, "CLOCK_BOOTTIME")
    assert uptime() == Uptime("", 0.0)
