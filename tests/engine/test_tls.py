"""G13: the engine reaches Redis and Postgres over TLS, by the same kinds of settings as the gate."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme

from engine.control import RedisControl
from engine.database import Database
from engine.errors import DependencyDown
from engine.settings import Postgres, Redis
from tests.preflight.servers.front import tls_front


@pytest.fixture
def trusted(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    """What a server at 127.0.0.1 shows, and the file of who signed it."""
    authority, file = trustme.CA(), tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context, file


@pytest.mark.parametrize("known", [True, False], ids=["trusted", "unknown"])
def test_g13_redis_over_tls(known: bool, trusted: tuple[ssl.SSLContext, Path], redis_settings: Redis) -> None:
    """The heartbeat goes through to a server whose certificate holds, and to no other."""
    context, file = trusted
    with tls_front(context, redis_settings.port) as port:
        reach = redis_settings.model_copy(update={"port": port, "tls": True, "ca_file": file if known else None})
        control = RedisControl(reach, heartbeat_key="beat", kill_switch_key="kill", ttl=30, timeout=1)
        if known:
            assert control.beat(1) is False
        else:
            with pytest.raises(DependencyDown, match="certificate verify failed"):
                control.beat(1)
        control.close()


@pytest.mark.parametrize("known", [True, False], ids=["trusted", "unknown"])
def test_g13_postgres_over_tls(known: bool, trusted: tuple[ssl.SSLContext, Path], postgres_settings: Postgres) -> None:
    """A question is answered by a server whose certificate holds, and by no other."""
    context, file = trusted
    with tls_front(context, postgres_settings.port, postgres=True) as port:
        more = {"port": port, "sslmode": "verify-full", "ca_file": file if known else None}
        database = Database(postgres_settings.model_copy(update=more), timeout=1)
        if known:
            database.connect()
            assert database.query("SELECT 1") == [(1,)]
        else:
            with pytest.raises(DependencyDown, match="certificate verify failed"):
                database.connect()
        database.close()
