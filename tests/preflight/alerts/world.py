"""A chat, a table and a spool that can fail and be killed at any step, around the real announcer and ledger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from preflight.alerts.announcer import Announcer, make_keeper
from preflight.alerts.clock import Uptime
from preflight.alerts.deliver import Deliverer
from preflight.alerts.history import AlertRow, Stored
from preflight.alerts.keep import Keeper
from preflight.alerts.message import Text
from preflight.alerts.settle import Announced
from preflight.alerts.spool import Content, Entry, Spool
from preflight.alerts.telegram_answer import Delivery
from preflight.config.settings import Settings
from preflight.model import Report
from preflight.record.ledger import Ledger


class KilledError(BaseException):
    """The process is gone, here and now."""


@dataclass
class World:
    """Everything outside the process, and where the process will be killed."""

    settings: Settings
    now: float = 1_000_000.0  # what the clock says
    true: float = 0.0  # seconds that have really gone by, which nobody can set
    chat: list[tuple[float, str]] = field(default_factory=list)  # (time, text) of what was accepted
    really: list[float] = field(default_factory=list)  # when each of those was, by `true`
    rows: dict[str, str] = field(default_factory=dict)  # alert id -> outcome
    telegram: str = "up"  # up, down, lost (accepted, but the answer does not come)
    postgres_up: bool = True
    kill_at: int = -1  # number of the step before which the process dies; -1: it lives
    steps: int = 0

    def step(self) -> None:
        """Come to a point at which a process can be killed."""
        if self.steps == self.kill_at:
            raise KilledError
        self.steps += 1

    @property
    def ledger(self) -> Ledger:
        """The ledger, as a process opens it anew."""
        return Ledger(self.settings.ledger, textfile_dir=None)

    def send(self, text: Text, *, budget: float, careful: bool = False) -> Delivery:
        """Be Telegram."""
        assert budget > 0
        assert careful in {True, False}
        self.step()
        if self.telegram == "down":
            return Delivery(accepted=False, reason="Telegram: connection refused")
        self.chat.append((self.now, text.plain))
        self.really.append(self.true)
        self.step()
        if self.telegram == "lost":
            return Delivery(accepted=False, uncertain=True, reason="Telegram: no answer")
        return Delivery(accepted=True)

    def store(self, rows: Sequence[AlertRow]) -> Stored:
        """Be Postgres."""
        self.step()
        if not self.postgres_up:
            return Stored(problem="Postgres: connection refused")
        for row in rows:
            if self.rows.get(row.alert_id) != "sent":
                self.rows[row.alert_id] = row.outcome
        self.step()
        return Stored()

    def passes(self, seconds: float) -> None:
        """Let time go by, by every clock."""
        self.now += seconds
        self.true += seconds

    def keeper(self) -> Keeper:
        """What a process keeps things with."""
        return make_keeper(self.settings, lambda _: None, KillableSpool(self.settings.spool_dir, self))

    def deliverer(self) -> Deliverer:
        """What a process makes to deliver what waits."""
        return Deliverer(
            keeper=self.keeper(), sender=self, settings=self.settings.telegram, host="h", now=lambda: self.now
        )

    def announce(self, report: Report, **given: Any) -> Announced:
        """Be a process that alerts, as a run does: keep, record, announce."""
        announcer = self.announcer(**given)
        announcer.keep(report)
        self.step()
        return announcer.announce(report)

    def announcer(self, **given: Any) -> Announcer:
        """What a process makes to alert."""
        base: dict[str, Any] = {
            "settings": self.settings,
            "ledger": self.ledger,
            "spool": KillableSpool(self.settings.spool_dir, self),
            "sender": self,
            "rows": self,
            "now": lambda: self.now,
            "uptime": lambda: Uptime("this boot", self.true),
        }
        return Announcer(**{**base, **given})

    @property
    def waiting(self) -> tuple[str, ...]:
        """Ids of the P0s in the spool, oldest first."""
        spool = Spool(self.settings.spool_dir)
        return tuple(entry.id for entry in spool.waiting(Content.P0, self.settings.env.value))


class KillableSpool(Spool):
    """A spool whose process can be killed before and after each change."""

    def __init__(self, directory: Path, world: World) -> None:
        super().__init__(directory)
        object.__setattr__(self, "world", world)

    def put(self, content: Content, env: str, id: str, text: str) -> Entry:  # noqa: A002 - as in the base class
        """Keep something, if the process lives that long."""
        step: Callable[[], None] = self.world.step  # type: ignore[attr-defined]
        step()
        entry = super().put(content, env, id, text)
        step()
        return entry

    def replace(self, entry: Entry, text: str) -> None:
        """Keep another text in its place, if the process lives that long."""
        step: Callable[[], None] = self.world.step  # type: ignore[attr-defined]
        step()
        super().replace(entry, text)
        step()
