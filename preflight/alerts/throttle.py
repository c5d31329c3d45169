"""The throttle in the ledger: what was last said when, and how many alerts were held back since.

A claim marks its fingerprints as said *before* anything is sent, in the same transaction that looked at them: two
processes with the same warning cannot both send it, and a process that dies between claiming and sending costs one
window of silence at most. What was certainly not accepted is given back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from preflight.alerts.clock import Moment, Uptime, is_open
from preflight.record.ledger import Ledger

if TYPE_CHECKING:
    import sqlite3


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrottleClaim:
    """The right to say some things, and what to give back if they were not accepted."""

    env: str
    moment: Moment  # of the claim
    open: tuple[str, ...]  # fingerprints that may be said now
    before: Mapping[str, Moment | None]  # of those: when each was last accepted
    held_back: int  # alerts of this env that were held back since one was last accepted


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttle:
    """The throttle of one env. Each method is one transaction of the ledger, and raises what `Ledger.transact` raises.

    It changes no metric, so that it leaves the `.prom` alone.
    """

    ledger: Ledger
    env: str
    now: Callable[[], Moment]  # asked while the ledger is locked, so that processes see one order of times

    def claim(self, fingerprints: Sequence[str], *, window: float, count: bool = True) -> ThrottleClaim:
        """Take the right to say what was not said within `window` seconds; it counts as said from now on.

        Args:
            fingerprints: What is to be said.
            window: Seconds.
            count: Whether to note what is held back.
        """
        return self.ledger.transact(
            self.env, lambda db: _claim(db, self.env, fingerprints, now=self.now(), window=window, count=count)
        )

    def accept(self, claim: ThrottleClaim) -> None:
        """Note that what was claimed has been accepted."""
        self.ledger.transact(self.env, lambda db: _accept(db, claim, now=self.now()))

    def release(self, claim: ThrottleClaim) -> None:
        """Give back what was claimed and was certainly not accepted."""
        self.ledger.transact(self.env, lambda db: _release(db, claim))

    def held_back(self) -> int:
        """Count the P1 alerts that were held back and not told since."""
        return self.ledger.transact(self.env, lambda db: _held_back(db, self.env))


def _claim(
    db: sqlite3.Connection, env: str, fingerprints: Sequence[str], *, now: Moment, window: float, count: bool
) -> ThrottleClaim:
    """Take the fingerprints that may be said now; with `count`, note an alert that has none left to say."""
    before: dict[str, Moment | None] = {}
    for fingerprint in dict.fromkeys(fingerprints):
        row = db.execute(
            "SELECT at, boot, up FROM throttle WHERE env = ? AND fingerprint = ?", (env, fingerprint)
        ).fetchone()
        last = None if row is None else Moment(at=float(row[0]), uptime=Uptime(str(row[1]), float(row[2])))
        if is_open(last, now, window):
            _said(db, env, fingerprint, now)
            before[fingerprint] = last
    if count and not before:
        db.execute(
            "INSERT INTO held_back VALUES (?, 1) ON CONFLICT (env) DO UPDATE SET alerts = alerts + 1",
            (env,),
        )
    return ThrottleClaim(env=env, moment=now, open=tuple(before), before=before, held_back=_held_back(db, env))


def _accept(db: sqlite3.Connection, taken: ThrottleClaim, *, now: Moment) -> None:
    """Note that what was claimed has been accepted: the window begins now, and what was held back has been told."""
    for fingerprint in taken.open:
        _said(db, taken.env, fingerprint, now)
    db.execute("UPDATE held_back SET alerts = max(0, alerts - ?) WHERE env = ?", (taken.held_back, taken.env))


def _release(db: sqlite3.Connection, taken: ThrottleClaim) -> None:
    """Give back what was claimed and certainly not accepted, unless somebody claimed it since."""
    for fingerprint, last in taken.before.items():
        key = (taken.env, fingerprint)
        row = db.execute("SELECT at, boot, up FROM throttle WHERE env = ? AND fingerprint = ?", key).fetchone()
        if row != _columns(taken.moment):
            continue
        if last is None:
            db.execute("DELETE FROM throttle WHERE env = ? AND fingerprint = ?", key)
        else:
            _said(db, taken.env, fingerprint, last)


def _held_back(db: sqlite3.Connection, env: str) -> int:
    """Count the alerts of an env that were held back since one was last accepted."""
    row = db.execute("SELECT alerts FROM held_back WHERE env = ?", (env,)).fetchone()
    return 0 if row is None else int(row[0])


def _said(db: sqlite3.Connection, env: str, fingerprint: str, when: Moment) -> None:
    db.execute(
        "INSERT OR REPLACE INTO throttle (env, fingerprint, at, boot, up) VALUES (?, ?, ?, ?, ?)",
        (env, fingerprint, *_columns(when)),
    )


def _columns(moment: Moment) -> tuple[float, str, float]:
    return moment.at, moment.uptime.boot, moment.uptime.seconds
