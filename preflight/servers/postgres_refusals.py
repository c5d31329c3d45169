"""What the refusals of Postgres and of poolers mean: told by SQLSTATE, for the text may be in any language.

https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from preflight.message import message
from preflight.model import Status
from preflight.servers.postgres_session import NO_SUCH_ROW, NO_TRANSACTION, TOO_LONG
from preflight.servers.refusals import Meaning

_NAME = message("start it (a stopped container has no name), or check PREFLIGHT_POSTGRES__HOST and the name server")
_NO_ROOM = message("free room on the server")

# Of connections.
REFUSALS: Mapping[str, Meaning] = MappingProxyType(
    {
        "28P01": Meaning(  # it does not tell which of the two, so that roles cannot be guessed
            Status.FAIL,
            message("refuses the password, or has no such role: it does not tell a client which"),
            hint=message(
                "check PREFLIGHT_POSTGRES__USER and __PASSWORD (or __PASSWORD_FILE), and that the role was made"
            ),
        ),
        "28000": Meaning(
            Status.FAIL,
            message("does not let this role in from this machine"),
            hint=message(
                "check PREFLIGHT_POSTGRES__USER; in the server, that the role was made with LOGIN and "
                "has a line in pg_hba.conf"
            ),
        ),
        "3D000": Meaning(
            Status.FAIL, message("does not know that database"), hint=message("check PREFLIGHT_POSTGRES__DATABASE")
        ),
        "42501": Meaning(
            Status.FAIL,
            message("does not let this role use that database"),
            hint=message("GRANT CONNECT ON DATABASE to the role, or correct PREFLIGHT_POSTGRES__DATABASE"),
        ),
        "53300": Meaning(
            Status.FAIL,
            message("has no connection left for this role or database"),
            hint=message(
                "close idle sessions (see pg_stat_activity), or raise max_connections or the "
                "CONNECTION LIMIT of the role or database"
            ),
        ),
        "53100": Meaning(Status.FAIL, message("has no room on its disk"), hint=_NO_ROOM),
        "53200": Meaning(
            Status.FAIL,
            message("is out of memory"),
            hint=message("see what uses it on the server, and the server's log"),
        ),
        "55000": Meaning(
            Status.FAIL,
            message("takes no connections to that database"),
            hint=message("correct PREFLIGHT_POSTGRES__DATABASE, or ALTER DATABASE ... ALLOW_CONNECTIONS true"),
        ),
        "57P03": Meaning(
            Status.FAIL,
            message("takes no connections now: it is starting, stopping or recovering"),
            hint=message("wait until it is ready, or start it; then run again"),
        ),
        "08P01": Meaning(  # what pgbouncer says to most things that it refuses
            Status.FAIL,
            message("refuses the connection"),
            hint=message("see its words, and the log of the server or of the pooler before it"),
        ),
    }
)
OTHER_REFUSAL = Meaning(
    Status.FAIL,
    message("refuses the connection"),
    hint=message("see its words, and the log of the server or of the pooler before it"),
)

_LATE = Meaning(
    Status.ERROR,
    message("did not answer in time"),
    hint=message("look at pg_stat_activity for locks and long queries"),
)
# Of the only table that the check of Postgres writes to: a column or a type of it is another.
_OTHER_SHAPE = Meaning(
    Status.FAIL,
    message("has an arbitrage_preflight_probe that `preflight db migrate` did not make"),
    hint=message("rename or drop that table, then run `preflight db migrate`"),
)

# Of statements.
FAILURES: Mapping[str, Meaning] = MappingProxyType(
    {
        **REFUSALS,  # a pooler connects when the first statement comes
        "57014": _LATE,
        "55P03": _LATE,  # a wait for a lock
        "3F000": Meaning(
            Status.FAIL,
            message("has no schema for this role: none of its search_path is there"),
            hint=message("ALTER ROLE ... SET search_path to a schema that exists, or CREATE SCHEMA"),
        ),
        **dict.fromkeys(("42703", "42P01", "42804", "22P02", "23502"), _OTHER_SHAPE),
        "25006": Meaning(
            Status.FAIL,
            message("takes no writes: it is read-only"),
            hint=message("point PREFLIGHT_POSTGRES__HOST at the primary"),
        ),
        "42501": Meaning(
            Status.FAIL,
            message("does not let this role write"),
            hint=message(
                "run `preflight db migrate` as a role that may create tables, and GRANT INSERT ON its "
                "tables TO this one"
            ),
        ),
        "57P01": Meaning(
            Status.ERROR, message("ended the session"), hint=message("it was stopped or restarted: run again")
        ),
    }
)

NOT_POSTGRES = Meaning(
    Status.ERROR,
    message("answers something that is not Postgres' protocol"),
    hint=message("see what listens at PREFLIGHT_POSTGRES__HOST and __PORT"),
)

_TOO_LONG = Meaning(
    Status.ERROR,
    message("gives an answer without an end"),
    hint=message("see what listens at PREFLIGHT_POSTGRES__HOST and __PORT"),
)

# Of libpq, which speaks English here and knows no code: part of its text -> what it means.
TEXTS: tuple[tuple[str, Meaning], ...] = (
    (
        "Connection refused",
        Meaning(
            Status.FAIL,
            message("refuses connections"),
            hint=message("start it, or correct PREFLIGHT_POSTGRES__HOST and __PORT"),
        ),
    ),
    (
        "no password supplied",
        Meaning(Status.FAIL, message("requires a password"), hint=message("set PREFLIGHT_POSTGRES__PASSWORD_FILE")),
    ),
    ("Name or service not known", Meaning(Status.FAIL, message("has a name that does not resolve"), hint=_NAME)),
    (
        "could not translate host name",
        Meaning(Status.ERROR, message("has a name that cannot be resolved now"), hint=_NAME),
    ),
    (
        "timeout expired",
        Meaning(
            Status.ERROR,
            message("did not answer in time"),
            hint=message("check the network path and the server's load"),
        ),
    ),
    (
        NO_TRANSACTION,
        Meaning(
            Status.ERROR,
            message("takes no transaction, as a pool of single statements does, so nothing can be tried on it"),
            hint=message(
                "set pool_mode = transaction or session there, or point PREFLIGHT_POSTGRES__HOST and "
                "__PORT at the server"
            ),
        ),
    ),
    (TOO_LONG, _TOO_LONG),
    (NO_SUCH_ROW, NOT_POSTGRES),
    ("received invalid", NOT_POSTGRES),
    ("expected authentication request", NOT_POSTGRES),
    ("unexpected response from server", NOT_POSTGRES),
    ("unexpected message from server", NOT_POSTGRES),
    ("lost synchronization", NOT_POSTGRES),
    ("message contents do not agree", NOT_POSTGRES),
    ("insufficient data", NOT_POSTGRES),
    ("arrived from server while idle", NOT_POSTGRES),
)
