"""What changed between two bundles."""

from __future__ import annotations

from evidence.compare.diff import Change, diff

__all__ = ["Change", "diff"]
