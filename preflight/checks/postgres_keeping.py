"""Whether Postgres keeps what it has committed, and shows all of it: settings that trade this for something else."""

from __future__ import annotations

from typing import Any

from preflight.check import Context
from preflight.checks.postgres_write import quoted
from preflight.message import message
from preflight.model import Env, Outcome, Status
from preflight.servers.postgres_session import one_row

_EXPECTED = "what is committed is kept over a power cut, and damage is told"

# What holds without the transaction's own settings. A Postgres that knows no such setting has none of them.
_ASKED = """SELECT
    coalesce((SELECT string_agg(name || ' = ' || reset_val, ', ' ORDER BY name) FROM pg_settings
        WHERE (name, reset_val) IN
            (('fsync', 'off'), ('zero_damaged_pages', 'on'), ('ignore_checksum_failure', 'on'))), ''),
    coalesce((SELECT string_agg(name || ' = ' || reset_val, ', ' ORDER BY name) FROM pg_settings
        WHERE (name, reset_val) IN (('synchronous_commit', 'off'), ('full_page_writes', 'off'))), ''),
    EXISTS (SELECT FROM pg_class WHERE oid = to_regclass(%s) AND relpersistence <> 'p')"""


def judge(cursor: Any, where: str, ctx: Context) -> Outcome | None:
    """Ask for the settings, and how the bot's table of positions is kept.

    In live a FAIL is what may lose the whole database, or hide a part of it: `open_positions` would count too few. What
    may lose the last second, or is harmless on some file systems (`full_page_writes` on ZFS), is a WARN.

    Returns:
        None where nothing is in the way.

    Raises:
        psycopg2.Error: The server refuses.
    """
    table = ctx.settings.positions.table
    grave, light, forgetful = one_row(cursor, _ASKED, (quoted(table),), kinds=(str, str, bool))
    status = Status.FAIL if ctx.settings.env is Env.LIVE else Status.WARN
    if grave:
        return Outcome(
            status=status,
            summary=message("Postgres at {where} may lose or hide data: {names}", where=where, names=grave),
            hint=message("set these back in postgresql.conf (ALTER SYSTEM RESET), restart it, and check its data"),
            expected=_EXPECTED,
            actual=", ".join(filter(None, (grave, light))),
        )
    if forgetful:
        return Outcome(
            status=status,
            summary=message("Postgres at {where} empties {table} when it crashes", where=where, table=table),
            hint=message("ALTER TABLE {table} SET LOGGED", table=table),
            expected=_EXPECTED,
            actual="an unlogged or temporary table",
        )
    if light:
        return Outcome(
            status=Status.WARN,
            summary=message("Postgres at {where} may lose data in a power cut: {names}", where=where, names=light),
            hint=message(
                "set these on in postgresql.conf, and for the role and database of the bot "
                "(full_page_writes may be off where the file system writes whole pages, as ZFS does)"
            ),
            expected=_EXPECTED,
            actual=light,
        )
    return None
