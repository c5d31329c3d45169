"""``python -m evidence``."""

from __future__ import annotations

from evidence.cli import entry

entry()
