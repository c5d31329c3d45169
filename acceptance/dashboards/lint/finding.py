"""What a rule says when something is wrong."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Finding"]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Finding:
    """One thing to repair, with its place."""

    file: str  # file name
    panel: str = ""  # panel title; empty where the whole file is meant
    target: str = ""  # refId; empty where the whole panel is meant
    rule: str  # stable id, e.g. "datasource"
    message: str  # what is wrong and what to do

    def __str__(self) -> str:
        place = self.file
        if self.panel:
            place += f", panel {self.panel!r}"
        if self.target:
            place += f", target {self.target}"
        return f"{place}: {self.message} [{self.rule}]"
