"""Which Grafana a run was made with: whatever shows a result about Grafana says so in these words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

OFFICIAL: Final = "grafana/grafana"


class GrafanaKind(StrEnum):
    """Where the dashboards' server came from."""

    IMAGE = "image"  # a container image: the official one, or the user's
    PROGRAM = "program"  # found on this machine
    ARCHIVE = "archive"  # unpacked from the official archive by `make grafana`
    EXTERNAL = "external"  # the user's own, running
    STANDIN = "stand-in"  # none of Grafana's code


@dataclass(frozen=True, slots=True, kw_only=True)
class GrafanaUsed:
    """The dashboards' server of one run."""

    kind: GrafanaKind
    version: str  # as it reports it itself
    image: str = ""  # of an image: its name, such as `grafana/grafana:12.4.4`

    @property
    def label(self) -> str:
        """How it is named wherever a result is shown: `stand-in`, or `Grafana 12.4.4 (official image)`."""
        if self.kind is GrafanaKind.STANDIN:
            return str(self.kind)
        return f"Grafana {self.version} ({self._origin})"

    @property
    def _origin(self) -> str:
        if self.kind is GrafanaKind.IMAGE:
            return "official image" if is_official(self.image) else f"image {self.image}"
        return {
            GrafanaKind.PROGRAM: "program on this machine",
            GrafanaKind.ARCHIVE: "unpacked archive",
            GrafanaKind.EXTERNAL: "external",
        }[self.kind]

    def to_dict(self) -> dict[str, str]:
        """The form in a document."""
        return {"kind": self.kind.value, "version": self.version, "label": self.label}


def is_official(image: str) -> bool:
    """Whether an image's name is that of Grafana's own."""
    return re.split("[:@]", image)[0] == OFFICIAL


def label_of(used: GrafanaUsed | None) -> str:
    """Name it where there may have been none."""
    return "none that answered" if used is None else used.label
