"""Opens a bundle for verbs that only tell what is in it."""

from __future__ import annotations

from pathlib import Path

from evidence.bundle.snapshot import Snapshot
from evidence.errors import DocumentError
from evidence.verdict import Verdict
from evidence.verify import Kind, verify


def opened(path: Path) -> tuple[Snapshot, Verdict]:
    """Read a bundle and derive its verdict; signature, age and result are not asked for.

    Raises:
        BundleMissingError: there is nothing at `path`.
        DocumentError: it is not what was sealed, or cannot be read.
    """
    report = verify(path)
    wrong = [str(one) for one in report.violations if one.kind is Kind.INVALID]
    if wrong or report.snapshot is None or report.verdict is None:
        raise DocumentError("; ".join(wrong) or "; ".join(str(one) for one in report.violations))
    return report.snapshot, report.verdict
