"""What a run was made with: ``versions.json``."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from evidence.grafana import GrafanaUsed

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


def build(stack: str | None, services: Mapping[str, Mapping[str, str]], grafana: GrafanaUsed | None) -> dict[str, Any]:
    """Make the document.

    Args:
        stack: the stack's name, or None where none was started.
        services: service -> ``{"version": ..., "source": ...}``, and ``official_untested`` where another image ran in
            the place of the official one.
        grafana: which Grafana it was, None where the stack has none.

    Returns:
        A document that follows ``schema/versions.schema.json``.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "stack": stack,
        "grafana": None if grafana is None else grafana.to_dict(),
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
