"""open_positions: no position is open, as far as the bot's own table tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from preflight.check import Context
from preflight.config.sections import PositionPolicy, PositionsSection
from preflight.memory import bounded_memory
from preflight.message import OR, Message, joined, message
from preflight.model import Env, Outcome, Status
from preflight.servers.postgres_session import one_row, said, transaction

_EXPECTED = "no open position"

_CONDITION = message("set PREFLIGHT_POSITIONS__OPEN_WHEN to a condition that only reads, such as closed_at IS NULL")

# SQLSTATE -> meaning, next step; https://www.postgresql.org/docs/current/errcodes-appendix.html
_STATES = {
    "42P01": (
        message("there is no such table"),
        message("set PREFLIGHT_POSITIONS__TABLE (schema.table, as it is spelled there)"),
    ),
    "3F000": (
        message("there is no such schema"),
        message("set PREFLIGHT_POSITIONS__TABLE (schema.table, as it is spelled there)"),
    ),
    "42703": (
        message("it has no such status column"),
        message("set PREFLIGHT_POSITIONS__STATUS_COLUMN to a column of that table"),
    ),
    "42501": (
        message("this role may not read it"),
        message("GRANT SELECT ON the table TO the role that preflight connects as"),
    ),
    "42601": (message("PREFLIGHT_POSITIONS__OPEN_WHEN is not an SQL condition"), _CONDITION),
    "42804": (message("PREFLIGHT_POSITIONS__OPEN_WHEN is not an SQL condition"), _CONDITION),
    "25006": (message("PREFLIGHT_POSITIONS__OPEN_WHEN would write"), _CONDITION),
    "57014": (message("it did not answer in time"), message("look at pg_stat_activity for locks and long queries")),
}


@dataclass(frozen=True, slots=True)
class OpenPositionsCheck:
    """Counts the open rows of the bot's table of positions; what one means is the policy's to say."""

    id: str = "open_positions"
    proves: str = message(
        "the bot's table of positions is the right one and has no open position (or the policy allows it)"
    )
    requires: tuple[str, ...] = ("postgres",)
    timeout: float = 5.0
    network: bool = True
    imports: tuple[str, ...] = ("psycopg2",)

    def run(self, ctx: Context) -> Outcome:
        """Count, and judge the count by the policy."""
        positions = ctx.settings.positions
        if ctx.settings.env is Env.LIVE and "paper" in positions.table.lower():
            return Outcome(
                status=Status.FAIL,
                summary=message(
                    "a live run looks at {table}, which is a table of paper positions", table=positions.table
                ),
                hint=message("set PREFLIGHT_POSITIONS__TABLE to the table of the live bot"),
                expected="a table of live positions",
                actual=positions.table,
            )
        import psycopg2 as library  # noqa: PLC0415 - 44 ms that only this check's process should pay

        try:
            with bounded_memory():
                connection = ctx.open_postgres(ctx.settings)
            try:
                with bounded_memory():
                    found = _count(connection, ctx)
            finally:
                connection.close()
        except (library.Error, UnicodeError) as e:
            return _untold(ctx, e)
        return _judge(ctx, found)


class _Found(NamedTuple):
    """What stands in the table."""

    opened: int  # rows
    without: int  # rows that have no status at all
    unknown: list[str] | None  # some statuses that are neither open nor closed; None where there is none


def _count(connection: Any, ctx: Context) -> _Found:
    from psycopg2 import sql  # noqa: PLC0415

    positions = ctx.settings.positions
    seconds = ctx.settings.postgres.timeout
    if positions.open_when is not None:
        # In brackets on lines of their own, so that neither an OR nor a comment in it reaches beyond.
        condition = sql.SQL("(\n") + sql.SQL(positions.open_when) + sql.SQL("\n)")
        query = sql.SQL("SELECT count(*) FILTER (WHERE {0}), count(*) FILTER (WHERE {0} IS NULL) FROM {1}").format(
            condition, sql.Identifier(*positions.table.split("."))
        )
        with transaction(connection, seconds=seconds, row_security="off", transaction_read_only="on") as cursor:
            # Without values: a % in it is the user's own.
            opened, unclear = one_row(cursor, query, None, kinds=(int, int))
        return _Found(opened, unclear, None)
    # As text and in lower case: a column may be an enum, and `OPEN` beside `open` must not count as none.
    query = sql.SQL(
        "SELECT count(*) FILTER (WHERE lower({status}::text) = ANY(%s)), count(*) FILTER (WHERE {status} IS NULL), "
        "(array_agg(DISTINCT left({status}::text, 40)) FILTER (WHERE NOT lower({status}::text) = ANY(%s)))[1:3] "
        "FROM {table}"
    ).format(
        status=sql.Identifier(positions.status_column),
        table=sql.Identifier(*positions.table.split(".")),
    )
    open_values = [value.lower() for value in positions.open_values]
    known = [*open_values, *(value.lower() for value in positions.closed_values)]
    # Rows that a policy hides would count as none; so told, the server refuses to answer from a part of them.
    with transaction(connection, seconds=seconds, row_security="off") as cursor:
        return _Found(*one_row(cursor, query, (open_values, known), kinds=(int, int, list | None)))


def _judge(ctx: Context, found: _Found) -> Outcome:
    positions, opened = ctx.settings.positions, found.opened
    if found.without and positions.open_when is not None and positions.policy is not PositionPolicy.ALLOW:
        return Outcome(
            status=Status.ERROR,
            summary=message(
                "for {without} rows of {table} PREFLIGHT_POSITIONS__OPEN_WHEN is neither true nor "
                "false: whether they are open is unknown",
                without=found.without,
                table=positions.table,
            ),
            hint=message(
                "say in PREFLIGHT_POSITIONS__OPEN_WHEN what a column that is NULL means, or correct those rows"
            ),
            expected=_EXPECTED,
            actual=f"{found.without} unclear",
        )
    if found.without and positions.policy is not PositionPolicy.ALLOW:
        return Outcome(
            status=Status.ERROR,
            summary=message(
                "{without} rows of {table} have no {status_column}: whether they are open is unknown",
                without=found.without,
                table=positions.table,
                status_column=positions.status_column,
            ),
            hint=message("correct those rows, or set PREFLIGHT_POSITIONS__STATUS_COLUMN to the right column"),
            expected=_EXPECTED,
            actual=f"{found.without} unclear",
        )
    if found.unknown and positions.policy is not PositionPolicy.ALLOW:
        names = ", ".join(map(str, found.unknown))
        return Outcome(
            status=Status.ERROR,
            summary=message(
                "{table} has rows whose {status_column} is {names}: whether they are open is unknown",
                table=positions.table,
                status_column=positions.status_column,
                names=names,
            ),
            hint=message(
                "add each to PREFLIGHT_POSITIONS__OPEN_VALUES or PREFLIGHT_POSITIONS__CLOSED_VALUES: {names}",
                names=names,
            ),
            expected=_EXPECTED,
            actual=names,
        )
    if opened == 0 or positions.policy is PositionPolicy.ALLOW:
        return Outcome(
            status=Status.PASS,
            summary=message(
                "{opened} open in {table} (policy {policy})",
                opened=opened,
                table=positions.table,
                policy=positions.policy,
            ),
            expected=_EXPECTED if positions.policy is not PositionPolicy.ALLOW else "any number",
            actual=f"{opened} open",
        )
    return Outcome(
        status=Status.FAIL if positions.policy is PositionPolicy.FAIL else Status.WARN,
        summary=message(
            "{opened} open in {table} (policy {policy})", opened=opened, table=positions.table, policy=positions.policy
        ),
        hint=message(
            "look at the rows of {table} where {condition} and close them, or set PREFLIGHT_POSITIONS__POLICY=allow",
            table=positions.table,
            condition=_condition(positions),
        ),
        expected=_EXPECTED,
        actual=f"{opened} open",
    )


def _condition(positions: PositionsSection) -> str:
    return positions.open_when or message(
        "{column} is {values}",
        column=positions.status_column,
        values=joined(positions.open_values, OR),
    )


def _untold(ctx: Context, error: Any) -> Outcome:
    table = ctx.settings.positions.table
    text = said(error, ctx.settings.postgres.secret_values())
    if "row-level security" in text:  # it has no SQLSTATE of its own
        return Outcome(
            status=Status.ERROR,
            summary=message(
                "{table} cannot be read: row-level security hides a part of it from this role", table=table
            ),
            hint=message("connect as a role that sees all of it: its owner, or one with BYPASSRLS"),
            expected=_EXPECTED,
            actual=text,
        )
    if isinstance(error, UnicodeError):
        return Outcome(
            status=Status.ERROR,
            summary=message(
                "{table} cannot be read: its {status_column} or the values to look for are not text in "
                "the encoding of the database",
                table=table,
                status_column=ctx.settings.positions.status_column,
            ),
            hint=message("correct those rows, or make the database one in UTF8"),
            expected=_EXPECTED,
            actual=text,
        )
    meaning, hint = _STATES.get(
        error.pgcode or "",
        (Message(text), message("see whether Postgres is up and the table can be read: run it again")),
    )
    return Outcome(
        status=Status.ERROR,
        summary=message("{table} cannot be read: {meaning}", table=table, meaning=meaning),
        hint=hint,
        expected=_EXPECTED,
        actual=text,
    )
