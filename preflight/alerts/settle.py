"""Step 5, settle: the throttle and the counters in the ledger learn what became of the run's alerts."""

from __future__ import annotations

from dataclasses import dataclass, replace

from preflight.alerts.account import Account
from preflight.alerts.keep import Keeper
from preflight.alerts.spool import Content
from preflight.alerts.throttle import Throttle, ThrottleClaim
from preflight.errors import RecordError, TextfileError
from preflight.message import message
from preflight.model import AlertItem, AlertSummary
from preflight.record.ledger import Ledger, LedgerSnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """What became of a run's alerts."""

    summary: AlertSummary
    snapshot: LedgerSnapshot | None  # the ledger with the outcomes in it; None where they could not be written
    broken: str | None = None  # alerting broke, or was interrupted: a sentence
    unpublished: str | None = None  # the `.prom` could not be written: the ledger no longer calls the run a success
    unsent: tuple[str, ...] = ()  # messages that Telegram did not take, one sentence each


def settle_claim(claim: ThrottleClaim | None, throttle: Throttle, account: Account, *, accepted: bool) -> None:
    """Confirm what was claimed, or give it back."""
    if claim is None or not claim.open:
        return
    try:
        if accepted:
            throttle.accept(claim)
        else:
            throttle.release(claim)
    except Exception as e:  # noqa: BLE001 - the window is as it was claimed
        reason = str(e) if isinstance(e, RecordError) else type(e).__name__
        account.trouble(message("the throttle cannot be written: {reason}", reason=reason))


def settle_counts(account: Account, keeper: Keeper, ledger: Ledger, *, broken: str | None) -> Announced:
    """Count the outcomes, publish them, and conclude."""
    snapshot: LedgerSnapshot | None = None
    unpublished: str | None = None
    try:
        snapshot = ledger.record_alerts(keeper.env, dict(account.counts), pending=keeper.spool.pending(keeper.env))
    except TextfileError as e:
        unpublished = str(e)
    except Exception as e:  # noqa: BLE001 - the run itself is on record; only these counts are not
        reason = str(e) if isinstance(e, RecordError) else type(e).__name__
        account.trouble(message("what became of the alerts is not in the ledger: {reason}", reason=reason))
    return Announced(
        summary=AlertSummary(
            enabled=True,
            reason="",
            items=tuple(_with_row(item, keeper) for item in account.items),
            pending=keeper.count(Content.P0),
            rows_pending=keeper.count(Content.ROW),
            troubles=tuple(account.troubles),
        ),
        snapshot=snapshot,
        broken=broken,
        unpublished=unpublished,
        unsent=tuple(account.unsent),
    )


def _with_row(item: AlertItem, keeper: Keeper) -> AlertItem:
    return item if item.outcome == "throttled" else replace(item, row=keeper.row_state(item.id))
