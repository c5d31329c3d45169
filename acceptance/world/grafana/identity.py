"""What the stand-in says of itself, and how it is told from a Grafana: the one place that knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["VERSION", "health", "is_standin"]

VERSION: Final = "0.0.0-standin"  # no Grafana ever had or will have it


def health() -> dict[str, Any]:
    """Give the body of ``/api/health``."""
    return {"commit": "NA", "database": "ok", "version": VERSION, "standin": True}


def is_standin(answer: Mapping[str, Any]) -> bool:
    """Say whether the body of somebody's ``/api/health`` is that of the stand-in."""
    return answer.get("standin") is True or answer.get("version") == VERSION
