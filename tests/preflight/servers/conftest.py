from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme

from acceptance.stack.embedded.stack import EmbeddedStack
from tests.preflight.servers.front import tls_front


class Authority:
    """An authority, its file, and certificates of it in files."""

    def __init__(self, place: Path) -> None:
        self._ca = trustme.CA()
        self._place = place
        self.file = place / "ca.pem"
        self._ca.cert_pem.write_to_path(self.file)

    def pair(self, name: str, days: float = 30) -> tuple[Path, Path]:
        """Write a certificate for a name, good for so many days from now (or ended so long ago), and its key."""
        now = datetime.now(UTC)
        made = self._ca.issue_cert(
            name, common_name=name, not_before=now - timedelta(days=99), not_after=now + timedelta(days=days)
        )
        certificate, key = (self._place / f"{name}-{days}.{kind}" for kind in ("pem", "key"))
        made.cert_chain_pems[0].write_to_path(certificate)
        key.touch(mode=0o600)
        made.private_key_pem.write_to_path(key)
        return certificate, key

    def context(self, name: str = "127.0.0.1", days: float = 30, *, asks: bool = False) -> ssl.SSLContext:
        """Give what a server needs to show such a certificate, and perhaps to ask for one of this authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.pair(name, days))
        if asks:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.file)
        return context


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """One authority for all."""
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="session")
def servers() -> Iterator[dict[str, Any]]:
    """A real Redis and a real Postgres: their tables of settings."""
    with EmbeddedStack(services=("redis", "postgres")) as stack:
        yield stack.settings()


@pytest.fixture
def front(servers: dict[str, Any]) -> Callable[..., Any]:
    """Put TLS before one of them: `front("redis", context)` is a context manager that gives the port."""

    def before(table: str, context: ssl.SSLContext) -> Any:
        return tls_front(context, servers[table]["port"], postgres=table == "postgres")

    return before
