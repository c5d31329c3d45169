"""The user's documents, written from evidence: nobody types PASS.

::

    places      where promoted evidence lies in the repository
    documents   D98_6_REPORT.md, and the parts of D_ROADMAP.md and CHECKPOINT.md
    promote     from a verified bundle into the repository
    check       the repository against the evidence promoted there
"""

from __future__ import annotations

from evidence.promote.check import check, is_promoted, rewrite
from evidence.promote.promote import promote

__all__ = ["check", "is_promoted", "promote", "rewrite"]
