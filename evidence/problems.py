"""One thing that is wrong in a bundle."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """A file and what is wrong with it."""

    file: str  # path inside the bundle
    text: str  # what is wrong, and what was expected

    def __str__(self) -> str:
        return f"{self.file}: {self.text}"
