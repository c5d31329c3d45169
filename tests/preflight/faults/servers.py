"""The servers that faults are made on: those of the embedded stack, or the containers of the compose one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from acceptance.stack import compose_secrets
from acceptance.stack.compose import ComposeStack
from acceptance.stack.embedded import EmbeddedStack
from acceptance.stack.ports import HOST
from acceptance.stack.select import say
from acceptance.stack.site import DATABASE, DATABASE_USER
from tests.preflight.faults.rig import Servers


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
def open_servers(choice: str) -> Iterator[Servers]:
    """Start the servers of `--stack`: containers where compose is asked for by name, else two child processes."""
    if choice == "compose":
        with ComposeStack(tell=say) as containers:
            yield ComposeServers(containers)
    else:
        with EmbeddedStack(services=("redis", "postgres")) as processes:
            yield processes
