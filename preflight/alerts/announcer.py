"""Runs the five steps of a run's alerts, in this order and no other: decide, keep, deliver, file, settle.

The rows are filed before the throttle is settled: for a P2 or P3 the row is the delivery, and whether it is lost
decides whether the throttle gets its claim back.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from preflight.alerts.account import Account
from preflight.alerts.alert import Severity
from preflight.alerts.clock import Moment, Uptime, uptime
from preflight.alerts.decide import Decider
from preflight.alerts.deliver import Deliverer, Sender
from preflight.alerts.file import Filer, RowStore
from preflight.alerts.history import History
from preflight.alerts.keep import Keeper
from preflight.alerts.settle import Announced, settle_claim, settle_counts
from preflight.alerts.spool import Entry, Spool
from preflight.alerts.telegram import Telegram
from preflight.alerts.throttle import Throttle
from preflight.config.settings import Settings
from preflight.errors import Interrupted
from preflight.message import message
from preflight.model import Report
from preflight.record.ledger import Ledger
from preflight.redaction import scrub


class Announces(Protocol):
    """What the gate needs of an announcer."""

    def keep(self, report: Report) -> None:
        """Keep what a run will have to say in any case."""
        ...

    def announce(self, report: Report) -> Announced:
        """Say what a run has to say."""
        ...


def host_name(settings: Settings) -> str:
    """Return this machine's name, for a person: as it is set, since a container's own is new with each run."""
    if settings.host is not None:
        return settings.host
    try:
        return socket.gethostname()
    except OSError:
        return "unknown"


def make_keeper(settings: Settings, trouble: Callable[[str], None], spool: Spool | None = None) -> Keeper:
    """Return the spool of the env. No I/O."""
    return Keeper(
        spool=Spool(settings.spool_dir) if spool is None else spool,
        env=settings.env.value,
        lang=settings.alerts.lang,
        trouble=trouble,
    )


def make_deliverer(settings: Settings, keeper: Keeper) -> Deliverer:
    """Return what sends the messages of the env to Telegram. No I/O."""
    return Deliverer(
        keeper=keeper, sender=Telegram(settings.telegram), settings=settings.telegram, host=host_name(settings)
    )


def make_filer(settings: Settings, keeper: Keeper) -> Filer:
    """Return what writes the rows of the env to Postgres. No I/O."""
    history = History(settings=settings.postgres, migrate=settings.line("db migrate"))
    return Filer(keeper=keeper, rows=history)


@dataclass(slots=True, kw_only=True)
class Announcer:
    """The alerts of one run. Making one does no I/O.

    `keep` is called when the verdict is known and the run is not on record yet; `announce` when it is, and again
    whenever the verdict has become worse.
    """

    settings: Settings
    ledger: Ledger  # where the throttle and the counters are
    output: str | None = None  # where the run's report is written
    warn: Callable[[str], None] = lambda _: None  # is told at once what goes wrong
    now: Callable[[], float] = time.time  # Unix seconds
    uptime: Callable[[], Uptime] = uptime
    spool: Spool | None = None  # None: the one that the settings name
    sender: Sender | None = None  # None: Telegram
    rows: RowStore | None = None  # None: Postgres
    monotonic: Callable[[], float] = time.monotonic
    reserved: Entry | None = field(default=None, init=False)  # the P0 of this run, on the disk before the record

    def keep(self, report: Report) -> None:
        """Keep the P0 of a run that is about to be recorded, if it has one.

        A process that dies between the record and the sending then leaves a message that waits, not a NO_GO that
        stays unsaid.
        """
        account = self._account()
        alert = self._decider(account).unthrottled(report)
        if alert is not None and alert.severity is Severity.P0:
            self.reserved = self._keeper(account).keep(alert)

    def announce(self, report: Report) -> Announced:
        """Say what the run has to say, and write down what became of it.

        Nothing that goes wrong is raised. Where the process is told to end meanwhile, the sending ends, and what
        became of the alerts so far is still written down.
        """
        account = self._account()
        keeper = self._keeper(account)
        broken: str | None = None
        try:
            self._take_steps(report, keeper, account)
        except Exception as e:  # noqa: BLE001 - a bug in there must be seen, and must not cost the report
            broken = message("alerting broke ({kind}); please report it", kind=type(e).__name__)
        except (SystemExit, KeyboardInterrupt, Interrupted) as e:
            broken = message("alerting was interrupted ({kind})", kind=type(e).__name__)
        if broken is not None:
            self._break_off(report, keeper, account, broken)
        self.reserved = None  # used up: what is said after this is kept anew
        return settle_counts(account, keeper, self.ledger, broken=broken)

    def _take_steps(self, report: Report, keeper: Keeper, account: Account) -> None:
        decided = self._decider(account).decide(report)
        if decided is None:
            return
        alert, entry = decided.alert, None
        if alert.severity is Severity.P0:
            # What this run said before, where that still waits, gives its place to what it says now.
            entry = self.reserved or keeper.find(alert.id) or keeper.keep(alert)
        delivered = self._deliverer(keeper).deliver(decided, entry, account)
        filed = self._filer(keeper).file(decided, report, account)
        if alert.severity is Severity.P1:
            settle_claim(decided.claim, self._throttle(), account, accepted=delivered.accepted)
        elif not filed:  # a row counts as said from the claim on
            settle_claim(decided.claim, self._throttle(), account, accepted=False)

    def _break_off(self, report: Report, keeper: Keeper, account: Account, why: str) -> None:
        """Conclude after a step raised: what is known stays known, and a P0 is looked for, or kept now."""
        account.trouble(why)
        try:
            alert = self._decider(account).unthrottled(report)
            if alert is None or account.holds(alert):
                return
            if alert.severity is Severity.P0:
                entry = self.reserved or keeper.find(alert.id) or keeper.keep(alert)
                self._deliverer(keeper).leave(alert, entry, why, account)
            else:
                account.note(alert, "failed", why)
        except Exception as e:  # noqa: BLE001 - what broke may break again; the reserved P0 waits all the same
            self.warn(message("what became of the alerts is not known ({kind})", kind=type(e).__name__))

    def _account(self) -> Account:
        secrets = self.settings.secret_values()
        return Account(clean=lambda text: scrub(text, secrets), warn=self.warn)

    def _keeper(self, account: Account) -> Keeper:
        return make_keeper(self.settings, account.trouble, self.spool)

    def _decider(self, account: Account) -> Decider:
        return Decider(
            settings=self.settings.alerts,
            throttle=self._throttle(),
            account=account,
            host=host_name(self.settings),
            output=self.output,
        )

    def _throttle(self) -> Throttle:
        return Throttle(ledger=self.ledger, env=self.settings.env.value, now=self._moment)

    def _moment(self) -> Moment:
        return Moment(at=self.now(), uptime=self.uptime())

    def _deliverer(self, keeper: Keeper) -> Deliverer:
        made = make_deliverer(self.settings, keeper)
        made.sender = self.sender or made.sender
        made.now, made.monotonic = self.now, self.monotonic
        return made

    def _filer(self, keeper: Keeper) -> Filer:
        made = make_filer(self.settings, keeper)
        made.rows = self.rows or made.rows
        made.monotonic = self.monotonic
        return made
