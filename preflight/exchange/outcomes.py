"""What trouble with an exchange comes to: the outcome of a check that met it."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from preflight.exchange.kinds import Trouble, TroubleKind
from preflight.message import message
from preflight.model import Outcome, Status


def name_of(exchange: str) -> str:
    """Return the id as it is shown: `Upbit`."""
    return exchange.capitalize()


def outcome_of(exchange: str, trouble: Trouble, *, disproves: AbstractSet[TroubleKind], expected: str) -> Outcome:
    """Judge trouble.

    Args:
        exchange: ccxt id.
        trouble: What the client met.
        disproves: The kinds that show that what the check claims is false: FAIL. Any other is could-not-tell: ERROR.
        expected: What would have been a PASS.
    """
    return Outcome(
        status=Status.FAIL if trouble.kind in disproves else Status.ERROR,
        summary=message("{exchange} {meaning}", exchange=name_of(exchange), meaning=trouble.meaning),
        hint=trouble.hint,
        expected=expected,
        actual=trouble.actual,
        said=trouble.said,
    )
