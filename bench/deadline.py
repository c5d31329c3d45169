"""What the runner adds to what its checks take: twenty exchange checks at once, and one that hangs."""

from __future__ import annotations

import importlib
import select
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.figure import Figure
from preflight.check import Context
from preflight.config.settings import Settings
from preflight.message import Message
from preflight.model import Mode, Outcome, Status
from preflight.runner import Runner

_ROUNDS = 5
_ASKED = 0.3  # seconds that an exchange is made to take
_GIVEN = 0.3  # seconds that a check which hangs is given


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waits:
    """Does nothing for a time, as a check does that waits for an answer."""

    id: str
    seconds: float
    timeout: float = 5.0
    imports: tuple[str, ...] = ()
    proves: str = "nothing"
    requires: tuple[str, ...] = ()
    network: bool = False

    def run(self, _: Context) -> Outcome:
        """Wait."""
        select.select([], [], [], self.seconds)
        return Outcome(status=Status.PASS, summary=Message("waited"))


def measure() -> Iterable[Figure]:
    """Beside the time that one check takes by itself, and the deadline; the best of several, taken in turn."""
    importlib.import_module("ccxt")  # its own time is in neither
    with tempfile.TemporaryDirectory(prefix="preflight-bench-") as name:
        place = Path(name)

        def asking(count: int) -> Callable[[], float]:
            return lambda: _took([_Waits(id=f"c{n}", seconds=_ASKED, imports=("ccxt",)) for n in range(count)], place)

        twenty, one = _in_turn(asking(20), asking(1))
        yield Figure(
            what="20 exchange checks of 0.3 s",
            value=twenty,
            unit="s",
            floor=one,
            against="one of them",
            limit=_ASKED + 0.3,
        )
        hung, in_time = _in_turn(
            lambda: _took([_Waits(id="c", seconds=60.0, timeout=_GIVEN)], place),
            lambda: _took([_Waits(id="c", seconds=_GIVEN)], place),
        )
        yield Figure(
            what="a check that hangs, given 0.3 s",
            value=hung,
            unit="s",
            floor=in_time,
            against="one that takes 0.3 s",
            limit=_GIVEN + 0.2,
        )


def _took(checks: Sequence[_Waits], place: Path) -> float:
    settings = Settings.model_validate({"env": "paper", "ledger": place / "ledger", "spool_dir": place / "spool"})
    context = Context(settings=settings, mode=Mode.REAL, run_id="bench", environ={}, cwd=place)
    runner = Runner(checks, context)
    begun = time.monotonic()
    runner.prepare()
    runner.run()
    return time.monotonic() - begun


def _in_turn(first: Callable[[], float], second: Callable[[], float]) -> tuple[float, float]:
    pairs = [(first(), second()) for _ in range(_ROUNDS)]
    return min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)
