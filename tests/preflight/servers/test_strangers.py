"""Q1: who is not the bot's Redis or Postgres gets no password, and no GO in live out of us."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from preflight.check import Context
from preflight.checks.live_safety import LiveSafetyCheck
from preflight.checks.open_positions import OpenPositionsCheck
from preflight.checks.postgres import PostgresCheck
from preflight.checks.redis import RedisCheck
from preflight.config.settings import Settings
from preflight.language import speaker
from preflight.model import Status
from preflight.servers.owner import NotTakenError, StrangerError, is_loopback, must_be_of
from preflight.servers.postgres import login, tls
from tests.preflight.servers import rogue

MakeContext = Callable[..., Context]
MakeSettings = Callable[..., Settings]
PASSWORD = "canary-9d1f77b2c4"
ROLE = {"user": "bot", "database": "bot", "password": PASSWORD}

if os.geteuid() == 0:  # who else can start a server as somebody else?

    @pytest.mark.parametrize("check", [RedisCheck(), LiveSafetyCheck()], ids=lambda check: check.id)
    def test_q1_another_users_redis_is_told_nothing_in_live(
        check: RedisCheck | LiveSafetyCheck, make_context: MakeContext, make_settings: MakeSettings, tmp_path: Path
    ) -> None:
        """A Redis of another local user, which knows of no kill switch, is not believed and hears not one byte."""
        with rogue.stranger(rogue.redis, tmp_path / "heard") as server:
            live = {
                "env": "live",
                "live": {"armed": True, "max_order_krw": 1, "max_daily_loss_krw": 1},
                "redis": {"host": rogue.HOST, "port": server.port, "password": PASSWORD},
            }
            outcome = check.run(make_context(settings=make_settings(**live)))

            assert outcome.status is (Status.FAIL if check.id == "redis" else Status.ERROR)
            assert server.heard == b""
        assert "it runs as user daemon" in outcome.actual + outcome.summary
        assert "runs as" not in speaker("ko")(outcome.summary)

    def test_q1_an_account_that_is_named_may_run_redis(
        make_context: MakeContext, make_settings: MakeSettings, tmp_path: Path
    ) -> None:
        """What is refused is the owner: with the account among `redis.owners` the same server is spoken to."""
        with rogue.stranger(rogue.redis, tmp_path / "heard") as server:
            reach = {"host": rogue.HOST, "port": server.port, "password": PASSWORD, "owners": ["daemon"]}
            outcome = RedisCheck().run(make_context(settings=make_settings(env="live", redis=reach)))
        assert outcome.status is Status.PASS, outcome


def test_q1_a_redis_of_this_user_is_believed_in_live(
    make_context: MakeContext, make_settings: MakeSettings, tmp_path: Path
) -> None:
    """A Redis on loopback that runs as the gate's own user needs nothing more than before."""
    with rogue.thread(rogue.redis, tmp_path / "heard") as server:
        reach = {"host": rogue.HOST, "port": server.port, "password": PASSWORD}
        outcome = RedisCheck().run(make_context(settings=make_settings(env="live", redis=reach)))
    assert outcome.status is Status.PASS, outcome


def test_q1_the_kernels_table_is_what_counts(tmp_path: Path) -> None:
    """The owner is read from the row of the very connection; no row, an untaken one and another user are refused."""
    own = os.geteuid()
    with socket.create_server((rogue.HOST, 0)) as listener, socket.create_connection(listener.getsockname()) as ours:
        here, there = (f"0100007F:{each.getsockname()[1]:04X}" for each in (listener, ours))

        def table(uid: int, inode: int) -> list[str]:
            text = f"  sl  local_address rem_address\n 0: {here} {there} 01 0:0 00:0 0 {uid} 0 {inode} 1\n"
            (tmp_path / "tcp").write_text(text)
            return [str(tmp_path / "tcp")]

        must_be_of(ours, (), 1, tables=table(own, 7))
        must_be_of(ours, (), 1, tables=table(0, 7))
        for uid in (own + 1, 65534):
            with pytest.raises(StrangerError, match="it runs as user"):
                must_be_of(ours, ("no-such-account",), 1, tables=table(uid, 7))
        with pytest.raises(NotTakenError):
            must_be_of(ours, (), 0, tables=table(0, 0))
        with pytest.raises(StrangerError, match="network name space"):
            must_be_of(ours, (), 1, tables=[str(tmp_path / "missing")])
        taken, _ = listener.accept()
        must_be_of(ours, (), 1)  # the kernel's own table now says who took it: this process
        taken.close()
        with pytest.raises(ConnectionResetError, match="it hung up"):
            must_be_of(ours, (), 1)


