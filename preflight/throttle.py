"""The throttle in the ledger: what was last said when, and how often it was held back since.

A claim marks its fingerprints as said *before* anything is sent, in the same transaction that looked at them: two
processes with the same warning cannot both send it, and a process that dies between claiming and sending costs one
window of silence at most. What was certainly not accepted is given back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from preflight.alerts.policy import is_open

if TYPE_CHECKING:
    import sqlite3


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to say some things, and what to give back if they were not accepted."""

    env: str
    at: float  # Unix seconds of the claim
    open: tuple[str, ...]  # fingerprints that may be said now
    before: Mapping[str, float | None]  # of those: when each was last accepted
    held_back: Mapping[str, int]  # of those: how often each was held back since


def claim(
    db: sqlite3.Connection, env: str, fingerprints: Sequence[str], *, now: float, window: float, count: bool
) -> Claim:
    """Take the fingerprints that may be said now; with `count`, note that the others were held back."""
    before: dict[str, float | None] = {}
    held_back: dict[str, int] = {}
    for fingerprint in dict.fromkeys(fingerprints):
        key = (env, fingerprint)
        row = db.execute("SELECT at, held_back FROM throttle WHERE env = ? AND fingerprint = ?", key).fetchone()
        last, held = (None, 0) if row is None else (float(row[0]), int(row[1]))
        if is_open(last, now, window):
            db.execute("INSERT OR REPLACE INTO throttle VALUES (?, ?, ?, ?)", (*key, now, held))
            before[fingerprint], held_back[fingerprint] = last, held
        elif count:
            db.execute("UPDATE throttle SET held_back = held_back + 1 WHERE env = ? AND fingerprint = ?", key)
    return Claim(env=env, at=now, open=tuple(before), before=before, held_back=held_back)


def accept(db: sqlite3.Connection, taken: Claim, *, now: float) -> None:
    """Note that what was claimed has been accepted: the window begins now, and what was held back has been told."""
    for fingerprint, told in taken.held_back.items():
        db.execute(
            "UPDATE throttle SET at = ?, held_back = max(0, held_back - ?) WHERE env = ? AND fingerprint = ?",
            (now, told, taken.env, fingerprint),
        )


def release(db: sqlite3.Connection, taken: Claim) -> None:
    """Give back what was claimed and certainly not accepted, unless somebody claimed it since."""
    for fingerprint, last in taken.before.items():
        key = (taken.env, fingerprint, taken.at)
        if last is None:
            db.execute("DELETE FROM throttle WHERE env = ? AND fingerprint = ? AND at = ?", key)
        else:
            db.execute("UPDATE throttle SET at = ? WHERE env = ? AND fingerprint = ? AND at = ?", (last, *key))


def held_back(db: sqlite3.Connection, env: str) -> int:
    """Count what was held back in an env since it was last told."""
    return int(db.execute("SELECT coalesce(sum(held_back), 0) FROM throttle WHERE env = ?", (env,)).fetchone()[0])
