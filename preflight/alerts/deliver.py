"""Step 3, deliver: what waits goes to Telegram in its order, and what the run itself has to say after it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from preflight.alerts.account import Account
from preflight.alerts.alert import Alert, Severity, from_json, to_json
from preflight.alerts.decide import Decided
from preflight.alerts.keep import Keeper, kept_without_chat
from preflight.alerts.message import Text, render
from preflight.alerts.spool import Content, Entry, SpoolBusyError
from preflight.alerts.telegram_answer import Delivery
from preflight.config.sections import TelegramSection
from preflight.message import message


class Sender(Protocol):
    """Where messages go."""

    def send(self, text: Text, *, budget: float, careful: bool = False) -> Delivery:
        """Send one message within `budget` seconds."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What became of the run's own message."""

    accepted: bool = False  # Telegram took it, or may have: it counts as said


@dataclass(slots=True, kw_only=True)
class Deliverer:
    """The messages of one env that wait, and where they go."""

    keeper: Keeper
    sender: Sender
    settings: TelegramSection
    host: str
    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    _stuck: dict[str, str] = field(default_factory=dict)  # names of files that stay, whatever is done -> why

    def deliver(self, decided: Decided, entry: Entry | None, account: Account) -> Delivered:
        """Send what waits and, if it is a message, what the run has decided to say; note what became of each.

        Args:
            decided: What the run says.
            entry: Its file in the spool; None for what is no P0, and for a P0 that could not be kept.
            account: Where it is noted.
        """
        alert = decided.alert
        if alert.severity is Severity.P0 and entry is not None:
            stop = self._send_waiting(self.settings.deadline, account, own=Own(entry=entry, alert=alert))
            if not account.holds(alert):
                self.leave(alert, entry, stop.reason, account)
            return Delivered()
        if alert.severity is Severity.P0:
            self._send_unkept(alert, account)
        stop = self._send_waiting(self.settings.timeout, account)
        if alert.severity is Severity.P1 and not decided.held_back:
            return self._send_warning(alert, stop, account)
        return Delivered()

    def leave(self, alert: Alert, entry: Entry | None, reason: str, account: Account) -> None:
        """Note where a P0 is that this run did not send: with another run, in the spool, or nowhere."""
        if entry is None:
            outcome, where = "failed", message("is lost: it could be neither kept nor sent")
        elif entry.waits():
            outcome, where = "spooled", message("is not delivered and waits in {path}", path=entry.path)
        else:  # another run had the spool, and counts it as its own
            account.note(alert, "sent", message("another run sent it"), counted=False)
            return
        account.note(alert, outcome, reason)
        account.trouble(message("{id} {where}: {reason}", id=alert.id, where=where, reason=reason))
        self.keeper.keep_row(alert, outcome)

    def _send_waiting(self, budget: float, account: Account, *, own: Own | None = None) -> Stop:
        """Send what waits; note each that was accepted, and why something still waits."""

        def accepted(entry: Entry, alert: Alert) -> None:
            account.note(alert, "sent", "", replayed=own is None or entry.path != own.entry.path)

        stop = self.drain(budget, accepted, own=own)
        # Where the own P0 waits too, the reason is told with it.
        if stop.reason and (own is None or account.holds(own.alert)):
            sentence = message(
                "something still waits in {directory}: {reason}",
                directory=self.keeper.spool.directory,
                reason=stop.reason,
            )
            if stop.silence:
                account.refused(sentence, configured=self.settings.configured)
            else:
                account.trouble(sentence)
        return stop

    def _send_unkept(self, alert: Alert, account: Account) -> None:
        """Send a P0 that the spool does not take."""
        delivery = self.sender.send(render(alert, self.keeper.lang), budget=self.settings.deadline)
        outcome = "sent" if delivery.accepted else "failed"
        account.note(alert, outcome, delivery.reason)
        if not delivery.accepted:
            account.trouble(
                message(
                    "{id} is lost: it could be neither kept nor sent: {reason}", id=alert.id, reason=delivery.reason
                )
            )
        self.keeper.keep_row(alert, outcome)

    def _send_warning(self, alert: Alert, stop: Stop, account: Account) -> Delivered:
        """Send a P1, once."""
        delivery = Delivery(accepted=False, reason=stop.reason)
        if not stop.silence:  # else this one would meet the same, and the run would wait for it twice
            text = render(alert, self.keeper.lang)
            delivery = self.sender.send(text, budget=self.settings.timeout, careful=True)
        outcome = "sent" if delivery.accepted else "failed"
        self.keeper.keep_row(alert, outcome)
        account.note(alert, outcome, delivery.reason)
        if not delivery.accepted:
            account.refused(
                message("{id} was not sent: {reason}", id=alert.id, reason=delivery.reason),
                configured=self.settings.configured,
            )
        return Delivered(accepted=delivery.accepted or delivery.uncertain)

    def drain(self, budget: float, accepted: Callable[[Entry, Alert], None], *, own: Own | None = None) -> Stop:
        """Send what waits, oldest first, until all is sent, one is not accepted, or the time is up.

        Args:
            budget: Seconds.
            accepted: Is told of each at once, so that it is known if the process is interrupted later.
            own: The message of this very run. Its text is brought up to date first, unless another run sent it.
        """
        end = self.monotonic() + budget
        spool, env = self.keeper.spool, self.keeper.env
        try:
            if not spool.waiting(Content.P0, env):
                return Stop()
            with spool.delivering(env, budget):
                if own is not None:
                    self.keeper.renew(own.entry, own.alert)
                return self._drain(end, budget, accepted, own)
        except SpoolBusyError as e:
            return Stop(reason=str(e))
        except OSError as e:
            return Stop(
                reason=message(
                    "the spool {directory} cannot be used: {strerror}", directory=spool.directory, strerror=e.strerror
                )
            )

    def _drain(self, end: float, budget: float, accepted: Callable[[Entry, Alert], None], own: Own | None) -> Stop:
        while entry := self._next():
            left = end - self.monotonic()
            if left <= 0:
                return Stop(reason=message("the time for sending was up ({budget:g} s)", budget=budget))
            read = self._read(entry, own)
            if read is None:
                continue
            alert, text = read
            delivery = self.sender.send(text, budget=left)
            if not delivery.accepted:
                self._forget()
                return Stop(reason=delivery.reason, silence=True)
            # The row first: a process that dies here leaves a message that is sent twice, not a row that is missing.
            self.keeper.keep_row(alert, "sent")
            accepted(entry, alert)
            try:
                entry.delete()
            except OSError as e:
                self._stuck[entry.path.name] = message(
                    "{path} was accepted, but cannot be removed ({strerror}): it comes again",
                    path=entry.path,
                    strerror=e.strerror,
                )
        return Stop(reason="; ".join(self._stuck.values()))

    def _forget(self) -> None:
        """Where there is no Telegram, let no heap of messages grow for a chat that never comes."""
        if self.settings.configured:
            return
        if dropped := self.keeper.forget(self.now()):
            self.keeper.trouble(
                message("{count} older messages are dropped. {kept}", count=dropped, kept=kept_without_chat())
            )

    def _next(self) -> Entry | None:
        waiting = self.keeper.spool.waiting(Content.P0, self.keeper.env)
        return next((entry for entry in waiting if entry.path.name not in self._stuck), None)

    def _read(self, entry: Entry, own: Own | None) -> tuple[Alert, Text] | None:
        """Return an alert as it is sent; None where it is not there, or something else comes in its place."""
        try:
            alert = from_json(entry.read())
            return alert, render(alert, self.keeper.lang, late=self._late(entry, alert, own))
        except FileNotFoundError:
            return None
        except OSError as e:
            self._stuck[entry.path.name] = message(
                "{path} cannot be read ({strerror})", path=entry.path, strerror=e.strerror
            )
            self.keeper.trouble(
                message("{stuck}; it stays there, the others are sent", stuck=self._stuck[entry.path.name])
            )
            return None
        except Exception as e:  # noqa: BLE001 - whatever it holds, it must not keep the others from being sent
            return self._replacement(entry, e)

    def _late(self, entry: Entry, alert: Alert, own: Own | None) -> bool:
        """Tell whether a message comes later than its own run would have sent it."""
        mine = own is not None and entry.path == own.entry.path
        return not mine and not 0 <= self.now() - alert.at <= self.settings.deadline

    def _replacement(self, entry: Entry, error: Exception) -> tuple[Alert, Text] | None:
        """Say that there was an alert that cannot be read any more: its file stays, its place is taken by this."""
        alert = Alert(
            id=entry.id,
            severity=Severity.P0,
            env=self.keeper.env,
            host=self.host,
            run_id=entry.id.removesuffix(f"-{Severity.P0}"),
            at=self.now(),
            verdict="UNVERIFIED",
            findings=(),
            reasons=(
                message("an alert that was waiting in {path} is damaged; see the report of that run", path=entry.path),
            ),
            fingerprint=f"{self.keeper.env}/damaged",
            report=None,
            held_back=0,
        )
        if not self.keeper.set_aside(entry, error):
            self._stuck[entry.path.name] = message("{path} is damaged and cannot be set aside", path=entry.path)
            return None
        try:
            self.keeper.spool.replace(entry, to_json(alert))
        except OSError as e:
            self.keeper.trouble(
                message(
                    "{id} cannot be kept in {directory} ({strerror}); it is sent at once",
                    id=alert.id,
                    directory=self.keeper.spool.directory,
                    strerror=e.strerror,
                )
            )
            return alert, render(alert, self.keeper.lang)
        return None  # it comes up again, readable
