"""G13 and Q1 on servers that have TLS of their own: Valkey with `tls-port`, Postgres with `hostssl`, in containers."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from testcontainers.core.config import ConnectionMode, testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from acceptance.stack.compose.images import choose
from acceptance.stack.ports import HOST
from preflight.check import Context
from preflight.checks.postgres import PostgresCheck
from preflight.checks.redis import RedisCheck
from preflight.config.settings import Settings
from preflight.model import Status
from tests.preflight.servers.conftest import Authority
from tests.preflight.servers.front import tls_front

pytestmark = [pytest.mark.compose, pytest.mark.timeout(900)]

MakeContext = Callable[..., Context]
MakeSettings = Callable[..., Settings]
PASSWORD = "made-up-for-a-minute"
HBA = """local all all trust
hostssl all bycert all cert
hostssl all all all scram-sha-256
hostnossl all relayed all scram-sha-256
"""


@pytest.fixture(scope="module", autouse=True)
def images() -> Iterator[dict[str, str]]:
    """Variable -> image built here; testcontainers' helper, whose image a registry would have to give, is off."""
    before = (testcontainers_config.ryuk_disabled, testcontainers_config.connection_mode_override)
    testcontainers_config.ryuk_disabled = True
    testcontainers_config.connection_mode_override = ConnectionMode.docker_host
    yield dict(choose.prepare("local").names)
    testcontainers_config.ryuk_disabled, testcontainers_config.connection_mode_override = before


def _port(container: DockerContainer, port: int) -> int:
    container.reload()
    (published,) = container.get_wrapped_container().ports[f"{port}/tcp"]
    return int(published["HostPort"])


def _put(container: DockerContainer, files: dict[str, bytes], uid: int) -> None:
    """Write files into /tmp/tls of a container, for that user alone."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.uid, entry.gid = len(content), 0o600, uid, uid
            archive.addfile(entry, io.BytesIO(content))
    assert container.get_wrapped_container().put_archive("/tmp/tls", packed.getvalue())


def _files(authority: Authority) -> dict[str, bytes]:
    certificate, key = authority.pair("127.0.0.1", 29)
    named = {"server.pem": certificate, "server.key": key, "ca.pem": authority.file}
    return {name: path.read_bytes() for name, path in named.items()}


@pytest.fixture(scope="module")
def valkey(images: dict[str, str], authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A Valkey that speaks TLS only and asks for a certificate; gives its port."""
    place = tmp_path_factory.mktemp("tls")
    for name, content in _files(authority).items():
        (place / name).write_bytes(content)
        (place / name).chmod(0o644)  # the container's user has to read it; it is worth nothing in a minute
    place.chmod(0o755)
    options = ("--tls-port", "6379", "--port", "0", "--tls-cert-file", "/tls/server.pem")
    more = ("--tls-key-file", "/tls/server.key", "--tls-ca-cert-file", "/tls/ca.pem", "--requirepass", PASSWORD)
    container = DockerContainer(images["REDIS_IMAGE"]).with_volume_mapping(place, "/tls")
    container.with_command(["redis-server", "--save", "", *options, *more])
    container.ports = {"6379/tcp": (HOST, None)}  # type: ignore[dict-item] # docker-py takes a pair
    with container.waiting_for(LogMessageWaitStrategy("Ready to accept connections")):
        yield _port(container, 6379)


@pytest.mark.parametrize("env", ["paper", "live"])
def test_g13_valkey_with_tls_of_its_own(
    env: str, valkey: int, authority: Authority, make_context: MakeContext, make_settings: MakeSettings
) -> None:
    """With our certificate PASS; without one FAIL, for the server breaks the handshake off."""
    certificate, key = authority.pair("bot.example.org", 28)
    reach = {"url": f"rediss://:{PASSWORD}@{HOST}:{valkey}/0", "ca_file": authority.file, "timeout": 2.0}
    ours = {"cert_file": certificate, "key_file": key}
    outcomes = [
        RedisCheck().run(make_context(settings=make_settings(env=env, redis={**reach, **more}))) for more in (ours, {})
    ]
    assert [outcome.status for outcome in outcomes] == [Status.PASS, Status.FAIL], outcomes


