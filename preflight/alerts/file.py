"""Step 4, file: the rows that wait go into Postgres, oldest first; for a P2 or P3 that is all there is to deliver."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from preflight.alerts.account import Account
from preflight.alerts.alert import Severity
from preflight.alerts.decide import Decided
from preflight.alerts.documents import BadDocumentError
from preflight.alerts.history import AlertRow, Stored, row_from_json
from preflight.alerts.keep import Keeper
from preflight.alerts.spool import Content, Entry
from preflight.message import message
from preflight.model import Report, Status

_ROWS_AT_ONCE = 100  # rows of one transaction: what was written stays written, however many wait behind it
_ROWS_SECONDS = 2.0  # after which no further transaction is begun: the next run goes on
_ROW_WAS_SKIPPED = message("the postgres check of this run did not pass; the row waits")


class RowStore(Protocol):
    """Where rows go."""

    def store(self, rows: list[AlertRow]) -> Stored:
        """Write rows."""
        ...


@dataclass(slots=True, kw_only=True)
class Filer:
    """The rows of one env that wait, and where they go."""

    keeper: Keeper
    rows: RowStore
    monotonic: Callable[[], float] = time.monotonic

    def file(self, decided: Decided, report: Report, account: Account) -> bool:
        """Write the rows that wait; for a P2 or P3 note what became of it. False: its row is lost.

        Where Postgres has just been found out of order, not even that is tried.
        """
        alert = decided.alert
        quiet = alert.severity in {Severity.P2, Severity.P3} and not decided.held_back
        if quiet:
            self.keeper.keep_row(alert, "sent")
        known = {result.id: result.status for result in report.results}
        if known.get("postgres", Status.PASS) not in {Status.PASS, Status.WARN} and not self.keeper.homeless:
            problem: str | None = _ROW_WAS_SKIPPED
        else:
            problem = self.store_rows()
            if problem is not None:
                account.trouble(problem)
        if decided.held_back:
            account.note(
                alert, "throttled", message("told within the last {seconds:g} s", seconds=decided.window or 0.0)
            )
        if not quiet:
            return True
        # Rows of earlier runs are written first: without a problem this one may wait too.
        state = self.keeper.row_state(alert.id)
        outcome = "sent" if state == "stored" else state
        account.note(alert, outcome, problem or "")
        return outcome != "failed"

    def store_rows(self) -> str | None:
        """Write the rows that wait, oldest first; return why that could not be done, or None."""
        spool = self.keeper.spool
        try:
            waiting = spool.waiting(Content.ROW, self.keeper.env)
        except OSError as e:
            waiting = ()
            self.keeper.trouble(
                message(
                    "the spool {directory} cannot be read: {strerror}", directory=spool.directory, strerror=e.strerror
                )
            )
        end = self.monotonic() + _ROWS_SECONDS
        problem = self._store_homeless()
        for first in range(0, len(waiting), _ROWS_AT_ONCE):
            if problem is not None or self.monotonic() >= end:
                break
            problem = self._store(waiting[first : first + _ROWS_AT_ONCE])
        return problem

    def _store_homeless(self) -> str | None:
        homeless = self.keeper.homeless
        if not homeless:
            return None
        stored = self.rows.store(homeless)
        if stored.problem is None:
            for alert_id, why in stored.refused.items():
                self.keeper.trouble(
                    message(
                        "the row of {alert_id} is lost: it could not be kept, and {why}", alert_id=alert_id, why=why
                    )
                )
            homeless.clear()
        return stored.problem

    def _store(self, entries: tuple[Entry, ...]) -> str | None:
        rows: list[AlertRow] = []
        readable: list[Entry] = []
        for entry in entries:
            try:
                rows.append(row_from_json(entry.read()))
                readable.append(entry)
            except FileNotFoundError:
                continue  # another process has written it
            except (OSError, UnicodeDecodeError, BadDocumentError) as e:
                self.keeper.set_aside(entry, e)
        if not rows:
            return None
        stored = self.rows.store(rows)
        if stored.problem is not None:
            return stored.problem
        for entry, row in zip(readable, rows, strict=True):
            if row.alert_id in stored.refused:
                self.keeper.set_aside(entry, stored.refused[row.alert_id])
                continue
            try:
                entry.delete()
            except OSError as e:
                return message(
                    "{path} is in Postgres, but cannot be removed ({strerror}): it is written again",
                    path=entry.path,
                    strerror=e.strerror,
                )
        return None
