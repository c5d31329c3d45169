"""What sealing adds to a bundle for people: the judged claims, and the page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from evidence import claims
from evidence.bundle.snapshot import Snapshot
from evidence.claims.table import Table
from evidence.report import html, view
from evidence.verdict import Result, Verdict


def documents(
    snapshot: Snapshot, verdict: Verdict, *, key: str | None, rows: Table | None = None
) -> Iterator[tuple[str, bytes]]:
    """Make them from what is in the bundle already.

    Args:
        snapshot: the bundle, about to be sealed.
        verdict: derived from it.
        key: id of the key that will sign it; None: none will.
        rows: the claims; the project's own when None.

    Yields:
        Name and content. A bundle of a foreign suite has a page, and no claims.

    Raises:
        ClaimsError: a claim names a test that does not exist.
    """
    signature = "UNSIGNED" if key is None or verdict.result is Result.INCOMPLETE else f"signed by the key {key[:12]}"
    if claims.makes_claims(verdict):
        document = claims.derive(snapshot, verdict, rows=rows)
        data = (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()
        snapshot = replace(snapshot, files={**snapshot.files, claims.FILE_NAME: data})
        yield claims.FILE_NAME, data
    page = html.render(view.build(snapshot, verdict, signature=signature), snapshot, inside=True)
    yield html.FILE_NAME, page.encode()
