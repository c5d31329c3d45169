"""Delivers what waits in the spool: messages in their order, then rows."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from preflight.alerts import message
from preflight.alerts.alert import Alert, BadAlertError, Severity, from_json, to_json
from preflight.alerts.answer import Delivery
from preflight.alerts.history import Row, row_from_json
from preflight.alerts.spool import Content, Entry, Spool, SpoolBusyError
from preflight.sections import Language

_ROWS_AT_ONCE = 500


class Sender(Protocol):
    """Where messages go."""

    def send(self, text: message.Text, *, budget: float, careful: bool = False) -> Delivery:
        """Send one message within `budget` seconds."""
        ...


class RowStore(Protocol):
    """Where rows go."""

    def store(self, rows: list[Row]) -> str | None:
        """Write rows; give why not, or None."""
        ...


def row_of(alert: Alert, outcome: str, lang: Language) -> Row:
    """Make the row of an alert."""
    return Row(
        alert_id=alert.id,
        at=alert.at,
        env=alert.env,
        run_id=alert.run_id,
        severity=alert.severity.value,
        fingerprint=alert.fingerprint,
        outcome=outcome,
        message=message.render(alert, lang).plain,
    )


@dataclass(slots=True, kw_only=True)
class Outbox:
    """The spool of one env, and where its content goes."""

    spool: Spool
    env: str
    sender: Sender
    rows: RowStore
    lang: Language
    host: str
    trouble: Callable[[str], None]  # is given a sentence about each thing that goes wrong
    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    _homeless: list[Row] = field(default_factory=list)  # rows that could not even be spooled

    def keep(self, alert: Alert) -> Entry | None:
        """Put a message into the spool; None where that cannot be done."""
        try:
            return self.spool.put(Content.P0, self.env, alert.id, to_json(alert))
        except (OSError, ValueError) as e:
            reason = getattr(e, "strerror", None) or str(e)
            self.trouble(f"{alert.id} cannot be kept in {self.spool.directory} ({reason}); it is sent at once")
            return None

    def drain(self, budget: float, *, fresh: Entry | None = None) -> tuple[list[Alert], str]:
        """Send what waits, oldest first, until all is sent, one is not accepted, or the time is up.

        Args:
            budget: Seconds.
            fresh: The message of this very run; the others are late.

        Returns:
            The alerts that were accepted, in that order, and why it stopped before the end ("" if it did not).
        """
        end = self.monotonic() + budget
        sent: list[Alert] = []
        try:
            if not self.spool.waiting(Content.P0, self.env):
                return sent, ""
            with self.spool.delivering(self.env, budget):
                passed_over: set[str] = set()
                while entry := self._next(passed_over):
                    left = end - self.monotonic()
                    if left <= 0:
                        return sent, f"the time for sending was up ({budget:g} s)"
                    alert = self._read(entry, passed_over)
                    if alert is None:
                        continue
                    late = fresh is None or entry.id != fresh.id
                    delivery = self.sender.send(message.render(alert, self.lang, late=late), budget=left)
                    if not delivery.accepted:
                        return sent, delivery.reason
                    # The row first: whoever dies here leaves a message that is sent twice, not a row that is missing.
                    self.keep_row(row_of(alert, "sent", self.lang))
                    sent.append(alert)
                    entry.delete()
        except SpoolBusyError as e:
            return sent, str(e)
        except OSError as e:
            return sent, f"the spool {self.spool.directory} cannot be used: {e.strerror}"
        return sent, ""

    def keep_row(self, row: Row) -> None:
        """Put a row into the spool; what cannot be kept there is written at the next `store_rows` of this process."""
        try:
            self.spool.put(Content.ROW, self.env, row.alert_id, row.to_json())
        except (OSError, ValueError):
            self._homeless.append(row)

    def store_rows(self) -> str | None:
        """Write every row that waits; give why it could not be done, or None."""
        try:
            entries = self.spool.waiting(Content.ROW, self.env)[:_ROWS_AT_ONCE]
        except OSError as e:
            entries = ()
            self.trouble(f"the spool {self.spool.directory} cannot be read: {e.strerror}")
        rows: list[Row] = []
        readable: list[Entry] = []
        for entry in entries:
            try:
                rows.append(row_from_json(entry.read()))
                readable.append(entry)
            except FileNotFoundError:
                continue  # another process has written it
            except (OSError, UnicodeDecodeError, BadAlertError) as e:
                self._set_aside(entry, e)
        if not rows and not self._homeless:
            return None
        problem = self.rows.store([*rows, *self._homeless])
        if problem is None:
            for entry in readable:
                entry.delete()
            self._homeless.clear()
        return problem

    def count(self, content: Content) -> int | None:
        """Count what waits; None where the spool cannot be read."""
        try:
            return len(self.spool.waiting(content, self.env))
        except OSError:
            return None

    def row_state(self, alert_id: str) -> str:
        """Tell where the row of an alert is: stored, spooled or failed."""
        if any(row.alert_id == alert_id for row in self._homeless):
            return "failed"
        try:
            waiting = {entry.id for entry in self.spool.waiting(Content.ROW, self.env)}
        except OSError:
            return "failed"
        return "spooled" if alert_id in waiting else "stored"

    @property
    def homeless(self) -> bool:
        """Whether a row is neither in Postgres nor in the spool."""
        return bool(self._homeless)

    def _next(self, passed_over: set[str]) -> Entry | None:
        waiting = self.spool.waiting(Content.P0, self.env)
        return next((entry for entry in waiting if entry.path.name not in passed_over), None)

    def _read(self, entry: Entry, passed_over: set[str]) -> Alert | None:
        try:
            return from_json(entry.read())
        except FileNotFoundError:
            return None
        except OSError as e:
            passed_over.add(entry.path.name)
            self.trouble(f"{entry.path} cannot be read ({e.strerror}); it stays there, the others are sent")
            return None
        except (UnicodeDecodeError, BadAlertError) as e:
            return self._replacement(entry, e)

    def _replacement(self, entry: Entry, error: Exception) -> Alert | None:
        """Say that there was an alert that nobody can read any more: its file stays, its place is taken by this."""
        alert = Alert(
            id=entry.id,
            severity=Severity.P0,
            env=self.env,
            host=self.host,
            run_id=entry.id.removesuffix(f"-{Severity.P0}"),
            at=self.now(),
            verdict="UNVERIFIED",
            findings=(),
            reasons=(f"an alert that was waiting in {entry.path} is damaged; see the report of that run",),
            fingerprint=f"{self.env}/damaged",
            report=None,
            held_back=0,
        )
        self._set_aside(entry, error)
        return alert if self.keep(alert) is None else None  # kept: it comes up again, readable

    def _set_aside(self, entry: Entry, error: Exception) -> None:
        try:
            self.trouble(f"{entry.path} is damaged ({error}); set aside as {entry.set_aside()}")
        except OSError as e:
            self.trouble(f"{entry.path} is damaged ({error}) and cannot be set aside: {e.strerror}")
