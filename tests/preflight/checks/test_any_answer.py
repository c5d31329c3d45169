"""G21: whatever a server answers once it has let the gate in: a status, a hint, no exception, no secret."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from preflight.alerts.history import History
from preflight.alerts.migrate import migrate
from preflight.check import Check, Context
from preflight.checks.live_safety import LiveSafetyCheck
from preflight.checks.open_positions import OpenPositionsCheck
from preflight.checks.postgres import PostgresCheck
from preflight.checks.redis import RedisCheck
from preflight.config.sections import PostgresSection
from preflight.config.settings import Settings
from preflight.errors import DatabaseError
from preflight.model import Outcome, Status
from tests.preflight.servers import rogue
from tests.property_size import examples

SECRET = "canary-of-this-test"
TIMEOUT = 0.25  # seconds that a server has for an answer
MOST_BYTES = 100 * 2**20  # that a check may take beyond what it has
FLOOD_SECONDS = 3.0

_STEADY = settings(
    max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
_READY = b"Z" + struct.pack("!i", 5) + b"T"


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


def _table(types: tuple[int, ...], row: tuple[bytes | None, ...] | None) -> bytes:
    """Give a result: columns of these types (numbers of Postgres), and at most one row of these texts."""
    columns = b"".join(b"c\0" + struct.pack("!ihihih", 0, 0, kind, -1, -1, 0) for kind in types)
    told = _message(b"T", struct.pack("!h", len(types)) + columns)
    if row is not None:
        fields = b"".join(
            struct.pack("!i", -1) if text is None else struct.pack("!i", len(text)) + text for text in row
        )
        told += _message(b"D", struct.pack("!h", len(row)) + fields)
    return told + _message(b"C", b"SELECT 1\0") + _READY


_INT, _BOOL, _TEXT, _TEXTS = 23, 16, 25, 1009
# What stands in a statement -> what a sound server says to it.
_ANSWERS = {
    b"set_config": _table((_TEXT,), (b"x",)),
    b"has_table_privilege": _table((_BOOL, _BOOL), (b"t", b"t")),
    b"pg_is_in_recovery": _table((_BOOL, _TEXT), (b"f", b"off")),
    b"SELECT 1": _table((_INT,), (b"1",)),
    b"SELECT run_id": _table((_TEXT,), (b"r1",)),
    b"FILTER": _table((_INT, _INT, _TEXTS), (b"0", b"0", None)),
}
_DONE = _message(b"C", b"INSERT 0 1\0") + _READY

_types = st.sampled_from(
    [_INT, _BOOL, _TEXT, _TEXTS, 20, 700, 1700, 1082, 1114, 1184, 1186, 17, 2950, 3802, 0, 2**31 - 1]
)
_cells = st.none() | st.binary(max_size=20) | st.sampled_from([b"{1,NULL}", b"nan", b"9" * 400, b"\xff", b"infinity"])
_tables = st.integers(0, 4).flatmap(
    lambda width: st.builds(
        _table,
        st.tuples(*[_types] * width),
        st.none() | st.tuples(*[_cells] * width) | st.lists(_cells, max_size=5).map(tuple),
    )
)
_messages = st.builds(_message, st.binary(min_size=1, max_size=1), st.binary(max_size=40))
_postgres_bytes = (
    st.binary(max_size=200)
    | _tables
    | st.lists(_messages, max_size=4).map(b"".join).map(lambda data: data + _READY)
    | st.builds(
        lambda code, text: _message(b"E", b"SFATAL\0C" + code + b"\0M" + text + b"\0\0") + _READY,
        st.text("0123456789ABCXZ", min_size=5, max_size=5).map(str.encode),
        st.binary(max_size=60).map(lambda data: data.replace(b"\0", b"?")),
    )
)


def _speaks_postgres(odd: bytes, after: bytes) -> rogue.Serve:
    """Let the gate in, answer as a server does, and give those bytes to the statements that hold `after`."""

    def serve(client: socket.socket, note: Callable[[bytes], None]) -> None:
        _let_in(client)
        while data := client.recv(65536):
            note(data)
            if after in data:
                client.sendall(odd)
                client.shutdown(socket.SHUT_WR)  # else the gate waits for more, as its deadline lets it
                return
            client.sendall(next((known for part, known in _ANSWERS.items() if part in data), _DONE))

    return serve


_redis_bytes = st.binary(max_size=200) | st.recursive(
    st.integers(-(2**70), 2**70).map(lambda number: b":%d\r\n" % number)
    | st.binary(max_size=20).map(lambda data: b"$%d\r\n%s\r\n" % (len(data), data))
    | st.sampled_from([b"$-1\r\n", b"*-1\r\n", b"+OK\r\n", b"+PONG\r\n", b"-ERR no\r\n", b"-\r\n", b"-MOVED 1 x\r\n"]),
    lambda inner: st.lists(inner, max_size=4).map(lambda parts: b"*%d\r\n%s" % (len(parts), b"".join(parts))),
    max_leaves=8,
)


def _speaks_redis(odd: bytes, after: bytes) -> rogue.Serve:
    """Take the password, answer as a Redis does, and give those bytes to the commands that hold `after`."""
    kept: dict[bytes, bytes] = {}

    def serve(client: socket.socket, note: Callable[[bytes], None]) -> None:
        while data := client.recv(65536):
            note(data)
            words = data.split(b"\r\n")
            if after in data:
                client.sendall(odd)
                client.shutdown(socket.SHUT_WR)
                return
            client.sendall(rogue._redis_answer(words[2::2], kept))

    return serve


@contextmanager
def _at(serve: rogue.Serve) -> Iterator[int]:
    with TemporaryDirectory() as folder, rogue.thread(serve, Path(folder) / "heard") as server:
        yield server.port


def _asked(check: Check, table: str, port: int, make_settings: Callable[..., Settings], make_context: Any) -> Outcome:
    """Run a check against the server on a port, and see to what holds for every answer."""
    reach: dict[str, Any] = {"host": rogue.HOST, "port": port, "timeout": TIMEOUT, "password": SECRET}
    if table == "postgres":
        reach |= {"user": "bot", "database": "bot", "sslmode": "disable"}
    live = {"armed": True, "max_order_krw": 1, "max_daily_loss_krw": 1}
    given = make_settings(env="live" if check.id == "live_safety" else "paper", live=live, **{table: reach})
    begun = time.monotonic()
    outcome: Outcome = check.run(make_context(settings=given, run_id="r1"))
    assert time.monotonic() - begun < check.timeout
    assert outcome.summary
    assert outcome.hint or outcome.status is Status.PASS
    assert SECRET not in repr((outcome, dict(outcome.summary.values)))
    return outcome


@pytest.mark.parametrize("check", [PostgresCheck(), OpenPositionsCheck()], ids=lambda check: check.id)
@_STEADY
@given(
    odd=_postgres_bytes,
    after=st.sampled_from([b"BEGIN", b"set_config", b"SELECT", b"FILTER", b"INSERT", b"run_id", b"ROLLBACK"]),
)
@example(odd=_table((_INT,), None), after=b"SELECT 1")  # no row
@example(odd=_table((_INT, _INT), (b"1", b"2")), after=b"SELECT 1")  # one column too many
@example(odd=_table((_INT,), (b"one",)), after=b"SELECT 1")  # no number
@example(odd=_table((_TEXT,), (b"\xff",)), after=b"SELECT 1")  # no text
@example(odd=_table((_INT, _INT, _TEXTS), (b"0", b"0", b"{NULL}")), after=b"FILTER")
@example(odd=_table((_TEXT, _TEXT, _TEXT), (b"0", b"0", b"0")), after=b"FILTER")
@example(odd=_message(b"G", b"\0\0\0") + _READY, after=b"SELECT 1")  # waits for data of ours
@example(odd=_message(b"E", f"SFATAL\0C28P01\0Mno {SECRET} here\0\0".encode()) + _READY, after=b"SELECT")
def test_g21_whatever_a_postgres_answers_after_the_login(
    check: PostgresCheck | OpenPositionsCheck,
    make_settings: Callable[..., Settings],
    make_context: Callable[..., Context],
    odd: bytes,
    after: bytes,
) -> None:
    """Bytes, results of any shape, errors of any code, to any of the statements."""
    with _at(_speaks_postgres(odd, after)) as port:
        _asked(check, "postgres", port, make_settings, make_context)


@pytest.mark.parametrize("check", [RedisCheck(), LiveSafetyCheck()], ids=lambda check: check.id)
@_STEADY
@given(odd=_redis_bytes, after=st.sampled_from([b"AUTH", b"PING", b"INFO", b"CONFIG", b"ROLE", b"SET", b"GET", b"DEL"]))
@example(odd=b":1\r\n", after=b"GET")  # a number where text belongs
@example(odd=b"*1\r\n$1\r\n1\r\n", after=b"GET")
@example(odd=b"*0\r\n", after=b"ROLE")
@example(odd=f"-ERR no {SECRET} here\r\n".encode(), after=b"GET")
def test_g21_whatever_a_redis_answers_after_the_login(
    check: RedisCheck | LiveSafetyCheck,
    make_settings: Callable[..., Settings],
    make_context: Callable[..., Context],
    odd: bytes,
    after: bytes,
) -> None:
    """Bytes, and answers of any kind within the protocol, to any of the commands."""
    with _at(_speaks_redis(odd, after)) as port:
        _asked(check, "redis", port, make_settings, make_context)


@pytest.mark.parametrize("odd", [_table((_INT,), (b"1",)), _table((_TEXT,), (b"\xff",)), b"nonsense"], ids=repr)
def test_g21_the_commands_say_it_in_one_sentence(odd: bytes) -> None:
    """`alerts history` and `db migrate` end with an error of their own."""
    reach = {"host": rogue.HOST, "user": "bot", "database": "bot", "sslmode": "disable", "timeout": TIMEOUT}
    with _at(_speaks_postgres(odd, b"FROM arbitrage_preflight_")) as port:
        section = PostgresSection.model_validate({**reach, "port": port})
        with pytest.raises(DatabaseError):
            History(settings=section).newest("paper", 5)
        with pytest.raises(DatabaseError):
            migrate(section, seconds=TIMEOUT)


def _floods(begin: Callable[[socket.socket], None], head: bytes, after: bytes) -> rogue.Serve:
    """Answer to `after` with a head and then without an end."""

    def serve(client: socket.socket, note: Callable[[bytes], None]) -> None:
        begin(client)
        while data := client.recv(65536):
            note(data)
            if after in data:
                client.sendall(head)
                end = time.monotonic() + FLOOD_SECONDS
                while time.monotonic() < end:
                    client.sendall(b"x" * 2**20)
                return
            client.sendall(_DONE)

    return serve


def _let_in(client: socket.socket) -> None:
    client.recv(65536)
    client.sendall(_message(b"R", struct.pack("!i", 0)) + _message(b"S", b"client_encoding\0UTF8\0"))
    client.sendall(_message(b"S", b"standard_conforming_strings\0on\0") + _READY)


@pytest.mark.parametrize(
    ("check", "serve"),
    [
        (PostgresCheck(), _floods(_let_in, b"T" + struct.pack("!i", 2**30) + b"\0\1", b"set_config")),
        (OpenPositionsCheck(), _floods(_let_in, b"E" + struct.pack("!i", 2**30) + b"M", b"set_config")),
        (RedisCheck(), _floods(lambda _: None, b"$1073741824\r\n", b"AUTH")),
        (LiveSafetyCheck(), _floods(lambda _: None, b"$1073741824\r\n", b"AUTH")),
    ],
    ids=["postgres", "open_positions", "redis", "live_safety"],
)
def test_g21_an_answer_without_an_end_takes_no_memory(
    check: Check,
    serve: rogue.Serve,
    make_settings: Callable[..., Settings],
    make_context: Callable[..., Context],
) -> None:
    """Not more than 100 MB are taken for it, and it is an ERROR that says so."""
    table = "postgres" if check.id in {"postgres", "open_positions"} else "redis"
    before = _peak_bytes()
    with _at(serve) as port:
        outcome = _asked(check, table, port, make_settings, make_context)
    assert _peak_bytes() - before < MOST_BYTES + 2**24
    assert (outcome.status, "without an end" in outcome.summary) == (Status.ERROR, True), outcome


def _peak_bytes() -> int:
    """Give the most memory that this process ever had."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (peak,) = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return int(peak) * 1024


