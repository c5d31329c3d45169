from __future__ import annotations

import contextlib
import os
import pwd
import re
import signal
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import psutil
import psycopg2
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from acceptance.stack.binaries.component import Component
from acceptance.stack.binaries.resolve import resolve_all
from acceptance.stack.embedded.stack import EmbeddedStack
from acceptance.stack.interface import SERVICES, Stack, StackError
from acceptance.stack.readiness import http_get
from acceptance.stack.run_as import User, can_traverse, service_user
from acceptance.stack.wait import Observation, wait_until
from tests.acceptance.stack.light import gone, vanished

pytestmark = pytest.mark.leg("system")


@pytest.fixture(scope="module")
def stack() -> Iterator[EmbeddedStack]:
    """The whole stack, started once for all tests of this file."""
    with EmbeddedStack() as running:
        yield running


def servers(stack: EmbeddedStack) -> list[psutil.Process]:
    """Every process below the supervisor that is not just ending."""
    below = psutil.Process(stack.supervisor_pid).children(recursive=True)
    return [each for each in below if each.status() != psutil.STATUS_ZOMBIE]


def client(stack: EmbeddedStack) -> redis.Redis:
    """A Redis client."""
    settings = stack.settings()["redis"]
    return redis.Redis(**settings, socket_timeout=0.5, retry=Retry(NoBackoff(), 0))


def query(stack: EmbeddedStack, statement: str, **changed: str) -> list[tuple[object, ...]]:
    """Run a statement as the application's role."""
    settings = {**stack.settings()["postgres"], **changed}
    connection = psycopg2.connect(**settings)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def test_every_service_is_healthy_and_says_its_version(stack: EmbeddedStack) -> None:
    """All six run, answer their own question, and have a version and a source."""
    states = stack.services()
    assert tuple(each.name for each in states) == SERVICES
    assert [each for each in states if not (each.running and each.healthy and each.version)] == []
    assert set(stack.versions()) == set(SERVICES)
    assert isinstance(stack, Stack)


def test_nothing_listens_beyond_the_loopback(stack: EmbeddedStack) -> None:
    """Every TCP socket of every server is on 127.0.0.1, and no database socket lies in the file system."""
    places = set()
    sockets: list[str] = []
    for each in servers(stack):
        with contextlib.suppress(psutil.NoSuchProcess):  # Postgres' workers come and go
            places |= {one.laddr for one in each.net_connections(kind="tcp") if one.status == psutil.CONN_LISTEN}
            sockets += [str(one.laddr) for one in each.net_connections(kind="unix") if "PGSQL" in str(one.laddr)]
    assert sockets == []
    assert {ip for ip, _ in places} == {"127.0.0.1"}
    assert {port for _, port in places} >= set(stack.ports.values())


def test_postgres_and_node_exporter_never_run_as_root(stack: EmbeddedStack) -> None:
    """Root's stack switches those two to an unprivileged user; anybody else's stack switches nothing."""
    user = service_user()
    expected = os.getuid() if user is None else user.uid
    uids = {row["service"]: psutil.Process(row["pid"]).uids().real for row in stack.processes()}
    assert uids.pop("postgres") == expected != 0
    assert uids.pop("node-exporter") == expected
    assert set(uids.values()) == {os.getuid()}


def test_q13_no_other_account_reaches_the_data(stack: EmbeddedStack) -> None:
    """No account but the stack's own and the one that Postgres runs as can enter where its data and password are."""
    home = stack.layout.data("postgres")
    assert (home / "owner-password").is_file()
    own = {0, os.getuid(), *(psutil.Process(row["pid"]).uids().real for row in stack.processes())}
    others = [each for each in pwd.getpwall() if each.pw_uid not in own]
    assert "nobody" in {each.pw_name for each in others}
    assert [
        each.pw_name for each in others if can_traverse(home, User(name=each.pw_name, uid=each.pw_uid, gid=each.pw_gid))
    ] == []


