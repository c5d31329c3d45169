"""Connecting to Postgres so that a refusal says its SQLSTATE: the text beside it is in the server's own language.

libpq keeps the code of a refused login to itself, unless it is asked for verbose errors before the login, and psycopg2
can do that only while it is waited for the connection.
"""

from __future__ import annotations

import ctypes
import os
import re
import select
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import psycopg2
from psycopg2 import _psycopg, extensions
from psycopg2.extras import wait_select

from preflight.servers.postgres_session import NO_SUCH_ROW

_DEFAULT, _VERBOSE = 1, 2  # PGVerbosity in libpq-fe.h
# `FATAL:  28P01: ...`, whatever the language of the first word, perhaps after libpq's own `connection ... failed: `.
_CODE = re.compile(r"(?m)(^|failed: )([^:\n]+:  )([0-9A-Z]{5}): ")
_ONE = threading.Lock()  # how psycopg2 waits is one for the process: one thread connects at a time
_LOCATION = re.compile(r"(?m)^[^:\n]+:  [^\n:]+, [\w.-]+\.c:\d+\n?")  # in the server's source; pgbouncer has none


class PostgresRefusedError(psycopg2.OperationalError):
    """The server refused the connection; `pgcode` is its SQLSTATE, and the text is as it is without one."""

    def __init__(self, text: str, sqlstate: str) -> None:
        super().__init__(text)
        self._sqlstate = sqlstate

    @property
    def pgcode(self) -> str:  # type: ignore[override] # never None here
        """The SQLSTATE."""
        return self._sqlstate


def connect(**keywords: Any) -> extensions.connection:
    """Connect as `psycopg2.connect` does, within libpq's `connect_timeout` for each address, which has to be given.

    Raises:
        RefusedError: The server refuses.
        psycopg2.OperationalError: It is not reachable.
    """
    try:
        with _ONE, _watched(float(keywords["connect_timeout"])):
            connection: extensions.connection = psycopg2.connect(**keywords)
    except psycopg2.OperationalError as e:
        _raise_refusal(str(e), e)
        raise
    except UnicodeDecodeError as e:  # before the login a server speaks in its own encoding, such as EUC-KR
        text = e.object.decode("utf-8", "replace")
        _raise_refusal(text, e)
        raise psycopg2.OperationalError(f"{NO_SUCH_ROW}: {text}") from e
    _libpq().PQsetErrorVerbosity(connection.pgconn_ptr, _DEFAULT)
    return connection


def _raise_refusal(text: str, error: Exception) -> None:
    if codes := _CODE.findall(text):
        raise PostgresRefusedError(_LOCATION.sub("", _CODE.sub(r"\1\2", text)), codes[-1][2]) from error


@contextmanager
def _watched(seconds: float) -> Iterator[None]:
    """Have psycopg2 wait for connections by a function of ours, in which libpq is told to give the codes."""
    libpq, connecting = _libpq(), threading.get_ident()

    def wait(connection: extensions.connection) -> None:
        if threading.get_ident() != connecting:  # a statement of another thread, which has a limit of its own
            wait_select(connection)
            return
        libpq.PQsetErrorVerbosity(connection.pgconn_ptr, _VERBOSE)
        tried, end = 0, 0.0
        while (state := connection.poll()) != extensions.POLL_OK:
            descriptor = connection.fileno()
            if (socket := os.fstat(descriptor).st_ino) != tried:  # libpq has gone on to the next address
                tried, end = socket, time.monotonic() + seconds
            poll = select.poll()
            poll.register(descriptor, select.POLLIN if state == extensions.POLL_READ else select.POLLOUT)
            left = end - time.monotonic()  # a server that goes on talking is ready all the time, and late as well
            if left <= 0 or not poll.poll(left * 1000):
                raise psycopg2.OperationalError("timeout expired")

    extensions.set_wait_callback(wait)
    try:
        yield
    finally:
        extensions.set_wait_callback(None)


def _forget() -> None:
    """In a fork only the thread that forked goes on: what another one was doing is not waited for."""
    global _ONE  # noqa: PLW0603 - a lock that nobody will ever give back
    _ONE = threading.Lock()
    extensions.set_wait_callback(None)


os.register_at_fork(after_in_child=_forget)


@cache
def _libpq() -> ctypes.CDLL:
    """Return the very libpq that psycopg2 uses, by the module that is linked with it."""
    library = ctypes.CDLL(_psycopg.__file__)
    library.PQsetErrorVerbosity.argtypes = [ctypes.c_void_p, ctypes.c_int]
    return library
