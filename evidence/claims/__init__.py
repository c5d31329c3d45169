"""Claims: what the project says of itself, and whether a bundle proves it.

::

    claims.toml   the table: each claim with the tests, gates, files and git facts that prove it (`table`)
    seed.toml     every line of the user's text, with its place here and its claims (`seed`, `seed_map`)
    facts         what a bundle holds that claims are judged by
    judge         PASS, FAIL or NOT RUN, and on what
    document      claims.json, the judged claims in a bundle
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from evidence.bundle import layout
from evidence.bundle.snapshot import Snapshot
from evidence.claims import document, facts, table
from evidence.claims.document import FILE_NAME
from evidence.claims.judge import Status, criteria, judge, status_text
from evidence.errors import ClaimsError, DocumentError
from evidence.verdict import Verdict

__all__ = ["FILE_NAME", "Status", "contradictions", "criteria", "derive", "judge", "makes_claims", "status_text"]


def makes_claims(verdict: Verdict) -> bool:
    """Tell whether a bundle is of this project's gates: nobody else's suite says anything of these claims."""
    return any(gate in layout.ALL_GATES for gate in verdict.gates)


def derive(snapshot: Snapshot, verdict: Verdict, *, rows: table.Table | None = None) -> dict[str, Any]:
    """Judge claims by a bundle.

    Args:
        snapshot: the bundle's bytes.
        verdict: what was derived from them.
        rows: the claims; the project's own when None.

    Returns:
        The content of ``claims.json``.

    Raises:
        ClaimsError: a claim names a test that does not exist.
    """
    rows = table.load() if rows is None else rows
    judged = judge(rows, facts.read(snapshot, verdict))
    return document.build(rows, judged, criteria(rows, judged))


def contradictions(snapshot: Snapshot, verdict: Verdict) -> Iterator[str]:
    """Judge the claims of a sealed bundle again, and say how its ``claims.json`` differs."""
    if document.FILE_NAME not in snapshot.files:
        if makes_claims(verdict):
            yield "is missing"
        return
    try:
        said = snapshot.json(document.FILE_NAME)
        derived = derive(snapshot, verdict, rows=table.Table.model_validate(said["table"]))
    except (DocumentError, ClaimsError, ValidationError, KeyError, TypeError) as error:
        yield f"cannot be judged again: {str(error).splitlines()[0]}"
        return
    if said == derived:
        return
    for part in ("criteria", "claims"):
        found = {one["id"]: one for one in derived[part]}
        for one in said[part] if isinstance(said[part], list) else ():
            again = found.get(one.get("id"))
            if one != again:
                yield from _differences(one, {} if again is None else again)
    if list(said) != list(derived) or any(len(said[part]) != len(derived[part]) for part in ("criteria", "claims")):
        yield "holds other claims than its own table"


def _differences(said: dict[str, Any], derived: dict[str, Any]) -> Iterator[str]:
    for key in sorted(said.keys() | derived.keys()):
        if said.get(key) != derived.get(key):
            yield f"says of {said.get('id')} {key}: {said.get(key)!r}; the records say {derived.get(key)!r}"
