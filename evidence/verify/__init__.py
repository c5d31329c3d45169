"""Verification, offline: everything is read once, derived again, and compared."""

from __future__ import annotations

from evidence.verify.archive import read_bundle
from evidence.verify.report import EXIT_CODES, Kind, Report, Violation, verify

__all__ = ["EXIT_CODES", "Kind", "Report", "Violation", "read_bundle", "verify"]
