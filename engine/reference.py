"""Tables of settings and metrics for ``--help``, ``--check-config`` and ``docs/engine.md``, made from the code."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from engine.metrics import CATALOGUE
from engine.settings import EngineSettings, variables

__all__ = ["metrics_table", "settings_shown", "settings_table", "settings_text"]


def _plain(value: object) -> str:
    if value is None or value is PydanticUndefined:
        return ""
    if isinstance(value, SecretStr):
        return "***"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(str(item) for item in value)
    if isinstance(value, float):
        return f"{value:.15g}"
    return value.value if isinstance(value, StrEnum) else str(value)


def _default(info: FieldInfo) -> str:
    return _plain(info.default)


def settings_text() -> str:
    """Return one block for each setting: name, default, meaning."""
    return "\n".join(f"  {name}={_default(info)}\n      {info.description}" for name, info in variables().items())


def settings_shown(settings: EngineSettings) -> str:
    """Return ``NAME=value`` lines of the effective settings, secrets masked."""

    def value(name: str) -> Any:
        found: Any = settings
        for part in name.removeprefix("ENGINE_").lower().split("__"):
            found = getattr(found, part)
        return found

    return "\n".join(f"{name}={_plain(value(name))}" for name in variables())


def _table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def settings_table() -> str:
    """Return the settings as a Markdown table."""
    rows = [
        (f"`{name}`", f"`{_default(info)}`" if _default(info) else "", info.description or "")
        for name, info in variables().items()
    ]
    return _table(("variable", "default", "meaning"), rows)


def metrics_table() -> str:
    """Return the metric catalogue as a Markdown table."""
    rows = [(f"`{spec.name}`", spec.kind, ", ".join(spec.labels), spec.help) for spec in CATALOGUE]
    return _table(("metric", "type", "labels", "meaning"), rows)
