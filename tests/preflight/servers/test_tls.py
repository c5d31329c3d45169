"""G13: Redis and Postgres with TLS, by settings and by URL, on a real Redis and a real Postgres."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from preflight.check import Check, Context
from preflight.checks.postgres import PostgresCheck
from preflight.checks.redis import RedisCheck
from preflight.config.settings import Settings
from preflight.config.sources import load
from preflight.errors import UsageError
from preflight.model import Outcome, Status
from tests.preflight.servers.conftest import Authority

Front = Callable[..., Any]
Ask = Callable[..., Outcome]
BOTH = pytest.mark.parametrize("table", ["redis", "postgres"])
CHECKS: dict[str, Check] = {"redis": RedisCheck(), "postgres": PostgresCheck()}
TLS: dict[str, dict[str, Any]] = {"redis": {"tls": True}, "postgres": {"sslmode": "verify-full"}}


@pytest.fixture
def ask(servers: dict[str, Any], make_context: Callable[..., Context], make_settings: Callable[..., Settings]) -> Ask:
    """Run the check of a server at a port, with TLS: `ask("redis", port, ca_file=...)`."""

    def run(table: str, port: int, env: str = "paper", **more: Any) -> Outcome:
        section = {**servers[table], **TLS[table], "port": port, **more}
        return CHECKS[table].run(make_context(settings=make_settings(env=env, **{table: section})))

    return run


@BOTH
@pytest.mark.parametrize("env", ["paper", "live"])
def test_g13_a_certificate_that_holds_is_a_pass(
    table: str, env: str, ask: Ask, front: Front, authority: Authority
) -> None:
    """TLS with a certificate of the named authority for the named address: PASS, in live as well."""
    with front(table, authority.context()) as port:
        outcome = ask(table, port, env, ca_file=authority.file)
    assert outcome.status is Status.PASS, outcome


BAD = {
    "no trusted authority signed": ("127.0.0.1", 30),
    "for another name": ("db.example.org", 30),
    "has expired": ("127.0.0.1", -1),
}


@BOTH
@pytest.mark.parametrize("says", BAD)
def test_g13_a_certificate_that_does_not_hold_is_a_fail(
    table: str, says: str, ask: Ask, front: Front, authority: Authority
) -> None:
    """An unknown authority, another name, an end that is past: each FAIL for its own reason, and nothing is sent."""
    trusted = {} if "authority" in says else {"ca_file": authority.file}
    with front(table, authority.context(*BAD[says])) as port:
        outcome = ask(table, port, **trusted)
    assert (outcome.status, says in outcome.summary) == (Status.FAIL, True), outcome
    assert outcome.hint


@BOTH
def test_g13_a_certificate_that_ends_soon_is_a_warning(
    table: str, ask: Ask, front: Front, authority: Authority
) -> None:
    """Within 14 days of its end the server's certificate is a WARN that says the day; at 15 days it is not yet."""
    for days, expected in ((13.9, Status.WARN), (15, Status.PASS)):
        with front(table, authority.context(days=days)) as port:
            outcome = ask(table, port, ca_file=authority.file)
        assert outcome.status is expected, outcome
        day = f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%d}"
        assert (f"certificate expires on {day}" in outcome.summary) == (expected is Status.WARN)


@BOTH
def test_g13_our_own_certificate(table: str, ask: Ask, front: Front, authority: Authority) -> None:
    """Where the server asks for a certificate: with ours PASS, without one FAIL, with one that ends soon WARN."""
    with front(table, authority.context(asks=True)) as port:
        for days, expected in ((30, Status.PASS), (3, Status.WARN)):
            certificate, key = authority.pair("bot.example.org", days)
            outcome = ask(table, port, ca_file=authority.file, cert_file=certificate, key_file=key)
            assert outcome.status is expected, outcome
        outcome = ask(table, port, ca_file=authority.file)
    assert outcome.status is Status.FAIL, outcome
    assert "CERT_FILE" in outcome.hint


@BOTH
def test_g13_a_server_without_tls_is_a_fail(
    table: str, ask: Ask, servers: dict[str, Any], authority: Authority
) -> None:
    """TLS that was asked for is never left out: Postgres says that it has none, a Redis waits for the rest of it."""
    outcome = ask(table, servers[table]["port"], ca_file=authority.file, timeout=0.5)
    assert outcome.status is {"redis": Status.ERROR, "postgres": Status.FAIL}[table], outcome
    assert {"redis": "did not answer", "postgres": "has no TLS"}[table] in outcome.summary


