"""``make rotate SECRET=...``: another value for one secret of the compose stack, known to its server and to its users.

The new value waits in a file of its own until the server has taken it, so that whoever is interrupted types the same
command again: it goes on with that value. It is on no command line and in no message.
"""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from filelock import FileLock, Timeout

from acceptance.stack.binaries.cache import cache_root
from acceptance.stack.compose import secrets as compose_secrets
from acceptance.stack.compose.operate import volumes
from acceptance.stack.docker import docker_cli as engine
from acceptance.stack.interface import StackError
from acceptance.stack.ports import HOST
from preflight.redaction import scrub

ROOT = Path(__file__).resolve().parents[4]
"""The checkout."""

SECONDS = 120.0  # for services to be made again and healthy
_KEEP = "grafana_secret_key"

SERVICES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "redis_password": ("redis", "engine"),
        "postgres_password": ("postgres", "engine"),
        "postgres_owner_password": ("postgres",),
        "grafana_admin_password": ("grafana",),
    }
)
"""Secret -> services that have to be made again: a running container keeps the file that it was started with."""

_ROLES: Mapping[str, str] = MappingProxyType(
    {"postgres_password": "APPLICATION_ROLE", "postgres_owner_password": "POSTGRES_USER"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningProject:
    """The operator's compose project."""

    docker_dir: Path
    config: Mapping[str, Any]  # as compose understands its files

    @property
    def running(self) -> frozenset[str]:
        """Services that run."""
        done = self.compose("ps", "--services", "--status", "running")
        if done.code != 0:
            message = f"whether the stack runs cannot be told: {done.last_line}"
            raise StackError(message)
        return frozenset(done.stdout.split())

    def compose(self, *words: str, seconds: float = engine.QUESTION_SECONDS) -> engine.DockerResult:
        """Run a compose command as the operator would."""
        return engine.run(("docker", "compose", *words), seconds=seconds, env=dict(os.environ), cwd=self.docker_dir)


def rotate(stack: RunningProject, name: str, *, dry_run: bool, tell: Callable[[str], object]) -> None:
    """Make a new value, have its server take it, then its users.

    Raises:
        StackError: It cannot be done; the old value holds, or the sentence says that the command is to be typed again.
    """
    file = Path(stack.config["secrets"][name]["file"])
    running = stack.running
    affected = [each for each in SERVICES[name] if each in running]
    if name != "redis_password" and SERVICES[name][0] not in running:
        message = (
            f"{SERVICES[name][0]} does not run, and has to take the new value: 'docker compose up -d --wait' first"
        )
        raise StackError(message)
    old = compose_secrets.read(file.parent)[name]
    tell(f"{file} gets a new value; made again: {', '.join(affected) or 'nothing, since nothing runs'}")
    if dry_run:
        tell("a dry run: nothing was changed")
        return
    waiting = file.with_name(f".{name}.next")
    if waiting.exists():
        tell("going on where the command was interrupted")
    else:
        descriptor = os.open(waiting, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as sink:
            sink.write(secrets.token_hex(compose_secrets.BYTES))
            sink.flush()
            os.fsync(sink.fileno())
    new = waiting.read_text(encoding="utf-8")
    if len(new) != 2 * compose_secrets.BYTES:  # killed while it was written, before any server knew it
        waiting.unlink()
        message = f"{waiting} was only half written: it is removed; type the command again"
        raise StackError(message)
    if name in _ROLES:
        _tell_postgres(stack, _ROLES[name], new)
    elif name == "grafana_admin_password":
        _tell_grafana(stack, old, new)
    # The services before the waiting file goes: whoever is interrupted in between goes on with the same value.
    draft = file.with_name(f".{name}.draft")
    draft.write_text(new, encoding="utf-8")
    draft.chmod(0o444)
    draft.replace(file)
    if affected:
        up = ("up", "-d", "--force-recreate", "--no-deps", "--no-build", "--wait", "--wait-timeout", "60", *affected)
        done = stack.compose(*up, seconds=SECONDS)
        if done.code != 0:
            message = (
                f"{', '.join(affected)} did not get healthy with the new value: {done.last_line}; 'make doctor' helps"
            )
            raise StackError(f"{message}; then type the command again")
    waiting.unlink()
    tell(f"done: {name} has a new value" + (f", and {', '.join(affected)} are healthy with it" if affected else ""))


def _tell_postgres(stack: RunningProject, variable: str, new: str) -> None:
    """Over the socket in its container, where its owner needs no password; the statement comes by stdin."""
    script = f'exec psql -wqX -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d postgres -v role="${variable}"'
    sql = f"SET log_min_error_statement = panic;\nSET log_statement = 'none';\nALTER ROLE :\"role\" PASSWORD '{new}';\n"
    done = subprocess.run(
        ("docker", "compose", "exec", "-T", "postgres", "sh", "-c", script),
        input=sql,
        cwd=stack.docker_dir,
        capture_output=True,
        text=True,
        timeout=engine.QUESTION_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        message = f"postgres does not take the new value, so the old one holds: {done.stderr.strip()[-300:]}"
        raise StackError(scrub(message, (new,)))


def _tell_grafana(stack: RunningProject, old: str, new: str) -> None:
    """A Grafana keeps it in its database and is told; the stand-in reads its file when it is made again."""
    import requests  # noqa: PLC0415 - only here

    from acceptance.world.grafana.identity import is_standin  # noqa: PLC0415

    service = stack.config["services"]["grafana"]
    at = f"http://{HOST}:{service['ports'][0]['published']}/api"
    user = service["environment"]["GF_SECURITY_ADMIN_USER"]
    try:
        if is_standin(requests.get(f"{at}/health", timeout=10).json()):
            return
        if requests.get(f"{at}/user", auth=(user, new), timeout=10).status_code == 200:
            return  # it knows it already, from before an interruption
        body = {"oldPassword": old, "newPassword": new, "confirmNew": new}
        answer = requests.put(f"{at}/user/password", json=body, auth=(user, old), timeout=10)
    except (requests.RequestException, ValueError) as error:
        message = f"grafana cannot be asked ({type(error).__name__}), so the old value holds: look at its log"
        raise StackError(message) from None
    if answer.status_code != 200:
        message = f"grafana does not take the new value (HTTP {answer.status_code}), so the old one holds"
        raise StackError(message)


def main(argv: Sequence[str] | None = None) -> int:
    """Rotate one secret; 0, or 1 with one sentence."""
    parser = argparse.ArgumentParser(
        prog="make rotate", description="Give a secret of the compose stack another value."
    )
    parser.add_argument("--secret", default="", help=", ".join(SERVICES))
    parser.add_argument("--dry-run", action="store_true", help="look at everything, change nothing")
    parser.add_argument("--docker-dir", type=Path, default=ROOT / "docker", help="folder of docker-compose.yml")
    options = parser.parse_args(argv)

    def tell(line: str) -> None:
        sys.stderr.write(f"rotate: {line}\n")

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    if options.secret == _KEEP:
        tell(f"{_KEEP} stays: it encrypts what Grafana's database holds, which nothing could read any more")
        return 1
    if options.secret not in SERVICES:
        tell(f"which secret? SECRET=... is one of {', '.join(SERVICES)}")
        return 1
    earlier = signal.signal(signal.SIGTERM, stop)
    try:
        docker_dir = options.docker_dir.absolute()
        stack = RunningProject(docker_dir=docker_dir, config=volumes.ask_compose(docker_dir))
        cache_root().mkdir(parents=True, exist_ok=True)
        with FileLock(cache_root() / f"data-{stack.config['name']}.lock").acquire(timeout=0):
            rotate(stack, options.secret, dry_run=options.dry_run, tell=tell)
    except Timeout:
        tell("a backup, restore or rotation of this stack is at work: wait for it or end it")
        return 1
    except (StackError, compose_secrets.SecretsError, OSError, subprocess.TimeoutExpired) as error:
        tell(f"{error.cmd[0]} gave no answer in time" if isinstance(error, subprocess.TimeoutExpired) else str(error))
        return 1
    except KeyboardInterrupt:
        tell("interrupted: type the same command again, it goes on with the same value")
        return 1
    finally:
        signal.signal(signal.SIGTERM, earlier)
    return 0


if __name__ == "__main__":
    sys.exit(main())
