"""What provisioning needs of a log: the server hands its own in."""

from __future__ import annotations

from typing import Protocol

__all__ = ["ProvisioningLog"]


class ProvisioningLog(Protocol):
    """Takes one line with its fields."""

    def info(self, message: str, *, logger: str, **fields: object) -> None:
        """Write that something went as it should."""

    def warning(self, message: str, *, logger: str, **fields: object) -> None:
        """Write what an operator should look at."""

    def error(self, message: str, *, logger: str, **fields: object) -> None:
        """Write what did not work."""