def test_no_secret_is_in_a_process_table_or_a_log(stack: EmbeddedStack) -> None:
    """Neither a command line, nor an environment, nor a log shows any secret of the stack."""
    seen = {name: stack.logs(name) for name in (*SERVICES, "supervisor")}
    for each in servers(stack):
        with contextlib.suppress(psutil.NoSuchProcess):
            seen[f"process {each.pid}"] = " ".join([*each.cmdline(), *map(str, each.environ().values())])
    leaks = [(where, len(secret)) for where, text in seen.items() for secret in stack.secrets if secret in text]
    assert leaks == []


def test_only_the_generated_passwords_are_accepted(stack: EmbeddedStack) -> None:
    """Redis, Postgres and Grafana refuse no password, a wrong one, and the usual defaults."""
    with (
        redis.Redis(port=stack.ports["redis"], retry=Retry(NoBackoff(), 0)) as nobody,
        pytest.raises(redis.AuthenticationError),
    ):
        nobody.ping()
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        query(stack, "SELECT 1", password="postgres")
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        query(stack, "SELECT 1", user="postgres", password="postgres")
    assert http_get(stack.ports["grafana"], "/api/org", login=("admin", "admin"))[0] == 401
    assert http_get(stack.ports["grafana"], "/api/org", login=stack.grafana_auth)[0] == 200


