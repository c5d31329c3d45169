"""A stack's Redis and Postgres as a gate on this machine reaches them: child processes, or published containers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from acceptance.stack.choice.choose import say
from acceptance.stack.compose import secrets as compose_secrets
from acceptance.stack.compose.images.choose import Mode
from acceptance.stack.compose.stack import ComposeStack
from acceptance.stack.embedded.context import DATABASE, DATABASE_USER
from acceptance.stack.embedded.stack import EmbeddedStack
from acceptance.stack.interface import DataServers
from acceptance.stack.ports import HOST

_NEEDED = ("redis", "postgres")


@dataclass(frozen=True, slots=True)
class ComposeServers:
    """The containers as they are reached from this machine: by their published ports."""

    stack: ComposeStack

    def settings(self) -> dict[str, Any]:
        """Preflight's settings for a gate that runs on this machine."""
        ports, values = self.stack.ports, compose_secrets.read(self.stack.project.secrets_dir)
        return {
            "bot": {"read_only": True},
            "positions": {"policy": "allow"},
            "redis": {"host": HOST, "port": ports["redis"], "password": values["redis_password"], "db": 0},
            "postgres": {
                "host": HOST,
                "port": ports["postgres"],
                "user": DATABASE_USER,
                "password": values["postgres_password"],
                "database": DATABASE,
            },
        }

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret it made."""
        return self.stack.secrets

    def stop_service(self, name: str) -> None:
        """Stop a container."""
        self.stack.stop_service(name)

    def start_service(self, name: str) -> None:
        """Start it again."""
        self.stack.start_service(name)

    def pause_service(self, name: str) -> None:
        """Freeze it."""
        self.stack.pause_service(name)

    def resume_service(self, name: str) -> None:
        """Let it go on."""
        self.stack.resume_service(name)


@contextmanager
def open_servers(choice: str, *, images: Mode = "auto") -> Iterator[DataServers]:
    """Start the servers of a stack: containers for `compose`, else two child processes.

    Raises:
        StackError: They cannot be started.
    """
    if choice == "compose":
        with ComposeStack(services=_NEEDED, images=images, tell=say) as containers:
            yield ComposeServers(containers)
    else:
        with EmbeddedStack(services=_NEEDED) as processes:
            yield processes
