"""How many examples a property test tries: few each time, the same ones; many where somebody looks further."""

from __future__ import annotations

import os

EXPLORES = os.environ.get("HYPOTHESIS_PROFILE") == "explore"


def examples(steady: int) -> int:
    """Return the number of examples: ``steady``, or twenty times that with HYPOTHESIS_PROFILE=explore."""
    return steady * 20 if EXPLORES else steady
