"""`preflight alerts list|flush|clear|test|history`: what waits, delivering or dropping it, a test, what was."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from preflight.alerts.alert import Alert, from_json
from preflight.alerts.announcer import host_name, make_deliverer, make_filer, make_keeper
from preflight.alerts.documents import BadDocumentError
from preflight.alerts.history import History
from preflight.alerts.keep import kept_without_chat, made_at
from preflight.alerts.message import moment, render_test
from preflight.alerts.spool import Content, Entry, Spool, SpoolBusyError
from preflight.alerts.telegram import Telegram
from preflight.commands.document import write_document
from preflight.commands.options import Parser, parse
from preflight.config.settings import Settings
from preflight.config.sources import load
from preflight.errors import RecordError, UsageError
from preflight.gate import new_run_id
from preflight.language import read_in, say
from preflight.message import message
from preflight.model import EXIT_GO
from preflight.record import catalogue, previous, textfile
from preflight.record.ledger import Ledger
from preflight.render.json import render_document
from preflight.said import complain, tell

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
        0 done; 1 where something still waits after `flush`, where another process keeps `clear` from its work, or where
        the message of `test` was not accepted.

    Raises:
        UsageError: The configuration is refused, or the spool cannot be read.
    """
    parsed = parse(_parser, argv)
    settings = load({"env": parsed.env}, environ=os.environ, cwd=Path.cwd(), config=parsed.config)
    read_in(parsed.lang or settings.alerts.lang, sys.stdout)
    if (parsed.before is not None) != (parsed.verb == "clear"):
        raise UsageError(message("alerts: `clear` takes --before DATE, and no other verb does"))
    verbs: dict[str, Callable[[Settings], AlertsOutcome]] = {
        "list": _list,
        "flush": _flush,
        "clear": lambda settings: _clear(settings, _moment_of(parsed.before)),
        "test": _test,
        "history": _history,
    }
    try:
        done = verbs[parsed.verb](settings)
    except OSError as e:
        raise UsageError(
            message(
                "spool_dir {spool_dir}: cannot be used: {strerror}", spool_dir=settings.spool_dir, strerror=e.strerror
            )
        ) from e
    secrets = settings.secret_values()
    for trouble in done.troubles:
        complain(trouble, secrets, who="preflight alerts")
    if parsed.format == "json":
        sys.stdout.write(render_document(done.document))
    else:
        for line in done.lines:
            tell(line, secrets)
    write_document(parsed.output, done.document)
    return done.code


