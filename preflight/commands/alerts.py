"""`preflight alerts list|flush|test|history`: what waits, delivering it, proving that it would arrive, what was."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from preflight.alerts.alert import Alert, from_json
from preflight.alerts.fields import BadAlertError
from preflight.alerts.history import History
from preflight.alerts.message import moment, render_test
from preflight.alerts.spool import Content, Entry, Spool
from preflight.alerts.stage import host_name, make_outbox
from preflight.alerts.telegram import Telegram
from preflight.commands.document import write_document
from preflight.config.settings import Settings
from preflight.config.sources import load
from preflight.errors import RecordError, UsageError
from preflight.gate import new_run_id
from preflight.model import EXIT_GO, one_line
from preflight.record.ledger import Ledger
from preflight.redaction import scrub
from preflight.render.json import render_document

EXIT_UNDELIVERED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertsOutcome:
    """What a verb did."""

    code: int
    document: dict[str, Any]
    lines: tuple[str, ...]  # for a person
    troubles: tuple[str, ...] = ()


def main(argv: Sequence[str]) -> int:
    """Do what was asked.

    Returns:
        0 done; 1 where something still waits after `flush`, or where the message of `test` was not accepted.

    Raises:
        UsageError: The configuration is refused, or the spool cannot be read.
    """
    parsed = _parser().parse_args(argv)
    settings = load({"env": parsed.env}, environ=os.environ, cwd=Path.cwd(), config=parsed.config)
    verb = {"list": _list, "flush": _flush, "test": _test, "history": _history}[parsed.verb]
    try:
        done = verb(settings)
    except OSError as e:
        raise UsageError(f"spool_dir {settings.spool_dir}: cannot be used: {e.strerror}") from e
    secrets = settings.secret_values()
    for trouble in done.troubles:
        sys.stderr.write(f"preflight alerts: {one_line(scrub(trouble, secrets))}\n")
    if parsed.format == "json":
        sys.stdout.write(render_document(done.document))
    else:
        sys.stdout.write("".join(f"{one_line(scrub(line, secrets))}\n" for line in done.lines))
    write_document(parsed.output, done.document)
    return done.code


def _list(settings: Settings) -> AlertsOutcome:
    """Show what waits; nothing is sent."""
    spool, env = Spool(settings.spool_dir), settings.env.value
    messages = [(entry, _read(entry)) for entry in spool.waiting(Content.P0, env)]
    rows = len(spool.waiting(Content.ROW, env))
    said = [
        f"{entry.id}  " + ("damaged or not readable" if alert is None else f"{moment(alert.at)}  {alert.verdict}")
        for entry, alert in messages
    ]
    waiting = [
        {
            "id": entry.id,
            "at": None if alert is None else alert.at,
            "verdict": None if alert is None else alert.verdict,
            "file": str(entry.path),
        }
        for entry, alert in messages
    ]
    return AlertsOutcome(
        code=EXIT_GO,
        document={"env": env, "messages": waiting, "rows": rows},
        lines=(*said, f"{env}: {len(messages)} messages wait for Telegram, {rows} rows for Postgres"),
    )


def _read(entry: Entry) -> Alert | None:
    try:
        return from_json(entry.read())
    except (OSError, UnicodeDecodeError, BadAlertError):
        return None


def _flush(settings: Settings) -> AlertsOutcome:
    """Deliver what waits, each message with the whole deadline; what is sent is counted as a run would count it."""
    troubles: list[str] = []
    outbox = make_outbox(settings, trouble=troubles.append)
    env = settings.env.value
    sent: list[Alert] = []
    waiting, left, reason = outbox.spool.waiting(Content.P0, env), None, ""
    while waiting and waiting != left:  # what was sent, but cannot be removed, is no progress
        reason = outbox.drain(settings.telegram.deadline, lambda _, alert: sent.append(alert)).reason
        waiting, left = outbox.spool.waiting(Content.P0, env), waiting
    problem = outbox.store_rows()
    messages, rows = outbox.count(Content.P0), outbox.count(Content.ROW)
    troubles += [line for line in (reason if messages else "", problem or "") if line]
    if sent or settings.ledger.exists():  # the gauge may be older than what waits, though nothing was sent
        counts = Counter((alert.severity.value, "sent") for alert in sent)
        ledger = Ledger(settings.ledger, textfile_dir=settings.textfile_dir, lock_timeout=settings.ledger_timeout)
        try:
            ledger.record_alerts(env, counts, pending=outbox.spool.pending(env))
        except RecordError as e:
            troubles.append(f"what was sent is not counted: {e}")
    return AlertsOutcome(
        code=EXIT_GO if messages == 0 and rows == 0 else EXIT_UNDELIVERED,
        document={
            "env": settings.env.value,
            "sent": [{"id": alert.id, "at": alert.at} for alert in sent],
            "messages": messages,
            "rows": rows,
        },
        lines=(
            *(f"sent {alert.id} of {moment(alert.at)}" for alert in sent),
            f"{settings.env}: {messages} messages and {rows} rows are left",
        ),
        troubles=tuple(troubles),
    )


def _test(settings: Settings) -> AlertsOutcome:
    """Send a message that says it is a test, and say what Telegram made of it."""
    now, env = time.time(), settings.env.value
    text = render_test(env, host_name(settings), new_run_id(now), now, settings.alerts.lang)
    delivery = Telegram(settings.telegram).send(text, budget=settings.telegram.deadline)
    if not delivery.accepted:
        return AlertsOutcome(
            code=EXIT_UNDELIVERED,
            document={"env": env, "accepted": False, "reason": delivery.reason},
            lines=(),
            troubles=(delivery.reason,),
        )
    title = delivery.result.get("chat") or "the chat"
    number = delivery.result.get("message_id")
    return AlertsOutcome(
        code=EXIT_GO,
        document={"env": env, "accepted": True, "message_id": number},
        lines=(f"Telegram accepted it as message {number} in {title}",),
    )


def _history(settings: Settings) -> AlertsOutcome:
    """Show what stands in Postgres, newest first."""
    rows = History(settings=settings.postgres, migrate=settings.line("db migrate")).newest(settings.env.value, 50)
    return AlertsOutcome(
        code=EXIT_GO,
        document={"env": settings.env.value, "alerts": [asdict(row) for row in rows]},
        lines=tuple(f"{moment(row.at)}  {row.severity}  {row.outcome:7}  {row.fingerprint}" for row in rows),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="preflight alerts",
        description="list: what waits to be delivered; flush: deliver it now; test: send a test message; "
        "history: the newest 50 alerts of the env, out of Postgres.",
        allow_abbrev=False,
    )
    parser.add_argument("verb", choices=("list", "flush", "test", "history"))
    parser.add_argument("--env", metavar="ENV", help="live, paper, dev, test; there is no default")
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings file instead of ./preflight.toml")
    parser.add_argument("--format", choices=("console", "json"), default="console", help="what stdout shows")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write what was done as JSON to FILE")
    return parser
