"""Claims: what the project says of itself, and whether a bundle proves it.

::

    claims.toml   the table: each claim with the tests, gates, files and git facts that prove it (`table`)
    seed.toml     every line of the user's text, with its place here and its claims (`seed`, `seed_map`)
    facts         what a bundle holds that claims are judged by
    judge         PASS, FAIL or NOT RUN, and on what
    document      claims.json, the judged claims in a bundle
"""

from __future__ import annotations

from typing import Any

from evidence.bundle.snapshot import Snapshot
from evidence.claims import document, facts, table
from evidence.claims.judge import Status, criteria, judge, status_text
from evidence.verdict import Verdict

__all__ = ["Status", "criteria", "derive", "judge", "status_text"]


def derive(snapshot: Snapshot, verdict: Verdict) -> dict[str, Any]:
    """Judge the project's claims by a bundle.

    Args:
        snapshot: the bundle's bytes.
        verdict: what was derived from them.

    Returns:
        The content of ``claims.json``.

    Raises:
        ClaimsError: a claim names a test that does not exist.
    """
    rows = table.load()
    judged = judge(rows, facts.read(snapshot, verdict))
    return document.build(judged, criteria(rows, judged))
