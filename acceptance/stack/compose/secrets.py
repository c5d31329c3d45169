"""The secret files that ``docker-compose.yml`` hands to its containers.

``python -m acceptance.stack.compose.secrets`` (``make secrets``) makes those that are missing; it needs nothing but
Python. Compose gives a file to a container with the mode it has on the host, and each container runs as a user of its
own, so the files are readable by all (0444) inside a folder that only its owner can enter (0700).
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from acceptance.stack.docker import env_file

ROOT = Path(__file__).resolve().parents[3]
"""The checkout."""

NAMES: Mapping[str, str] = {
    "redis_password": "the password of Redis",
    "postgres_owner_password": "the password of Postgres' owner, who makes the role below",
    "postgres_password": "the password of the role that the bot and preflight use",
    "grafana_admin_password": "the password of Grafana's administrator",
    "grafana_secret_key": "what Grafana encrypts its database's secrets with",
}
"""File name -> what it is. The names are those in docker-compose.yml."""

OPERATOR = "preflight"
"""Folder for secrets that only the operator can give, such as a Telegram token; preflight sees it as /run/preflight."""

BYTES = 20
"""160 bits; as hexadecimal digits, no character of which any configuration format could misread."""


class SecretsError(RuntimeError):
    """The secret files cannot be made or used; one sentence, never with a value in it."""


def make(folder: Path) -> tuple[str, ...]:
    """Make the files that are missing; those that are there are kept, since servers already know them.

    Returns:
        Names of the files that were made.

    Raises:
        SecretsError: A file is there but empty, or the folder cannot be written.
    """
    made = []
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        (folder / OPERATOR).mkdir(exist_ok=True)
        (folder / OPERATOR).chmod(0o755)
        for name in NAMES:
            path = folder / name
            if not path.exists():
                _write(path, secrets.token_hex(BYTES))
                made.append(name)
            elif not path.is_file() or path.stat().st_size == 0:
                message = f"{path} is no file with a value in it: remove it, then run 'make secrets' again"
                raise SecretsError(message)
            path.chmod(0o444)
    except OSError as error:
        message = f"{folder} cannot be written ({error.strerror}): give it to the user who runs this"
        raise SecretsError(message) from error
    return tuple(made)


def read(folder: Path) -> dict[str, str]:
    """Name -> value of every secret file.

    Raises:
        SecretsError: One is missing, unreadable or empty.
    """
    values = {}
    for name in NAMES:
        try:
            values[name] = (folder / name).read_text(encoding="utf-8").strip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            message = f"{folder / name} cannot be read ({type(error).__name__}): run 'make secrets'"
            raise SecretsError(message) from error
        if not values[name]:
            message = f"{folder / name} is empty: remove it, then run 'make secrets' again"
            raise SecretsError(message)
    return values


def _write(path: Path, value: str) -> None:
    """Let the file appear whole: a run that is killed halfway leaves no empty secret behind."""
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=".")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(value)
        file.flush()
        os.fsync(file.fileno())
    Path(draft).rename(path)


def main(argv: Sequence[str] | None = None) -> int:
    """Make what is missing and tell ``docker/.env`` where it is; 0, or 1 with one sentence."""
    parser = argparse.ArgumentParser(prog="make secrets", description="Make the secret files of the compose stack.")
    parser.add_argument("--docker-dir", type=Path, default=ROOT / "docker", help="folder of docker-compose.yml")
    options = parser.parse_args(argv)
    folder = options.docker_dir / "secrets"
    try:
        made = make(folder)
        env_file.update(options.docker_dir / ".env", {"SECRETS_DIR": "./secrets"})
    except (SecretsError, OSError) as error:
        sys.stderr.write(f"secrets: {error}\n")
        return 1
    for name, meaning in NAMES.items():
        sys.stdout.write(f"secrets: {'made' if name in made else 'kept'} {folder / name}, {meaning}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