@pytest.fixture(scope="module")
def postgres(images: dict[str, str], authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A Postgres whose pg_hba.conf has `hostssl` lines only; gives its port."""
    secret = tmp_path_factory.mktemp("secret") / "password"
    secret.write_text(PASSWORD, encoding="utf-8")
    secret.chmod(0o444)  # the server's own user has to read it
    container = DockerContainer(images["POSTGRES_IMAGE"]).with_volume_mapping(secret, "/run/password")
    container.with_env("POSTGRES_PASSWORD_FILE", "/run/password").with_env("POSTGRES_USER", "postgres")
    container.ports = {"5432/tcp": (HOST, None)}  # type: ignore[dict-item] # docker-py takes a pair
    with container.waiting_for(LogMessageWaitStrategy("listening on IPv4 address")):

        def run(*argv: str) -> str:
            done = container.exec(list(argv))
            assert done.exit_code == 0, done.output
            return str(done.output.decode())

        run("mkdir", "/tmp/tls")
        _put(container, {**_files(authority), "pg_hba.conf": HBA.encode()}, int(run("id", "-u")))
        for statement in (
            "CREATE ROLE bycert LOGIN",
            f"CREATE ROLE relayed LOGIN PASSWORD '{PASSWORD}'",
            "GRANT CREATE ON SCHEMA public TO bycert, relayed",  # for the gate's trial row, as no `db migrate` was run
            "ALTER SYSTEM SET ssl_cert_file = '/tmp/tls/server.pem'",
            "ALTER SYSTEM SET ssl_key_file = '/tmp/tls/server.key'",
            "ALTER SYSTEM SET ssl_ca_file = '/tmp/tls/ca.pem'",
            "ALTER SYSTEM SET ssl = on",
        ):
            run("psql", "-qU", "postgres", "-c", statement)
        hba = run("psql", "-qAtU", "postgres", "-c", "SHOW hba_file").strip()
        run("sh", "-c", f"cat /tmp/tls/pg_hba.conf > {hba}")
        run("psql", "-qU", "postgres", "-c", "SELECT pg_reload_conf()")
        yield _port(container, 5432)


ROLE = {"host": HOST, "user": "postgres", "database": "postgres", "password": PASSWORD}


@pytest.fixture
def ask(postgres: int, make_context: MakeContext, make_settings: MakeSettings) -> Callable[..., Any]:
    """Run the check on it."""

    def run(env: str = "paper", **more: Any) -> Any:
        section = {**ROLE, "port": postgres, **more}
        return PostgresCheck().run(make_context(settings=make_settings(env=env, postgres=section)))

    return run


@pytest.mark.parametrize("env", ["paper", "live"])
@pytest.mark.parametrize("how", ["verify-full", "bound", "certificate"])
def test_g13_postgres_with_hostssl(how: str, env: str, ask: Callable[..., Any], authority: Authority) -> None:
    """By its certificate, by a password bound to the TLS connection, and with a certificate of ours: PASS."""
    certificate, key = authority.pair("bycert", 27)
    full = {"sslmode": "verify-full", "ca_file": authority.file}
    ways: dict[str, dict[str, Any]] = {
        "verify-full": full,
        "bound": {"sslmode": "require", "channel_binding": "require"},
        "certificate": {**full, "user": "bycert", "cert_file": certificate, "key_file": key, "password": None},
    }
    outcome = ask(env, **ways[how])
    assert outcome.status is Status.PASS, outcome


def test_g13_postgres_wants_a_certificate_of_ours(ask: Callable[..., Any], authority: Authority) -> None:
    """Without it, FAIL that names the settings."""
    outcome = ask(sslmode="verify-full", ca_file=authority.file, user="bycert")
    assert (outcome.status, "CERT_FILE" in outcome.hint) == (Status.FAIL, True), outcome


def test_q1_who_sits_in_between_is_noticed(
    postgres: int, authority: Authority, make_context: MakeContext, make_settings: MakeSettings
) -> None:
    """A rogue with a TLS of its own that hands everything on to the real server is let in unless the TLS is bound."""
    with tls_front(authority.context(), postgres, postgres=True) as port:
        section = {**ROLE, "user": "relayed", "port": port, "sslmode": "require"}
        bound, free = (
            PostgresCheck().run(
                make_context(settings=make_settings(env="live", postgres={**section, "channel_binding": binding}))
            )
            for binding in ("require", "disable")
        )
    assert (bound.status, "has no TLS that proves who it is" in bound.summary) == (Status.FAIL, True), bound
    assert free.status is Status.PASS, free  # so that it is the binding which tells, and nothing else
