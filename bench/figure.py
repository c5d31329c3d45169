"""One measured figure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What was measured, the least it could be, and the most it may be; all in the same unit."""

    what: str
    value: float
    unit: str  # s, ms, MB
    floor: float | None = None  # the same by the least program that does it, measured beside it
    against: str = ""  # what that program is
    limit: float | None = None  # where the design sets one

    @property
    def ratio(self) -> float | None:
        """How many times the floor it is; None where there is none."""
        return None if not self.floor else self.value / self.floor

    @property
    def over(self) -> bool:
        """Whether it is beyond its limit."""
        return self.limit is not None and self.value > self.limit
