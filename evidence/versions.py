"""What a run was made with: ``versions.json``."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

FILE_NAME: Final = "versions.json"
SCHEMA_VERSION: Final = 1
#: Python packages that take part in the evidence, by their names on PyPI.
PACKAGES: Final = (
    "jsonschema",
    "prometheus-client",
    "psycopg2-binary",
    "pydantic-settings",
    "pytest",
    "pytest-reportlog",
    "redis",
    "requests",
)


def build(stack: str | None, services: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Make the document.

    Args:
        stack: the stack's name, or None where none was started.
        services: service -> ``{"version": ..., "source": ...}``, and ``official_untested`` where another image ran in
            the place of the official one.

    Returns:
        A document that follows ``schema/versions.schema.json``.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "stack": stack,
        "services": {name: dict(facts) for name, facts in services.items()},
        "official_untested": sorted(
            facts["official_untested"] for facts in services.values() if "official_untested" in facts
        ),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: _installed(name) for name in PACKAGES},
    }


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
