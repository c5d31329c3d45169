#!/usr/bin/env python3
"""The gate under the name that existing commands use; everything it knows is in `preflight.cli`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from preflight.cli import entry

if __name__ == "__main__":
    entry()
