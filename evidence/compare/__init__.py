"""What changed between two bundles."""

from __future__ import annotations

from evidence.compare.diff import Difference, diff

__all__ = ["Difference", "diff"]
