"""Reports of a bundle, for people and for programs: HTML, Markdown, JSON.

::

    view       what a report shows, as one document: the JSON form, and what the others are drawn from
    html       one self-contained page in English and Korean (page/)
    markdown   for a CI's summary page
    hops       the way of one value, with times
    inside     what sealing puts into the bundle itself
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from securesystemslib.signer import SSlibKey

from evidence.attest.statement import signature_state
from evidence.bundle import layout
from evidence.bundle.snapshot import Snapshot
from evidence.errors import DocumentError
from evidence.report import view
from evidence.verdict import Result
from evidence.verify import Kind, verify

__all__ = ["of_bundle"]


def of_bundle(path: Path, *, key: SSlibKey | None = None) -> tuple[dict[str, Any], Snapshot]:
    """Gather what a report of a bundle shows.

    A bundle that was never sealed reads INCOMPLETE, whatever its records say, and one that is not what was sealed
    reads FAILED.

    Args:
        path: folder, tar or zip file.
        key: the public key that must have signed it; None: the signature is named and not verified.

    Raises:
        BundleMissingError: there is nothing at `path`.
        EvidenceError: it cannot be read, or nothing can be derived from it.
    """
    report = verify(path, key=key)
    if report.snapshot is None or report.verdict is None:
        raise DocumentError("; ".join(str(one) for one in report.violations))
    signature = signature_state(report.snapshot)
    if key is not None and report.key_id is not None:
        signature = f"SIGNED by the key {report.key_id[:12]}, verified"
    shown = view.build(report.snapshot, report.verdict, signature=signature)
    wrong = [str(one) for one in report.violations if one.kind is Kind.INVALID]
    if wrong:
        shown |= {"result": Result.FAILED.value, "reasons": [*wrong, *shown["reasons"]]}
    elif layout.MANIFEST not in report.snapshot.files:
        text = "the bundle was never sealed: its run did not come to its end"
        shown |= {"result": Result.INCOMPLETE.value, "reasons": [text, *shown["reasons"]]}
    return shown, report.snapshot
