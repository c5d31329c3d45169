"""What a component is, and the one error that getting one can end in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Source = Literal["path", "built", "wheel", "archive", "stand-in", "npm"]


class ComponentError(RuntimeError):
    """A server program cannot be had; the text is one sentence: what is missing and the ways on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A server program that is there and answered with its version."""

    name: str  # redis, postgres, prometheus, promtool, node_exporter, grafana, node, grafana-display
    binary: Path  # absolute; postgres: initdb, pg_ctl and pg_isready lie beside it where they exist
    # grafana: folder with conf/ and public/; grafana-display: its folder; wheels: root of a tree its user must read
    home: Path | None
    version: str  # as the program itself reports it, e.g. "3.13.5"
    source: Source
    env: Mapping[str, str] = field(default_factory=dict)  # extra environment that running it needs
    notes: tuple[str, ...] = ()  # how it was chosen: programs passed over and why, for the evidence

    def facts(self) -> dict[str, str]:
        """Which program it is, for the evidence: version, source and binary, and notes where there are any."""
        known = {"version": self.version, "source": self.source, "binary": str(self.binary)}
        return {**known, "notes": "; ".join(self.notes)} if self.notes else known
