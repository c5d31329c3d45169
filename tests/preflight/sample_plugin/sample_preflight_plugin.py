"""A third party's check: there is a file that says the maintenance window is over."""

from __future__ import annotations

from dataclasses import dataclass

from preflight.check import Context
from preflight.message import Message
from preflight.model import Outcome, Status


@dataclass(frozen=True, slots=True)
class MaintenanceCheck:
    """The operator's file `maintenance` is absent."""

    id: str = "sample_maintenance"
    proves: str = "no maintenance window is announced"
    requires: tuple[str, ...] = ("environment",)
    timeout: float = 2.0
    network: bool = False
    imports: tuple[str, ...] = ()

    def run(self, ctx: Context) -> Outcome:
        """Look for the file in the working directory."""
        if (ctx.cwd / "maintenance").exists():
            return Outcome(
                status=Status.FAIL,
                summary=Message("a maintenance window is announced"),
                hint=Message("wait, then rm maintenance"),
            )
        return Outcome(status=Status.PASS, summary=Message("no maintenance window is announced"))


CHECKS = (MaintenanceCheck(),)
