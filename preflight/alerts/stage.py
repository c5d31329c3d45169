"""The stage of a run that speaks up: what the gate calls after it has recorded the run."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from preflight.alerts.dispatch import Dispatched, Dispatcher
from preflight.alerts.history import History
from preflight.alerts.outbox import Outbox
from preflight.alerts.spool import Entry, Spool
from preflight.alerts.telegram import Telegram
from preflight.config.settings import Settings
from preflight.errors import Interrupted, RecordError, TextfileError
from preflight.model import AlertSummary, Report
from preflight.record.ledger import Ledger, Snapshot
from preflight.redaction import scrub


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """What came of it."""

    summary: AlertSummary
    snapshot: Snapshot | None  # the ledger with the outcomes in it; None where they could not be written
    broken: str | None = None  # alerting broke, or was interrupted: a sentence
    unpublished: str | None = None  # the `.prom` could not be written: the ledger no longer calls the run a success
    unsent: tuple[str, ...] = ()  # messages that Telegram did not take, one sentence each


class Speak(Protocol):
    """What the gate needs of `speak`."""

    def __call__(
        self,
        settings: Settings,
        ledger: Ledger,
        report: Report,
        *,
        output: str | None,
        warn: Callable[[str], None],
        now: Callable[[], float],
        reserved: Entry | None = None,
    ) -> Spoken:
        """Send what a run has to say."""
        ...


class Reserve(Protocol):
    """What the gate needs of `reserve`."""

    def __call__(
        self,
        settings: Settings,
        ledger: Ledger,
        report: Report,
        *,
        output: str | None,
        warn: Callable[[str], None],
        now: Callable[[], float],
    ) -> Entry | None:
        """Keep what a run will have to say in any case."""
        ...


def make_outbox(settings: Settings, *, trouble: Callable[[str], None] = lambda _: None) -> Outbox:
    """Give the spool of the env, with Telegram and Postgres behind it. No I/O."""
    return Outbox(
        spool=Spool(settings.spool_dir),
        env=settings.env.value,
        sender=Telegram(settings.telegram),
        rows=History(settings=settings.postgres, migrate=settings.line("db migrate")),
        lang=settings.alerts.lang,
        host=host_name(settings),
        late_after=settings.telegram.deadline,
        trouble=trouble,
    )


def host_name(settings: Settings) -> str:
    """Give this machine's name, for a person: as it is set, since a container's own is new with each run."""
    if settings.host is not None:
        return settings.host
    try:
        return socket.gethostname()
    except OSError:
        return "unknown"


def _dispatcher(
    settings: Settings,
    ledger: Ledger,
    *,
    output: str | None,
    warn: Callable[[str], None],
    now: Callable[[], float],
    reserved: Entry | None = None,
) -> Dispatcher:
    secrets = settings.secret_values()
    return Dispatcher(
        settings=settings,
        ledger=ledger,
        outbox=make_outbox(settings),
        clean=lambda text: scrub(text, secrets),
        output=output,
        reserved=reserved,
        warn=warn,
        now=now,
    )


def reserve(
    settings: Settings,
    ledger: Ledger,
    report: Report,
    *,
    output: str | None = None,
    warn: Callable[[str], None] = lambda _: None,
    now: Callable[[], float] = time.time,
) -> Entry | None:
    """Keep the P0 of a run that is about to be recorded; see `Dispatcher.reserve`. Takes what `speak` takes."""
    return _dispatcher(settings, ledger, output=output, warn=warn, now=now).reserve(report)


def speak(
    settings: Settings,
    ledger: Ledger,
    report: Report,
    *,
    output: str | None = None,
    warn: Callable[[str], None] = lambda _: None,
    now: Callable[[], float] = time.time,
    reserved: Entry | None = None,
) -> Spoken:
    """Send what the run has to say and write down what became of it.

    Args:
        settings: Of the run.
        ledger: Where the throttle and the counters are.
        report: The run, with its verdict.
        output: Where its report is written.
        warn: Is told at once what goes wrong.
        now: Unix seconds.
        reserved: What `reserve` kept of it.

    Nothing that goes wrong is raised. Where the process is told to end meanwhile, the sending ends, and what became
    of the alerts so far is still written down.
    """
    secrets = settings.secret_values()
    dispatcher = _dispatcher(settings, ledger, output=output, warn=warn, now=now, reserved=reserved)
    broken: str | None = None
    try:
        done = dispatcher.dispatch(report)
    except Exception as e:  # noqa: BLE001 - a bug in there must be seen, and must not cost the report
        broken = f"alerting broke ({type(e).__name__}); please report it"
        done = _broken_off(dispatcher, report, broken)
    except (SystemExit, KeyboardInterrupt, Interrupted) as e:
        broken = f"alerting was interrupted ({type(e).__name__})"
        done = _broken_off(dispatcher, report, broken)
    try:
        pending = Spool(settings.spool_dir).pending(settings.env.value)
        snapshot = ledger.record_alerts(settings.env.value, done.counts, pending=pending)
    except TextfileError as e:
        return Spoken(summary=done.summary, snapshot=None, broken=broken, unpublished=str(e), unsent=done.unsent)
    except Exception as e:  # noqa: BLE001 - the run itself is on record; only these counts are not
        reason = str(e) if isinstance(e, RecordError) else type(e).__name__
        trouble = scrub(f"what became of the alerts is not in the ledger: {reason}", secrets)
        warn(trouble)
        summary = replace(done.summary, troubles=(*done.summary.troubles, trouble))
        return Spoken(summary=summary, snapshot=None, broken=broken, unsent=done.unsent)
    return Spoken(summary=done.summary, snapshot=snapshot, broken=broken, unsent=done.unsent)


def _broken_off(dispatcher: Dispatcher, report: Report, why: str) -> Dispatched:
    try:
        return dispatcher.broken_off(report, why)
    except Exception as e:  # noqa: BLE001 - what broke may break again; the reserved P0 waits all the same
        dispatcher.warn(f"what became of the alerts is not known ({type(e).__name__})")
        return Dispatched(summary=AlertSummary(enabled=True, reason="", troubles=(why,)), counts={})
