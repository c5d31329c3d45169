"""The verdict on a run, derived from the bytes in its bundle. Pure: no file, clock or network."""

from __future__ import annotations

from evidence.verdict.derive import Result, Verdict, derive

__all__ = ["Result", "Verdict", "derive"]