def _at_login(*said: bytes, seconds: float = 0) -> rogue.Serve:
    """Say the first of these at once and the last of them again and again, and never let anybody in."""

    def serve(client: socket.socket, note: Callable[[bytes], None]) -> None:
        note(client.recv(65536))
        client.sendall(said[0])
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            client.sendall(said[-1])

    return serve


_NOTICE = _message(b"N", b"SNOTICE\0C00000\0M" + b"a" * 1000 + b"\0\0")
_OK = _message(b"R", struct.pack("!i", 0))


@pytest.mark.parametrize("check", [PostgresCheck(), OpenPositionsCheck()], ids=lambda check: check.id)
def test_g21_a_postgres_that_talks_on_before_it_lets_in(
    check: Check, make_settings: Callable[..., Settings], make_context: Callable[..., Context]
) -> None:
    """It is late although it always has something to say, and what it says takes no memory without a bound."""
    before, begun = _peak_bytes(), time.monotonic()
    with _at(_at_login(_OK, _NOTICE * 60, seconds=5)) as port:
        outcome = _asked(check, "postgres", port, make_settings, make_context)
        assert time.monotonic() - begun < 2 + 1  # libpq counts no less than two seconds
    assert _peak_bytes() - before < MOST_BYTES + 2**24
    assert outcome.status is Status.ERROR, outcome


@pytest.mark.parametrize(
    ("said", "status", "meaning"),
    [
        ("E", Status.FAIL, "refuses the password"),
        ("nonsense", Status.ERROR, "not Postgres' protocol"),
    ],
)
def test_g14_a_refusal_that_is_not_utf_8(
    said: str,
    status: Status,
    meaning: str,
    make_settings: Callable[..., Settings],
    make_context: Callable[..., Context],
) -> None:
    """Before the login a Korean server may speak EUC-KR: the SQLSTATE is heard, and no exception leaves the check."""
    korean = "비밀번호 인증 실패".encode("euc-kr")
    refusal = _message(b"E", "S치명적오류".encode("euc-kr") + b"\0C28P01\0M" + korean + b"\0\0")
    told = refusal if said == "E" else b"E" + struct.pack("!i", 2**31 - 1) + korean + b"\0"
    with _at(_at_login(told)) as port:
        outcome = _asked(PostgresCheck(), "postgres", port, make_settings, make_context)
    assert (outcome.status, meaning in outcome.summary) == (status, True), outcome
