"""Whether the role may write where the bot writes, tried as far as it can be without leaving anything behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from preflight.servers.postgres_session import one_row

PROBE = "arbitrage_preflight_probe"  # made by `preflight db migrate`

# NULL where there is no such table. Reading back takes the right to read.
_RIGHTS = """SELECT has_any_column_privilege(to_regclass(%s), 'INSERT'),
    has_table_privilege(to_regclass(%s), 'INSERT') AND has_table_privilege(to_regclass(%s), 'SELECT')"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What came of it."""

    kept: Any = None  # what was read back
    denied: str = ""  # the table that the role may not write to
    tried: bool = True  # False: the role has the right, and there is no table to try it on


def try_write(cursor: Any, value: str, table: str) -> Written:
    """Write a row and read it back, in a transaction that the caller rolls back.

    The place is the table that `preflight db migrate` makes. A role that may not write there has to have the right to
    write to the bot's own table; where there is neither of the two, one is made.

    Args:
        cursor: In a transaction.
        value: To be written.
        table: The bot's, perhaps with its schema.

    Raises:
        psycopg2.Error: The server refuses.
    """
    bots, probe = one_row(cursor, _RIGHTS, (quoted(table), PROBE, PROBE), kinds=(bool | None, bool | None))
    if not probe and bots:
        cursor.execute("SELECT txid_current()")  # what takes no writes at all gives no number
        return Written(kept=value, tried=False)
    if not probe and False in {bots, probe}:
        return Written(denied=table if bots is False else PROBE)
    if probe is None:
        cursor.execute(f"CREATE TABLE {PROBE} (run_id text PRIMARY KEY)")
    cursor.execute(f"INSERT INTO {PROBE} VALUES (%s)", (value,))  # noqa: S608 - a name of this file
    # One row in any case: NULL where a rule or a trigger swallowed or changed what was written.
    query = f"SELECT run_id FROM (SELECT max(run_id) AS run_id FROM {PROBE} WHERE run_id = %s) AS kept"  # noqa: S608
    (kept,) = one_row(cursor, query, (value,), kinds=(str | None,))
    return Written(kept=kept)


def quoted(table: str) -> str:
    """Spell a table for `to_regclass`, which else takes capitals for small letters."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in table.split("."))
