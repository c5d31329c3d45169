"""Delivers what waits in the spool: messages in their order, then rows."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from preflight.alerts import message
from preflight.alerts.alert import Alert, Severity, from_json, to_json
from preflight.alerts.fields import BadAlertError
from preflight.alerts.history import Row, Stored, row_from_json
from preflight.alerts.spool import Content, Entry, Spool, SpoolBusyError
from preflight.alerts.telegram_answer import Delivery
from preflight.config.sections import Language

_ROWS_AT_ONCE = 100  # rows of one transaction: what was written stays written, however many wait behind it
_ROWS_SECONDS = 2.0  # after which no further transaction is begun: the next run goes on


class Sender(Protocol):
    """Where messages go."""

    def send(self, text: message.Text, *, budget: float, careful: bool = False) -> Delivery:
        """Send one message within `budget` seconds."""
        ...


class RowStore(Protocol):
    """Where rows go."""

    def store(self, rows: list[Row]) -> Stored:
        """Write rows."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """The P0 of this very run: its file in the spool, and what it says by now."""

    entry: Entry
    alert: Alert


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Why something still waits after a `drain`."""

    reason: str = ""  # "": nothing does
    silence: bool = False  # Telegram did not take a message: another one would meet the same


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
    late_after: float  # seconds; a message of another run that is older says that it is late
    trouble: Callable[[str], None]  # is given a sentence about each thing that goes wrong
    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    _stuck: dict[str, str] = field(default_factory=dict)  # names of files that stay, whatever is done -> why
    _homeless: list[Row] = field(default_factory=list)  # rows that could not even be spooled

    def keep(self, alert: Alert) -> Entry | None:
        """Put a message into the spool; None where that cannot be done."""
        try:
            return self.spool.put(Content.P0, self.env, alert.id, to_json(alert))
        except (OSError, ValueError) as e:
            reason = getattr(e, "strerror", None) or str(e)
            self.trouble(f"{alert.id} cannot be kept in {self.spool.directory} ({reason}); it is sent at once")
            return None

    def find(self, alert_id: str) -> Entry | None:
        """Give the message that waits under an id; None where there is none, or nobody can tell."""
        try:
            waiting = self.spool.waiting(Content.P0, self.env)
        except OSError:
            return None
        return next((entry for entry in waiting if entry.id == alert_id), None)

    def drain(self, budget: float, accepted: Callable[[Entry, Alert], None], *, own: Own | None = None) -> Stop:
        """Send what waits, oldest first, until all is sent, one is not accepted, or the time is up.

        Args:
            budget: Seconds.
            accepted: Is told of each at once, so that whoever is interrupted later knows of it.
            own: The message of this very run. Its text is brought up to date first, unless another run sent it.
        """
        end = self.monotonic() + budget
        try:
            if not self.spool.waiting(Content.P0, self.env):
                return Stop()
            with self.spool.delivering(self.env, budget):
                if own is not None:
                    self._renew(own)
                return self._drain(end, budget, accepted, own)
        except SpoolBusyError as e:
            return Stop(reason=str(e))
        except OSError as e:
            return Stop(reason=f"the spool {self.spool.directory} cannot be used: {e.strerror}")

    def _drain(self, end: float, budget: float, accepted: Callable[[Entry, Alert], None], own: Own | None) -> Stop:
        while entry := self._next():
            left = end - self.monotonic()
            if left <= 0:
                return Stop(reason=f"the time for sending was up ({budget:g} s)")
            read = self._read(entry, own)
            if read is None:
                continue
            alert, text = read
            delivery = self.sender.send(text, budget=left)
            if not delivery.accepted:
                return Stop(reason=delivery.reason, silence=True)
            # The row first: whoever dies here leaves a message that is sent twice, not a row that is missing.
            self.keep_row(row_of(alert, "sent", self.lang))
            accepted(entry, alert)
            try:
                entry.delete()
            except OSError as e:
                self._stuck[entry.path.name] = (
                    f"{entry.path} was accepted, but cannot be removed ({e.strerror}): it comes again"
                )
        return Stop(reason="; ".join(self._stuck.values()))

    def keep_row(self, row: Row) -> None:
        """Put a row into the spool; what cannot be kept there is written at the next `store_rows` of this process."""
        try:
            self.spool.put(Content.ROW, self.env, row.alert_id, row.to_json())
        except (OSError, ValueError):
            self._homeless.append(row)

    def store_rows(self) -> str | None:
        """Write the rows that wait, oldest first; give why that could not be done, or None."""
        try:
            waiting = self.spool.waiting(Content.ROW, self.env)
        except OSError as e:
            waiting = ()
            self.trouble(f"the spool {self.spool.directory} cannot be read: {e.strerror}")
        end = self.monotonic() + _ROWS_SECONDS
        problem = self._store_homeless()
        for first in range(0, len(waiting), _ROWS_AT_ONCE):
            if problem is not None or self.monotonic() >= end:
                break
            problem = self._store(waiting[first : first + _ROWS_AT_ONCE])
        return problem

    def _store_homeless(self) -> str | None:
        if not self._homeless:
            return None
        stored = self.rows.store(self._homeless)
        if stored.problem is None:
            for alert_id, why in stored.refused.items():
                self.trouble(f"the row of {alert_id} is lost: it could not be kept, and {why}")
            self._homeless.clear()
        return stored.problem

    def _store(self, entries: tuple[Entry, ...]) -> str | None:
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
        if not rows:
            return None
        stored = self.rows.store(rows)
        if stored.problem is not None:
            return stored.problem
        for entry, row in zip(readable, rows, strict=True):
            if row.alert_id in stored.refused:
                self._set_aside(entry, stored.refused[row.alert_id])
                continue
            try:
                entry.delete()
            except OSError as e:
                return f"{entry.path} is in Postgres, but cannot be removed ({e.strerror}): it is written again"
        return None

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

    def _renew(self, own: Own) -> None:
        """Write what the run says by now over what it had reserved, in the same place of the queue."""
        text = to_json(own.alert)
        try:
            if own.entry.waits() and own.entry.read() != text:
                self.spool.replace(own.entry, text)
        except (OSError, UnicodeDecodeError) as e:
            reason = getattr(e, "strerror", None) or str(e)
            self.trouble(f"{own.entry.path} cannot be brought up to date ({reason}); its older text is sent")

    def _next(self) -> Entry | None:
        waiting = self.spool.waiting(Content.P0, self.env)
        return next((entry for entry in waiting if entry.path.name not in self._stuck), None)

    def _read(self, entry: Entry, own: Own | None) -> tuple[Alert, message.Text] | None:
        """Give an alert as it is sent; None where it is not there, or something else comes in its place."""
        try:
            alert = from_json(entry.read())
            return alert, message.render(alert, self.lang, late=self._late(entry, alert, own))
        except FileNotFoundError:
            return None
        except OSError as e:
            self._stuck[entry.path.name] = f"{entry.path} cannot be read ({e.strerror})"
            self.trouble(f"{self._stuck[entry.path.name]}; it stays there, the others are sent")
            return None
        except Exception as e:  # noqa: BLE001 - whatever it holds, it must not keep the others from being sent
            return self._replacement(entry, e)

    def _late(self, entry: Entry, alert: Alert, own: Own | None) -> bool:
        """Tell whether a message comes later than its own run would have sent it."""
        mine = own is not None and entry.path == own.entry.path
        return not mine and not 0 <= self.now() - alert.at <= self.late_after

    def _replacement(self, entry: Entry, error: Exception) -> tuple[Alert, message.Text] | None:
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
        if not self._set_aside(entry, error):
            self._stuck[entry.path.name] = f"{entry.path} is damaged and cannot be set aside"
            return None
        try:
            self.spool.replace(entry, to_json(alert))
        except OSError as e:
            self.trouble(f"{alert.id} cannot be kept in {self.spool.directory} ({e.strerror}); it is sent at once")
            return alert, message.render(alert, self.lang)
        return None  # it comes up again, readable

    def _set_aside(self, entry: Entry, why: Exception | str) -> bool:
        try:
            self.trouble(f"{entry.path} is damaged ({why}); set aside as {entry.set_aside()}")
        except OSError as e:
            self.trouble(f"{entry.path} is damaged ({why}) and cannot be set aside: {e.strerror}")
            return False
        return True
