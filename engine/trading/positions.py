"""Paper positions in Postgres."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import psycopg2

from engine.database import Database
from engine.errors import DependencyDown
from engine.schema import migrate
from engine.trading.portfolio import Books, Position, utc_day

__all__ = ["PositionStore", "PostgresPositions"]

_OPEN = """
SELECT id, symbol, direction, quantity::float8, notional_krw::float8,
       extract(epoch FROM opened_at)::float8, entry_spread_bps
FROM paper_positions WHERE env = %s AND status = 'open' ORDER BY id
"""
_REALIZED = """
SELECT coalesce(sum(pnl_krw), 0)::float8,
       coalesce(sum(pnl_krw) FILTER (WHERE closed_at >= to_timestamp(%s)), 0)::float8
FROM paper_positions WHERE env = %s AND status = 'closed'
"""
_INSERT = """
INSERT INTO paper_positions (env, symbol, direction, quantity, notional_krw, opened_at, entry_spread_bps)
VALUES (%s, %s, %s, %s, %s, to_timestamp(%s), %s)
ON CONFLICT DO NOTHING RETURNING id
"""
_UPDATE = """
UPDATE paper_positions
SET status = 'closed', closed_at = to_timestamp(%s), exit_spread_bps = %s, pnl_krw = %s
WHERE id = %s AND status = 'open' RETURNING id
"""


class PositionStore(Protocol):
    """Where positions outlive the engine. Every method raises DependencyDown if the store does not do it."""

    @property
    def connected(self) -> bool:
        """Whether :meth:`connect` has been done and nothing went wrong since."""
        ...

    def connect(self, now: float) -> Books:
        """Connect, bring the tables up to date, and return what they hold at Unix second ``now``."""
        ...

    def open_positions(self) -> tuple[Position, ...]:
        """Return the open positions; also the question that shows whether the store still answers."""
        ...

    def books(self, now: float) -> Books:
        """Return open positions and profit at Unix second ``now``."""
        ...

    def open(self, position: Position) -> Position | None:
        """Store an opening; return it with its id, or None if another engine holds the symbol."""
        ...

    def close_position(self, position: Position, *, now: float, exit_spread_bps: float, pnl_krw: float) -> bool:
        """Store a close; return False if another engine was faster."""
        ...

    def close(self) -> None:
        """Give back the connection."""
        ...


@contextmanager
def _refusals_are_down(database: Database) -> Iterator[None]:
    try:
        yield
    except psycopg2.Error as error:
        message = f"{database.where}: {error.pgcode}: {' '.join(str(error).split())}"
        raise DependencyDown(message) from error


class PostgresPositions:
    """The table ``paper_positions``, seen by one mode.

    Args:
        database: the connection.
        mode: written to and read from the column ``env``.
    """

    def __init__(self, database: Database, mode: str) -> None:
        self._database = database
        self._mode = mode

    @property
    def connected(self) -> bool:
        """Whether there is a connection that worked when last used."""
        return self._database.connected

    def connect(self, now: float) -> Books:
        """Connect, migrate, read.

        Raises:
            DependencyDown: if Postgres cannot be asked.
            MigrationError: if the tables cannot be brought up to date.
        """
        self._database.connect()
        migrate(self._database)
        return self.books(now)

    def open_positions(self) -> tuple[Position, ...]:
        """Return the open positions, oldest first."""
        with _refusals_are_down(self._database):
            rows = self._database.query(_OPEN, (self._mode,))
        return tuple(
            Position(
                id=row[0],
                symbol=row[1],
                direction=row[2],
                quantity=row[3],
                notional_krw=row[4],
                opened_at=row[5],
                entry_spread_bps=row[6],
            )
            for row in rows
        )

    def books(self, now: float) -> Books:
        """Return open positions and profit at Unix second ``now``."""
        positions = self.open_positions()
        with _refusals_are_down(self._database):
            ((total, today),) = self._database.query(_REALIZED, (utc_day(now) * 86_400, self._mode))
        return Books(open=positions, realized_krw=total, realized_today_krw=today)

    def open(self, position: Position) -> Position | None:
        """Insert one open position."""
        values = (
            self._mode,
            position.symbol,
            position.direction,
            position.quantity,
            position.notional_krw,
            position.opened_at,
            position.entry_spread_bps,
        )
        with _refusals_are_down(self._database):
            rows = self._database.query(_INSERT, values)
        if not rows:
            return None
        return Position(
            id=rows[0][0],
            symbol=position.symbol,
            direction=position.direction,
            quantity=position.quantity,
            notional_krw=position.notional_krw,
            opened_at=position.opened_at,
            entry_spread_bps=position.entry_spread_bps,
        )

    def close_position(self, position: Position, *, now: float, exit_spread_bps: float, pnl_krw: float) -> bool:
        """Complete one open position."""
        with _refusals_are_down(self._database):
            return bool(self._database.query(_UPDATE, (now, exit_spread_bps, pnl_krw, position.id)))

    def close(self) -> None:
        """Drop the connection."""
        self._database.close()
