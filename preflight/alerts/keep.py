"""Step 2, keep: what must not be lost is on the disk before anything is sent. The spool of one env."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from preflight.alerts.alert import Alert, from_json, to_json
from preflight.alerts.documents import BadDocumentError
from preflight.alerts.history import AlertRow
from preflight.alerts.message import render
from preflight.alerts.spool import Content, Entry, Spool
from preflight.config.sections import Language
from preflight.message import Message, message

KEPT_DAYS = 7  # for which a message waits for a chat that is not configured
KEPT_MESSAGES = 50  # of an env that wait for it, the newest


def row_of(alert: Alert, outcome: str, lang: Language) -> AlertRow:
    """Make the row of an alert."""
    return AlertRow(
        alert_id=alert.id,
        at=alert.at,
        env=alert.env,
        run_id=alert.run_id,
        severity=alert.severity.value,
        fingerprint=alert.fingerprint,
        outcome=outcome,
        message=render(alert, lang).plain,
    )


def kept_without_chat() -> Message:
    """Return what becomes of messages where Telegram is not configured."""
    return message(
        "Telegram is not configured: the newest {count} messages are kept, each for {days} days",
        count=KEPT_MESSAGES,
        days=KEPT_DAYS,
    )


@dataclass(slots=True, kw_only=True)
class Keeper:
    """The spool of one env, and the rows that it did not take."""

    spool: Spool
    env: str
    lang: Language
    trouble: Callable[[str], None]  # is given a sentence about each thing that goes wrong
    homeless: list[AlertRow] = field(default_factory=list)  # rows that are neither in the spool nor in Postgres

    def keep(self, alert: Alert) -> Entry | None:
        """Put a message into the spool; None where that cannot be done."""
        try:
            return self.spool.put(Content.P0, self.env, alert.id, to_json(alert))
        except (OSError, ValueError) as e:
            reason = getattr(e, "strerror", None) or str(e)
            self.trouble(
                message(
                    "{id} cannot be kept in {directory} ({reason}); it is sent at once",
                    id=alert.id,
                    directory=self.spool.directory,
                    reason=reason,
                )
            )
            return None

    def find(self, alert_id: str) -> Entry | None:
        """Return the message that waits under an id; None where there is none, or that cannot be determined."""
        try:
            waiting = self.spool.waiting(Content.P0, self.env)
        except OSError:
            return None
        return next((entry for entry in waiting if entry.id == alert_id), None)

    def renew(self, entry: Entry, alert: Alert) -> None:
        """Write what a run says by now over what it had kept, in the same place of the queue."""
        text = to_json(alert)
        try:
            if entry.waits() and entry.read() != text:
                self.spool.replace(entry, text)
        except (OSError, UnicodeDecodeError) as e:
            reason = getattr(e, "strerror", None) or str(e)
            self.trouble(
                message(
                    "{path} cannot be brought up to date ({reason}); its older text is sent",
                    path=entry.path,
                    reason=reason,
                )
            )

    def keep_row(self, alert: Alert, outcome: str) -> None:
        """Put the row of an alert into the spool; one that cannot be kept there is filed by this process or lost."""
        row = row_of(alert, outcome, self.lang)
        try:
            self.spool.put(Content.ROW, self.env, row.alert_id, row.to_json())
        except (OSError, ValueError):
            self.homeless.append(row)

    def row_state(self, alert_id: str) -> str:
        """Tell where the row of an alert is: stored, spooled or failed."""
        if any(row.alert_id == alert_id for row in self.homeless):
            return "failed"
        try:
            waiting = {entry.id for entry in self.spool.waiting(Content.ROW, self.env)}
        except OSError:
            return "failed"
        return "spooled" if alert_id in waiting else "stored"

    def count(self, content: Content) -> int | None:
        """Count what waits; None where the spool cannot be read."""
        try:
            return len(self.spool.waiting(content, self.env))
        except OSError:
            return None

    def set_aside(self, entry: Entry, why: Exception | str) -> bool:
        """Take a file that cannot be used out of the queue and say so; False where it stays."""
        try:
            self.trouble(
                message(
                    "{path} is damaged ({why}); set aside as {aside}",
                    path=entry.path,
                    why=why,
                    aside=entry.set_aside(),
                )
            )
        except OSError as e:
            self.trouble(
                message(
                    "{path} is damaged ({why}) and cannot be set aside: {strerror}",
                    path=entry.path,
                    why=why,
                    strerror=e.strerror,
                )
            )
            return False
        return True

    def forget(self, now: float) -> int:
        """Drop what has waited too long for a chat that is not configured; return how many messages that were.

        Args:
            now: Unix seconds.
        """
        waiting = self.spool.waiting(Content.P0, self.env)
        dropped = 0
        for place, entry in enumerate(waiting):
            surplus = len(waiting) - place > KEPT_MESSAGES
            if surplus or now - made_at(entry) > KEPT_DAYS * 86_400.0:
                entry.delete()
                dropped += 1
        return dropped


def made_at(entry: Entry) -> float:
    """Return the Unix seconds of what a file holds: the end of the run, or the file's own time where it is damaged."""
    try:
        return from_json(entry.read()).at
    except (OSError, UnicodeDecodeError, BadDocumentError):
        return entry.path.lstat().st_mtime
