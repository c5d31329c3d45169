"""postgres: Postgres answers a query and takes a write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from preflight.check import Context
from preflight.checks import postgres_keeping
from preflight.checks.postgres_write import PROBE, Written, try_write
from preflight.config.sections import PostgresSection
from preflight.memory import bounded_memory
from preflight.message import message
from preflight.model import Env, Outcome, Status
from preflight.servers.postgres_refusals import FAILURES, NOT_POSTGRES, OTHER_REFUSAL, REFUSALS, TEXTS
from preflight.servers.postgres_session import one_row, said, transaction
from preflight.servers.refusals import Meaning

_EXPECTED = "1 from SELECT 1, and a written row read back"


@dataclass(frozen=True, slots=True)
class PostgresCheck:
    """SELECT 1, and a row written and read back in one transaction that is rolled back, each timed."""

    id: str = "postgres"
    proves: str = message("Postgres answers a query and takes a write")
    requires: tuple[str, ...] = ()
    timeout: float = 6.0
    network: bool = True
    imports: tuple[str, ...] = ("psycopg2",)

    def run(self, ctx: Context) -> Outcome:
        """Ask the server; see docs/fault-matrix.md for what each fault gives."""
        settings = ctx.settings.postgres
        if not settings.host or not settings.user or not settings.database:
            local = (
                "" if ctx.settings.env is Env.LIVE else message(", or run `make up` for a local stack")
            )  # which never serves live
            return Outcome(
                status=Status.ERROR,
                summary=message("no complete Postgres address is configured, so there is nothing to ask"),
                hint=message("set PREFLIGHT_POSTGRES__HOST, __USER and __DATABASE{local}", local=local),
            )
        import psycopg2 as library  # noqa: PLC0415 - 44 ms that only this check's process should pay

        from preflight.checks import postgres_trust as trust  # noqa: PLC0415 - loads ssl

        where = settings.where
        begun = ctx.clock()
        try:
            with bounded_memory():  # who it is that answers is not known yet
                connection = ctx.open_postgres(ctx.settings)
        except library.OperationalError as e:
            return trust.refusal(e, where, settings) or _explain_refusal(e, where, settings)
        try:
            with bounded_memory():
                outcome = _exercise(connection, ctx, where, {"connect": ctx.clock() - begun})
            return trust.judged(outcome, ctx)
        except library.Error as e:
            return _explain_failure(e, where, settings)
        except UnicodeError as e:
            return _explained(e, where, settings, NOT_POSTGRES)
        finally:
            connection.close()


def _exercise(connection: Any, ctx: Context, where: str, timings: dict[str, float]) -> Outcome:
    def timed(name: str, call: Callable[[], Any]) -> Any:
        begun = ctx.clock()
        answer = call()
        timings[name] = ctx.clock() - begun
        return answer

    with transaction(connection, seconds=ctx.settings.postgres.timeout) as cursor:
        (one,) = timed("select", lambda: one_row(cursor, "SELECT 1", kinds=(object,)))
        standby, read_only = one_row(
            cursor, "SELECT pg_is_in_recovery(), current_setting('transaction_read_only')", kinds=(bool, str)
        )
        if standby or read_only == "on":
            return Outcome(
                status=Status.FAIL,
                summary=message("Postgres at {where} is a standby: it takes no writes", where=where)
                if standby
                else message("Postgres at {where} is read-only for this role: it takes no writes", where=where),
                hint=message("point PREFLIGHT_POSTGRES__HOST at the primary, or lift default_transaction_read_only"),
                expected=_EXPECTED,
                actual=f"pg_is_in_recovery {standby}, transaction_read_only {read_only}",
                timings=timings,
            )
        written: Written = timed("write", lambda: try_write(cursor, ctx.run_id, ctx.settings.positions.table))
        if written.denied:
            return _may_not_write(where, written.denied, timings)
        kept = postgres_keeping.judge(cursor, where, ctx)
    if one != 1 or written.kept != ctx.run_id:
        return Outcome(
            status=Status.FAIL,
            summary=message("Postgres at {where} did not return what was written", where=where),
            hint=message(
                "check what answers at that address, a proxy may be in between; and the rules and triggers of {table}",
                table=PROBE,
            ),
            expected=_EXPECTED,
            actual=f"SELECT 1 gave {one!r}, the row {'the same' if written.kept == ctx.run_id else 'another value'}",
            timings=timings,
        )
    if (unfit := _open_to_everybody(connection, ctx, where) or kept) is not None:
        return replace(unfit, timings=timings)
    slowest = max(("select", "write"), key=lambda name: timings[name])
    limit = ctx.settings.postgres.slow_after
    if timings[slowest] > limit:
        return Outcome(
            status=Status.WARN,
            summary=message(
                "Postgres at {where} is slow: {slowest} took {ms:.0f} ms",
                where=where,
                slowest=slowest,
                ms=timings[slowest] * 1000,
            ),
            hint=message("look at pg_stat_activity for locks and long queries"),
            expected=f"each answer within {limit * 1000:.0f} ms",
            actual=f"{timings[slowest] * 1000:.0f} ms",
            timings=timings,
        )
    return Outcome(
        status=Status.PASS,
        summary=message(
            "Postgres at {where} answers and takes writes (SELECT 1 {ms:.2f} ms)",
            where=where,
            ms=timings["select"] * 1000,
        ),
        expected=_EXPECTED,
        actual=_EXPECTED if written.tried else "1 from SELECT 1, and the right to write",
        timings=timings,
    )


def _may_not_write(where: str, table: str, timings: dict[str, float]) -> Outcome:
    return Outcome(
        status=Status.FAIL,
        summary=message("Postgres at {where} does not let this role write to {table}", where=where, table=table),
        hint=message(
            "GRANT SELECT, INSERT ON {table} TO the role, and UPDATE where it is the bot's own table", table=table
        ),
        expected=_EXPECTED,
        actual="no right to INSERT",
        timings=timings,
    )


def _open_to_everybody(connection: Any, ctx: Context, where: str) -> Outcome | None:
    """Say so where a password is configured and the server let us in without; a certificate of ours counts as one."""
    told = connection.info
    if ctx.settings.postgres.password is None or told.used_password or told.dsn_parameters.get("sslcert"):
        return None
    return Outcome(
        status=Status.FAIL if ctx.settings.env is Env.LIVE else Status.WARN,
        summary=message(
            "Postgres at {where} lets everybody in: a password is configured, and it asks for none", where=where
        ),
        hint=message("in pg_hba.conf (pgbouncer: auth_type) have this role log in by scram-sha-256 instead of trust"),
        expected="a server that asks for the password",
        actual="logged in without a password",
    )


def _explain_refusal(error: Exception, where: str, settings: PostgresSection) -> Outcome:
    code = getattr(error, "pgcode", None)
    return _explained(error, where, settings, REFUSALS.get(code, OTHER_REFUSAL) if code else None)


def _explain_failure(error: Any, where: str, settings: PostgresSection) -> Outcome:
    return _explained(error, where, settings, FAILURES.get(error.pgcode or ""))


def _explained(error: Exception, where: str, settings: PostgresSection, told: Meaning | None) -> Outcome:
    """Judge by what the SQLSTATE told, else by libpq's own text; what neither tells is a could-not-tell."""
    words = said(error, () if settings.password is None else (settings.password.get_secret_value(),))
    why = told or next((known for part, known in TEXTS if part in str(error)), None)
    if why is None:
        return Outcome(
            status=Status.ERROR,
            summary=message("Postgres at {where} could not be asked: {words}", where=where, words=words),
            hint=message("see the log of the server at {host}", host=settings.host),
            expected=_EXPECTED,
            actual=words,
        )
    return Outcome(
        status=why.status,
        summary=message("Postgres at {where} {meaning}", where=where, meaning=why.meaning),
        hint=why.hint,
        expected=_EXPECTED,
        actual=words,
        said="" if told is None else words,
    )
