"""A real pgbouncer in front of a real Postgres, with one server session for everybody."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2

from acceptance.stack.ports import Ports
from acceptance.stack.wait import Observation, wait_until
from preflight.config.sections import PostgresSection

_CONFIG = """
[databases]
* = host={host} port={port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = {mode}
default_pool_size = 1
max_client_conn = 20
server_reset_query = DISCARD ALL
logfile = {log}
pidfile = {pid}
"""


@contextmanager
def pooled(server: PostgresSection, mode: str) -> Iterator[PostgresSection]:
    """Run pgbouncer in a pooling mode; what is given leads to it with the server's own role."""
    program = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
    password = server.password.get_secret_value() if server.password is not None else ""
    # It refuses to be root, and what it reads and writes has to be its user's.
    with tempfile.TemporaryDirectory() as name, Ports.free(("pgbouncer",)) as ports:
        folder = Path(name)
        folder.chmod(0o755)
        users = folder / "users"
        users.write_text(f'"{server.user}" "{password}"\n')
        config, log = folder / "pgbouncer.ini", folder / "log"
        listen = ports["pgbouncer"]
        config.write_text(
            _CONFIG.format(
                host=server.host, port=server.port, listen=listen, users=users, mode=mode, log=log, pid=folder / "pid"
            )
        )
        for path in (folder, users, config):
            shutil.chown(path, "nobody")
        process = subprocess.Popen(
            [program, "-q", "-u", "nobody", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        try:
            section = server.model_copy(update={"port": listen})
            wait_until(lambda: _answers(section), asked="pgbouncer", timeout=10)
            yield section
        finally:
            process.terminate()
            process.communicate(timeout=10)


def connect(section: PostgresSection) -> psycopg2.extensions.connection:
    """Connect as the bot would, in autocommit mode."""
    connection = psycopg2.connect(
        host=section.host,
        port=section.port,
        user=section.user,
        password=section.password.get_secret_value() if section.password is not None else None,
        dbname=section.database,
    )
    connection.autocommit = True
    return connection


def _answers(section: PostgresSection) -> Observation[None]:
    try:
        with closing(connect(section)):
            return Observation(done=True, said="connected")
    except psycopg2.OperationalError as error:
        return Observation(done=False, said=str(error))
