"""What sealing adds to a bundle for people: the judged claims, and the page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from evidence import claims
from evidence.bundle import layout
from evidence.bundle.snapshot import Snapshot
from evidence.claims.table import Table
from evidence.errors import EvidenceError
from evidence.report import html, view
from evidence.verdict import Result, Verdict

_SIGNED: Final = re.compile("signed by the key [0-9a-f]{12}")
#: What was not in the bundle when its page was drawn.
_LATER: Final = frozenset({html.FILE_NAME, layout.MANIFEST, layout.STATEMENT})


def page_differences(snapshot: Snapshot, verdict: Verdict) -> Iterator[str]:
    """Draw the page of a sealed bundle again, and say whether the one in it shows something else.

    A page that was drawn by other code than this cannot be drawn again and is passed over: hash and signature guard it.
    """
    data = snapshot.files.get(html.FILE_NAME)
    if data is None or html.mark().encode() not in data:
        return
    signature = _SIGNED.search(data.decode("utf-8", "replace"))
    bare = {name: content for name, content in snapshot.files.items() if name not in _LATER}
    try:
        view_of = view.build(
            replace(snapshot, files=bare), verdict, signature=signature[0] if signature is not None else "UNSIGNED"
        )
        drawn = html.render(view_of, snapshot, inside=True)
    except EvidenceError as error:
        yield f"cannot be drawn again: {error}"
        return
    if drawn.encode() != data:
        yield "shows something else than the records: `evidence report` draws it from them"


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
