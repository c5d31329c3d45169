"""Entry point of ``python -m engine``."""

from __future__ import annotations

from engine.cli import entry

if __name__ == "__main__":
    entry()
