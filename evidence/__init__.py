"""One folder per run that says what was tested, on what, and with which result."""

from __future__ import annotations

from evidence.bundle import Bundle
from evidence.counts import CaseResult, Counts
from evidence.errors import EvidenceError
from evidence.redact import Redactor

__all__ = ["Bundle", "CaseResult", "Counts", "EvidenceError", "Redactor"]
