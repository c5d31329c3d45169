"""What the errors of Redis mean: told by the word that an error begins with, never by the sentence behind it.

The library takes some of these words off and makes classes of them; what it does not know it leaves as it came.
"""

from __future__ import annotations

from typing import Final

from redis import exceptions

from preflight.message import message
from preflight.model import Status
from preflight.servers.redis import EndlessAnswerError
from preflight.servers.refusals import Meaning

_MASTERDOWN = Meaning(
    Status.FAIL,
    message("is a replica that has lost its primary, and answers nothing"),
    hint=message("point PREFLIGHT_REDIS__HOST at the primary"),
)
_PASSWORD = Meaning(
    Status.FAIL,
    message("refuses the password"),
    hint=message("check PREFLIGHT_REDIS__PASSWORD (or __PASSWORD_FILE) and __USERNAME against the server"),
)
_NO_MEMORY = Meaning(
    Status.FAIL,
    message("is out of memory and takes no writes"),
    hint=message(
        "raise maxmemory, or remove what fills it; keep maxmemory-policy noeviction, or the kill switch may be lost"
    ),
)
_NOT_REDIS = Meaning(
    Status.ERROR,
    message("answers something that is not Redis' protocol"),
    hint=message("see what listens at PREFLIGHT_REDIS__HOST and __PORT"),
)

_TOO_LONG = Meaning(
    Status.ERROR,
    message("gives an answer without an end"),
    hint=message("see what listens at PREFLIGHT_REDIS__HOST and __PORT"),
)

_CLASSES: Final[tuple[tuple[type[Exception], Meaning], ...]] = (
    (exceptions.AuthenticationError, _PASSWORD),
    (
        exceptions.ReadOnlyError,
        Meaning(
            Status.FAIL, message("is a read-only replica"), hint=message("point PREFLIGHT_REDIS__HOST at the primary")
        ),
    ),
    (exceptions.OutOfMemoryError, _NO_MEMORY),
    (
        exceptions.BusyLoadingError,
        Meaning(
            Status.ERROR, message("is still loading its data"), hint=message("wait until it has loaded, then run again")
        ),
    ),
    (exceptions.MasterDownError, _MASTERDOWN),
    (
        exceptions.NoPermissionError,
        Meaning(
            Status.FAIL,
            message("does not let this user do it"),
            hint=message("grant the ACL user PING, SET, GET and DEL on arbitrage:preflight:*"),
        ),
    ),
    (EndlessAnswerError, _TOO_LONG),
    (exceptions.InvalidResponse, _NOT_REDIS),
    (UnicodeDecodeError, _NOT_REDIS),
)

_PREFIXES: Final[tuple[tuple[str, Meaning], ...]] = (
    ("NOAUTH", _PASSWORD),
    ("WRONGPASS", _PASSWORD),
    ("OOM", _NO_MEMORY),
    (
        "DENIED",
        Meaning(
            Status.FAIL,
            message("is in protected mode: no password is set there, and it lets only its own machine in"),
            hint=message("set a password there (requirepass) and here; do not switch protected-mode off"),
        ),
    ),
    (
        "MISCONF",
        Meaning(
            Status.FAIL,
            message("takes no writes: it cannot save to its disk"),
            hint=message(
                "see its log, and whether its disk is full or its directory not writable; then: redis-cli BGSAVE"
            ),
        ),
    ),
    (
        "NOREPLICAS",
        Meaning(
            Status.FAIL,
            message("takes no writes: too few replicas follow it"),
            hint=message("see INFO replication there: start the replicas, or lower min-replicas-to-write"),
        ),
    ),
    (
        "BUSY ",
        Meaning(
            Status.ERROR,
            message("runs a script that does not end, and answers nothing else"),
            hint=message("find out whose it is; then SCRIPT KILL there"),
        ),
    ),
    (
        "unknown command",
        Meaning(
            Status.FAIL,
            message("does not know a command that the bot needs"),
            hint=message(
                "a Sentinel goes into PREFLIGHT_REDIS__SENTINELS; else remove its rename-command, "
                "or point PREFLIGHT_REDIS__HOST at the Redis behind that proxy"
            ),
        ),
    ),
    # These two have no word of their own: the server says ERR to them, and the library takes that off.
    (
        "max number of clients reached",
        Meaning(
            Status.FAIL,
            message("has no connection left"),
            hint=message("see CLIENT LIST there: close unused connections, or raise maxclients"),
        ),
    ),
    (
        "DB index is out of range",
        _NO_DB := Meaning(Status.FAIL, message("has no such database"), hint=message("check PREFLIGHT_REDIS__DB")),
    ),
    ("invalid DB index", _NO_DB),
    ("Invalid Database", _NOT_REDIS),  # the library's, of a SELECT that is answered, and not by OK
)


def meaning_of(error: Exception) -> Meaning | None:
    """Return what an error of the server, or of the library that reads it, means; None if it is about the network."""
    known = next((meaning for kind, meaning in _CLASSES if isinstance(error, kind)), None)
    text = str(error)
    return known or next((meaning for prefix, meaning in _PREFIXES if text.startswith(prefix)), None)