def test_g13_two_urls_are_all_that_a_platforms_user_gives(
    servers: dict[str, Any], front: Front, authority: Authority, open_dir: Path
) -> None:
    """`REDIS_URL=rediss://... DATABASE_URL=postgres://...?sslmode=verify-full preflight --env paper` says GO.

    What else the run needs is no address: where metrics go, and the bot's own READ_ONLY.
    """
    redis, postgres = servers["redis"], servers["postgres"]
    textfile = open_dir / "textfile"
    textfile.mkdir()
    textfile.chmod(0o755)
    with ExitStack() as stack:
        ports = {table: stack.enter_context(front(table, authority.context())) for table in ("redis", "postgres")}
        variables = {
            "REDIS_URL": f"rediss://:{redis['password']}@127.0.0.1:{ports['redis']}/0",
            "DATABASE_URL": f"postgres://{postgres['user']}:{postgres['password']}@127.0.0.1:{ports['postgres']}"
            f"/{postgres['database']}?sslmode=verify-full",
        }
        machine = {
            "PATH": os.environ["PATH"],
            "HOME": str(open_dir),
            "PYTHONPATH": str(Path(__file__).parents[3]),
            "PREFLIGHT_TEXTFILE_DIR": str(textfile),
            "READ_ONLY": "true",
            "SSL_CERT_FILE": str(authority.file),  # the machine's own authorities
        }
        done = subprocess.run(
            [sys.executable, "-m", "preflight", "--env", "paper"],
            cwd=open_dir,
            env={**machine, **variables},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "GO" in done.stdout
    for secret in (redis["password"], postgres["password"]):
        assert secret not in done.stdout + done.stderr


def _load(env: str, table: str, place: Path, **keys: object) -> Settings:
    """Load settings as they stand in a `preflight.toml`."""
    lines = (f"{key} = {json.dumps(value)}" for key, value in {**TLS[table], "host": "h", **keys}.items())
    (place / "preflight.toml").write_text("\n".join((f"[{table}]", *lines)), encoding="utf-8")
    return load({"env": env}, environ={}, cwd=place)


@BOTH
def test_g13_a_ca_file_that_is_missing_is_named(table: str, tmp_path: Path) -> None:
    """Exit 2 with the key and the file: nothing is asked without what checks the answer."""
    with pytest.raises(UsageError, match=r"ca_file .*missing\.pem cannot be read: No such file"):
        _load("paper", table, tmp_path, ca_file=str(tmp_path / "missing.pem"))


@BOTH
def test_g13_a_key_that_others_may_read_is_refused_in_live(table: str, tmp_path: Path, authority: Authority) -> None:
    """In live a key file of mode 0644 is exit 2 with the command that mends it; with 0600 it is taken."""
    certificate, key = authority.pair("readable.example.org")
    files = {"cert_file": str(certificate), "key_file": str(key)}
    key.chmod(0o644)
    with pytest.raises(UsageError, match=rf"{table}\.key_file .* may be read by others: chmod 600"):
        _load("live", table, tmp_path, **files)
    key.chmod(0o600)
    assert getattr(_load("live", table, tmp_path, **files), table).require_proof is True


@BOTH
def test_g13_a_certificate_may_be_read_but_not_written_by_others(
    table: str, tmp_path: Path, authority: Authority
) -> None:
    """A certificate is public; one that others may write would let them say who the server is."""
    certificate, _ = authority.pair("public.example.org")
    certificate.chmod(0o644)
    assert getattr(_load("live", table, tmp_path, ca_file=str(certificate)), table).ca_file == certificate
    certificate.chmod(0o666)
    with pytest.raises(UsageError, match=rf"{table}\.ca_file: others may write .*: chmod go-w"):
        _load("live", table, tmp_path, ca_file=str(certificate))


@BOTH
def test_g13_proof_cannot_be_switched_off_in_live(table: str, tmp_path: Path) -> None:
    """`require_proof = false` is exit 2 in live, and may be said elsewhere."""
    with pytest.raises(UsageError, match=rf"{table}\.require_proof is always true in live"):
        _load("live", table, tmp_path, require_proof=False)
    assert getattr(_load("paper", table, tmp_path, require_proof=False), table).require_proof is False