def test_the_applications_role_is_no_superuser(stack: EmbeddedStack) -> None:
    """It owns its database and nothing else."""
    assert query(stack, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") == [(False,)]


def test_preflight_runs_against_it(stack: EmbeddedStack) -> None:
    """A run reaches both databases, and what it writes is what node_exporter reads."""
    run = stack.run_preflight("--env", "test")
    assert run.report, run.stderr
    checks = {each["id"]: each["status"] for each in run.report["checks"]}
    assert (checks["redis"], checks["postgres"], checks["storage"]) == ("pass", "pass", "pass"), run.stderr
    wanted = 'arbitrage_preflight_last_run_timestamp_seconds{env="test"}'
    assert wanted in run.prom
    assert wanted in http_get(stack.ports["node-exporter"], "/metrics")[1]
    assert not [secret for secret in stack.secrets if secret in run.stdout + run.stderr + str(run.report) + run.prom]


def test_prometheus_scrapes_every_target(stack: EmbeddedStack) -> None:
    """Engine, node_exporter and Prometheus itself come up as targets, at one-second intervals."""

    def up() -> Observation[None]:
        body = http_get(stack.ports["prometheus"], "/api/v1/query?query=sum(up)")[1]
        return Observation(done='"3"]' in body, said=body)

    wait_until(up, asked="sum(up) to be 3", timeout=8)


def test_data_survives_a_stop_and_a_start(stack: EmbeddedStack) -> None:
    """Redis and Postgres come back on their ports with what they were given."""
    ports = stack.ports
    with client(stack) as connection:
        connection.set("kept", "yes")
    query(stack, "CREATE TABLE kept AS SELECT 7 AS number")
    for name in ("redis", "postgres"):
        stack.stop_service(name)
        state = next(each for each in stack.services() if each.name == name)
        assert (state.running, state.healthy) == (False, False)
        stack.start_service(name)
    assert stack.ports == ports
    with client(stack) as connection:
        assert connection.get("kept") == b"yes"
    assert query(stack, "SELECT number FROM kept") == [(7,)]


def test_a_paused_service_is_silent_and_comes_back(stack: EmbeddedStack) -> None:
    """A paused Redis holds its port and answers nothing; resumed, it still has what it held in memory."""
    with client(stack) as connection:
        connection.set("held", "yes")
    stack.pause_service("redis")
    with client(stack) as connection, pytest.raises(redis.TimeoutError):
        connection.ping()
    state = next(each for each in stack.services() if each.name == "redis")
    assert (state.running, state.healthy) == (False, False)
    stack.resume_service("redis")
    with client(stack) as connection:
        assert connection.get("held") == b"yes"


def test_two_stacks_stand_side_by_side(stack: EmbeddedStack) -> None:
    """A second stack gets ports, folder, data and secrets of its own, and its end leaves the first alone."""
    with EmbeddedStack(services=("redis", "node-exporter")) as other:
        assert not set(other.ports.values()) & set(stack.ports.values())
        assert not set(other.secrets) & set(stack.secrets)
        assert other.layout.root != stack.layout.root
        with client(other) as connection:
            connection.set("only", "here")
        with client(stack) as connection:
            assert connection.get("only") is None
        processes = servers(other)
    gone(processes)
    with client(stack) as connection:
        assert connection.ping()


def hidden_below(folder: Path) -> Callable[[Sequence[str]], Mapping[str, Component]]:
    """A resolver whose node_exporter lies below a 0700 folder."""

    def resolve(names: Sequence[str]) -> Mapping[str, Component]:
        found = resolve_all(names)
        place = folder / "cache"
        place.mkdir(mode=0o700)
        program = place / "node_exporter"
        program.write_bytes(found["node_exporter"].binary.read_bytes())
        program.chmod(0o755)
        return {**found, "node_exporter": replace(found["node_exporter"], binary=program, home=None)}

    return resolve


def test_it_runs_where_only_the_caller_can_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cache and TMPDIR below a 0700 folder: the other user's program and data are put within its reach."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with EmbeddedStack(services=("node-exporter",), resolve=hidden_below(tmp_path)) as stack:
        moved = not servers(stack)[0].cmdline()[0].startswith(str(tmp_path / "cache"))
        assert moved is (service_user() is not None)
        assert stack.services()[0].healthy
        assert not stack.layout.root.is_relative_to(tmp_path.resolve())  # the gate wants others to get to its file


def test_a_kept_stack_says_where_everything_is() -> None:
    """Kept, it runs on; what is said holds its folder, a private file with Grafana's login, and how to end it."""
    stack = EmbeddedStack(services=("redis",))
    stack.start()
    processes, folder, (user, password) = servers(stack), stack.layout.root, stack.grafana_auth
    said = stack.keep()
    try:
        match = re.fullmatch(r"kill (\d+) \(its folder is (\S+), Grafana's login is in (\S+)\)", said)
        assert match is not None, said
        assert (Path(match[2]), password in said) == (folder, False)
        login = Path(match[3])
        assert login.read_text(encoding="utf-8") == f"user={user}\npassword={password}\n"
        assert stat.S_IMODE(login.stat().st_mode) == 0o600
        assert all(each.is_running() for each in processes)
    finally:
        os.kill(int(said.split()[1]), signal.SIGTERM)
    gone(processes)
    vanished(folder)


def test_stop_leaves_nothing_but_the_logs() -> None:
    """After stop no process and no folder is left; the logs can still be read, and stopping twice is fine."""
    stack = EmbeddedStack(services=("redis",))
    stack.start()
    processes, folder = servers(stack), stack.layout.root
    stack.stop()
    stack.stop()
    gone(processes)
    assert not folder.exists()
    assert "Ready to accept connections" in stack.logs("redis")


def test_a_start_that_fails_leaves_nothing_and_can_be_read(tmp_path: Path) -> None:
    """When node_exporter cannot start, the others end, the folder goes; log and states are kept for the evidence."""

    def resolve(names: Sequence[str]) -> Mapping[str, Component]:
        broken = tmp_path / "node_exporter"
        broken.write_text("#!/bin/sh\necho 'no collectors today'\nexit 4\n")
        broken.chmod(0o755)
        found = resolve_all(names)
        return {**found, "node_exporter": replace(found["node_exporter"], binary=broken, home=None)}

    stack = EmbeddedStack(services=("redis", "node-exporter"), resolve=resolve)
    with pytest.raises(
        StackError, match=r"node-exporter did not become ready(.|\n)*exit code 4(.|\n)*no collectors today"
    ):
        stack.start()
    assert "no collectors today" in stack.logs("node-exporter")
    states = {each.name: each for each in stack.services()}
    assert (states["node-exporter"].running, states["node-exporter"].healthy) == (False, False)
    assert states["node-exporter"].detail.startswith("died; ")
    assert (states["redis"].running, "redis" in stack.versions()) == (True, True)
    with pytest.raises(StackError, match="not running"):
        stack.processes()
