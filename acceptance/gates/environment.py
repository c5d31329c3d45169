"""The environment that a gate's tools get: what could change which tests run, or what they find, is left out."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

# PYTHON*: PYTHONPATH brings a sitecustomize along, PYTHONOPTIMIZE removes every assert. PREFLIGHT_*: settings of a
# machine. COV_*, COVERAGE_*: a recorder in every child. GIT_*: a hook's repository, whichever folder is asked about.
_PREFIXES: Final = ("PYTEST_", "PYTHON", "PREFLIGHT_", "HYPOTHESIS_", "COV_", "COVERAGE_", "GIT_", "MYPY", "RUFF_")
_FIXED: Final = {
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # only what the gate names is loaded
    "PYTHONNOUSERSITE": "1",
    "PYTHONUNBUFFERED": "1",  # what a test run prints is seen while it runs
}


def clean(environ: Mapping[str, str] | None = None, **more: str) -> dict[str, str]:
    """Make the environment of a gate's tools.

    Args:
        environ: what to begin with; this process's own when None.
        more: variables to add.
    """
    given = os.environ if environ is None else environ
    kept = {name: value for name, value in given.items() if not name.startswith(_PREFIXES)}
    return {**kept, **_FIXED, **more}


def selection_in(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Name the variables that bring options or plug-ins into a pytest that somebody starts by hand."""
    return tuple(name for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS") if environ.get(name))