def _list(settings: Settings) -> AlertsOutcome:
    """Show what waits; nothing is sent."""
    spool, env = Spool(settings.spool_dir), settings.env.value
    messages = [(entry, _read(entry)) for entry in spool.waiting(Content.P0, env)]
    rows = len(spool.waiting(Content.ROW, env))
    said = [
        message("{id}  damaged or not readable", id=entry.id)
        if alert is None
        else f"{entry.id}  {moment(alert.at)}  {alert.verdict}"
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
    configured = settings.telegram.configured
    note = () if configured else (message("{env}: {note}", env=env, note=kept_without_chat()),)
    return AlertsOutcome(
        code=EXIT_GO,
        document={"env": env, "messages": waiting, "rows": rows, "telegram": configured},
        lines=(
            *said,
            message(
                "{env}: {messages} messages wait for Telegram, {rows} rows for Postgres",
                env=env,
                messages=len(messages),
                rows=rows,
            ),
            *note,
        ),
    )


def _read(entry: Entry) -> Alert | None:
    try:
        return from_json(entry.read())
    except (OSError, UnicodeDecodeError, BadDocumentError):
        return None


def _flush(settings: Settings) -> AlertsOutcome:
    """Deliver what waits, each message with the whole deadline; what is sent is counted as a run would count it."""
    troubles: list[str] = []
    keeper = make_keeper(settings, troubles.append)
    deliverer, spool, env = make_deliverer(settings, keeper), keeper.spool, keeper.env
    sent: list[Alert] = []
    waiting, left, reason = spool.waiting(Content.P0, env), None, ""
    while waiting and waiting != left:  # what was sent, but cannot be removed, is no progress
        reason = deliverer.drain(settings.telegram.deadline, lambda _, alert: sent.append(alert)).reason
        waiting, left = spool.waiting(Content.P0, env), waiting
    problem = make_filer(settings, keeper).store_rows()
    messages, rows = keeper.count(Content.P0), keeper.count(Content.ROW)
    troubles += [line for line in (reason if messages else "", problem or "") if line]
    troubles += _count(settings, Counter((alert.severity.value, "sent") for alert in sent), spool.pending(env))
    return AlertsOutcome(
        code=EXIT_GO if messages == 0 and rows == 0 else EXIT_UNDELIVERED,
        document={
            "env": settings.env.value,
            "sent": [{"id": alert.id, "at": alert.at} for alert in sent],
            "messages": messages,
            "rows": rows,
        },
        lines=(
            *(message("sent {id} of {moment}", id=alert.id, moment=moment(alert.at)) for alert in sent),
            message("{env}: {messages} messages and {rows} rows are left", env=env, messages=messages, rows=rows),
        ),
        troubles=tuple(troubles),
    )


def _count(settings: Settings, counts: Counter[tuple[str, str]], pending: int) -> list[str]:
    """Count what was sent and publish what waits; return what went wrong."""
    # Else the gauge may be older than what waits. A file that is written and says the same looks like one that is not
    # served (the alert TextfileCopied).
    if not counts and (not settings.ledger.exists() or _says(settings, pending)):
        return []
    ledger = Ledger(settings.ledger, textfile_dir=settings.textfile_dir, lock_timeout=settings.ledger_timeout)
    try:
        ledger.record_alerts(settings.env.value, counts, pending=pending)
    except RecordError as e:
        return [message("what was sent is not counted: {reason}", reason=str(e))]
    return []


def _says(settings: Settings, pending: int) -> bool:
    """Tell whether the `.prom` says already what waits."""
    env, directory = settings.env.value, settings.textfile_dir
    if directory is None:
        return False
    try:
        told = previous.parse(textfile.read(directory, env), env, gauges=True)
    except OSError:  # to be told by whoever writes it
        return False
    return told is not None and told.values.get((catalogue.ALERTS_PENDING,)) == pending


def _clear(settings: Settings, before: float) -> AlertsOutcome:
    """Drop the messages of runs that ended before a moment; rows stay, since Postgres takes them at any time."""
    spool, env = Spool(settings.spool_dir), settings.env.value
    dropped: list[Entry] = []
    troubles: list[str] = []
    if spool.waiting(Content.P0, env):
        try:
            with spool.delivering(env, settings.telegram.timeout):
                dropped = [entry for entry in spool.waiting(Content.P0, env) if made_at(entry) < before]
                for entry in dropped:
                    entry.delete()
        except SpoolBusyError as e:
            troubles.append(message("nothing is dropped: {reason}", reason=str(e)))
    left = spool.pending(env)
    if dropped:
        troubles += _count(settings, Counter(), left)
    return AlertsOutcome(
        code=EXIT_UNDELIVERED if troubles else EXIT_GO,
        document={"env": env, "cleared": [entry.id for entry in dropped], "messages": left},
        lines=(
            *(message("dropped {id}", id=entry.id) for entry in dropped),
            message("{env}: {count} messages are left", env=env, count=left),
        ),
        troubles=tuple(troubles),
    )


def _moment_of(text: str) -> float:
    """Return the Unix seconds of a date or time; without a zone it is UTC.

    Raises:
        UsageError: It is neither.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError as e:
        raise UsageError(
            message("--before {text}: give a date such as 2026-11-20, or a time such as 2026-11-20T09:00Z", text=text)
        ) from e
    return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).timestamp()


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
    title = delivery.result.get("chat") or message("the chat")
    number = delivery.result.get("message_id")
    return AlertsOutcome(
        code=EXIT_GO,
        document={"env": env, "accepted": True, "message_id": number},
        lines=(message("Telegram accepted it as message {number} in {title}", number=number, title=title),),
    )


def _history(settings: Settings) -> AlertsOutcome:
    """Show what stands in Postgres, newest first."""
    rows = History(settings=settings.postgres, migrate=settings.line("db migrate")).newest(settings.env.value, 50)
    return AlertsOutcome(
        code=EXIT_GO,
        document={"env": settings.env.value, "alerts": [asdict(row) for row in rows]},
        lines=tuple(f"{moment(row.at)}  {row.severity}  {row.outcome:7}  {row.fingerprint}" for row in rows),
    )


def _parser() -> Parser:
    parser = Parser(
        prog="preflight alerts",
        description=say(
            message(
                "list: what waits to be delivered; flush: deliver it now; clear: drop the messages that are older "
                "than --before; test: send a test message; "
                "history: the newest 50 alerts of the env, out of Postgres."
            )
        ),
    )
    verbs = ("list", "flush", "clear", "test", "history")
    parser.add_argument("verb", choices=verbs, metavar=f"{{{','.join(verbs)}}}")
    parser.add_env()
    parser.add_config()
    parser.add_lang()
    parser.add_argument(
        "--before", metavar="DATE", help=say(message("clear: messages of runs that ended before this, UTC"))
    )
    parser.add_argument(
        "--format", choices=("console", "json"), default="console", help=say(message("what stdout shows"))
    )
    parser.add_output()
    return parser