def test_q1_who_takes_no_connection_gets_no_password(make_context: MakeContext, make_settings: MakeSettings) -> None:
    """Before it is taken the kernel shows no true owner: in live nothing is sent, and it is an ERROR."""
    with socket.create_server((rogue.HOST, 0)) as listener:
        reach = {"host": rogue.HOST, "port": listener.getsockname()[1], "password": PASSWORD, "timeout": 0.3}
        outcome = RedisCheck().run(make_context(settings=make_settings(env="live", redis=reach)))
        client, _ = listener.accept()
        with client:
            assert client.recv(100) == b""
    assert (outcome.status, "did not answer within 0.3 s" in outcome.summary) == (Status.ERROR, True)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "localhost", "::1"])
def test_q1_loopback_is_this_machine(host: str) -> None:
    """These lead nowhere else."""
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["10.0.0.1", "redis", "localhost.example.org", "0.0.0.0", "::"])  # noqa: S104 - refused
def test_q1_anything_else_may_be_elsewhere(host: str) -> None:
    """A name is never taken for this machine."""
    assert not is_loopback(host)


@pytest.mark.parametrize("asks", [0, 3, 5], ids=["nothing", "cleartext", "md5"])
@pytest.mark.parametrize("check", [PostgresCheck(), OpenPositionsCheck()], ids=lambda check: check.id)
def test_q1_a_postgres_that_cannot_prove_itself_is_refused_in_live(
    check: PostgresCheck | OpenPositionsCheck,
    asks: int,
    make_context: MakeContext,
    make_settings: MakeSettings,
    tmp_path: Path,
) -> None:
    """Whatever login it asks for but SCRAM, which it could not pass: not believed, and no password heard."""
    with rogue.thread(rogue.postgres(asks), tmp_path / "heard") as server:
        given = {"env": "live", "positions": {"table": "live"}, "postgres": {"host": rogue.HOST, "port": server.port}}
        given["postgres"] |= ROLE  # type: ignore[operator]
        outcome = check.run(make_context(settings=make_settings(**given)))

        assert outcome.status is (Status.FAIL if check.id == "postgres" else Status.ERROR)
        assert PASSWORD.encode() not in server.heard
        assert b"md5" not in server.heard
    assert "authentication method requirement" in outcome.actual


def test_q1_a_password_in_the_clear_is_sent_nowhere(
    make_context: MakeContext, make_settings: MakeSettings, tmp_path: Path
) -> None:
    """In paper too: a server that asks for the password as it is does not get it without a certificate that holds."""
    with rogue.thread(rogue.postgres(3), tmp_path / "heard") as server:
        reach = {"host": rogue.HOST, "port": server.port, **ROLE}
        outcome = PostgresCheck().run(make_context(settings=make_settings(env="paper", postgres=reach)))

        assert outcome.status is Status.FAIL
        assert PASSWORD.encode() not in server.heard
    assert "asks for the password in a way that proves nothing" in outcome.summary


@pytest.mark.parametrize("own", ["127.0.0.1", "outer"])
def test_q1_a_redis_elsewhere_needs_tls_in_live(
    own: str, make_context: MakeContext, make_settings: MakeSettings, tmp_path: Path
) -> None:
    """An address that is not loopback's is FAIL without TLS; the password stays here. On loopback the same is PASS."""
    with rogue.thread(rogue.redis, tmp_path / "heard", host="0.0.0.0") as server:  # noqa: S104 - to be reached by both
        host = _outer_address() if own == "outer" else own
        reach = {"host": host, "port": server.port, "password": PASSWORD}
        outcome = RedisCheck().run(make_context(settings=make_settings(env="live", redis=reach)))
        heard = server.heard
    if own == "outer":
        assert (outcome.status, heard) == (Status.FAIL, b"")
        assert "PREFLIGHT_REDIS__TLS" in outcome.hint
    else:
        assert outcome.status is Status.PASS


def _outer_address() -> str:
    """Give an address of this machine by which others reach it; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])


@pytest.mark.parametrize(
    ("host", "sslmode", "expected"),
    [
        ("db.example.org", "prefer", ("require", "require", "scram-sha-256")),
        ("db.example.org", "disable", ("require", "require", "scram-sha-256")),
        ("db.example.org", "verify-full", ("verify-full", "prefer", None)),
        ("127.0.0.1", "prefer", ("prefer", "prefer", "scram-sha-256")),
    ],
)
def test_q1_what_libpq_is_told_in_live(
    host: str, sslmode: str, expected: tuple[str | None, ...], make_settings: MakeSettings
) -> None:
    """Elsewhere TLS is forced and the password bound to it, unless the certificate is checked; on loopback SCRAM."""
    reach = {"host": host, "sslmode": sslmode, **ROLE}
    section = make_settings(env="live", postgres=reach).postgres
    told = {**tls(section), **login(section)}
    assert (told["sslmode"], told["channel_binding"], told.get("require_auth")) == expected
