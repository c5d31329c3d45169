#!/usr/bin/env python3
"""Writes docs/fault-matrix.md from the rows of the tests; with --check it only says whether it drifted (exit 1)."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "fault-matrix.md"

if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))  # the tests are no installed package
    from tests.preflight.faults.matrix import page

    if "--check" in sys.argv[1:]:
        if not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != page():
            sys.exit("docs/fault-matrix.md has drifted: run .venv/bin/python scripts/sync_fault_matrix.py")
    else:
        PAGE.write_text(page(), encoding="utf-8")
