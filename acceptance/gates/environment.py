"""The environment that a gate's tools get: what could change which tests run, or what they find, is left out."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

# PYTHON*: PYTHONPATH brings a sitecustomize along, PYTHONOPTIMIZE removes every assert. PREFLIGHT_*: settings of a
# machine. EVIDENCE_*: a signing key, and the bundle, which only the acceptance suite itself writes into. COV_*: a
# recorder in every child. GIT_*: a hook's repository, whichever folder is asked about.
_PREFIXES: Final = (
    "PYTEST_", "PYTHON", "PREFLIGHT_", "EVIDENCE_", "HYPOTHESIS_", "COV_", "COVERAGE_", "GIT_", "MYPY", "RUFF_",
)  # fmt: skip
_FIXED: Final = {
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # only what the gate names is loaded
    "PYTHONNOUSERSITE": "1",
    "PYTHONUNBUFFERED": "1",  # what a test run prints is seen while it runs
}


def clean(more: Mapping[str, str] | None = None, *, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Make the environment of a gate's tools.

    Args:
        more: variables to add.
        environ: what to begin with; this process's own when None.
    """
    given = os.environ if environ is None else environ
    kept = {name: value for name, value in given.items() if not name.startswith(_PREFIXES)}
    return {**kept, **_FIXED, **(more or {})}
