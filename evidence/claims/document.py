"""``claims.json``: the judged claims in a bundle, with the table that they were judged by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from evidence.claims.judge import Judged, JudgedCriterion
from evidence.claims.table import Table

FILE_NAME: Final = "claims.json"
SCHEMA_VERSION: Final = 1


def build(table: Table, judged: Sequence[Judged], criteria: Sequence[JudgedCriterion]) -> dict[str, Any]:
    """Make the document; it follows ``schema/claims.schema.json``.

    The table is in it, so that a later version of the project, with other claims, can judge this bundle again.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "criteria": [
            {
                "id": one.criterion.id,
                "en": one.criterion.en,
                "ko": one.criterion.ko,
                "status": one.status.value,
                "standin_for": list(one.standin_for),
                "text": one.text,
                "claims": list(one.criterion.claims),
            }
            for one in criteria
        ],
        "claims": [
            {
                "id": one.claim.id,
                "section": one.claim.section,
                "en": one.claim.en,
                "ko": one.claim.ko,
                "status": one.status.value,
                "standin_for": list(one.standin_for),
                "text": one.text,
                "on": list(one.on),
                "reasons": list(one.reasons),
                "tests": [
                    {"test": proof.test, "gate": proof.gate, "cases": proof.cases, "passed": proof.passed}
                    for proof in one.proofs
                ],
                "files": [{"name": name, "sha256": sha256} for name, sha256 in one.files],
            }
            for one in judged
        ],
        "table": table.model_dump(mode="json"),
    }
