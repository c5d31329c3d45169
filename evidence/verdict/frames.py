"""Reads Grafana's data frames as far as a verdict needs them: of each series its legend, newest value and its time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Newest:
    """The newest finite value of one series."""

    ref_id: str
    name: str  # the legend
    value: float | None  # None: the series has no finite value
    time: float | None  # Unix seconds; None where the frame has no time field


def newest(raw: Mapping[str, Any]) -> Iterator[Newest]:
    """Read an answer of `/api/ds/query`.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it is not one.
    """
    for ref_id, result in raw["results"].items():
        for frame in result.get("frames") or ():
            yield from _series(ref_id, frame)


def frame_count(raw: Mapping[str, Any], *, without: str) -> int:
    """Return how many frames an answer has, those of one target left out."""
    return sum(len(result.get("frames") or ()) for ref_id, result in raw["results"].items() if ref_id != without)


def _series(ref_id: str, frame: Mapping[str, Any]) -> Iterator[Newest]:
    schema = frame["schema"]
    fields = schema.get("fields") or []
    data = frame.get("data") or {}
    columns = data.get("values") or [[] for _ in fields]
    gaps = data.get("entities") or [None] * len(fields)
    if not len(fields) == len(columns) == len(gaps):
        raise ValueError("a frame has other columns than fields")
    times = next((column for field, column in zip(fields, columns, strict=True) if field.get("type") == "time"), None)
    texts = any(field.get("type") == "string" for field in fields)
    for field, column, gap in zip(fields, columns, gaps, strict=True):
        if field.get("type") != "number":
            continue
        absent = {row for rows in (gap or {}).values() for row in rows}
        rows = [
            row
            for row, cell in enumerate(column)
            if cell is not None and row not in absent and math.isfinite(float(cell))
        ]
        name = _legend(schema, field)
        # In table form each row is a series of its own.
        for picked in [[row] for row in range(len(column))] if texts else [rows]:
            row = picked[-1] if picked and picked[-1] in rows else None
            yield Newest(
                ref_id=ref_id,
                name=name,
                value=None if row is None else float(column[row]),
                time=None if row is None or times is None else float(times[row]) / 1000,
            )


def _legend(schema: Mapping[str, Any], field: Mapping[str, Any]) -> str:
    config = field.get("config") or {}
    return str(config.get("displayNameFromDS") or config.get("displayName") or schema.get("name") or field["name"])
