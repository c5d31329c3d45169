"""Turns Grafana's data frames into series.

A frame is columns: a time field, number fields (each with its own labels) and, in table form, string fields
that hold the labels of each row. Numbers that JSON cannot hold are ``null`` in the column and listed in
``entities``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["FrameSeries", "series_of_frame"]

_ENTITIES = {"NaN": math.nan, "Inf": math.inf, "NegInf": -math.inf}


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameSeries:
    """One series of one target; ``times`` and ``values`` have the same length."""

    ref_id: str
    name: str  # what the legend shows, where the datasource says so; else the field's name
    labels: Mapping[str, str]
    times: tuple[float, ...]  # Unix seconds; NaN where the frame has no time field
    values: tuple[float, ...]  # NaN also stands for a gap (null)

    @property
    def last(self) -> float | None:
        """The newest value that is a finite number; None where there is none."""
        return next((value for value in reversed(self.values) if math.isfinite(value)), None)

    @property
    def last_time(self) -> float | None:
        """Unix seconds of the newest finite value; None where there is none."""
        pairs = zip(reversed(self.times), reversed(self.values), strict=True)
        return next((time for time, value in pairs if math.isfinite(value)), None)


def series_of_frame(ref_id: str, frame: Mapping[str, Any]) -> tuple[FrameSeries, ...]:
    """Read one frame.

    Args:
        ref_id: The target that the frame answers.
        frame: ``{"schema": {"fields": [...]}, "data": {"values": [[...], ...], "entities": [...]}}``.

    Returns:
        One series per number field; in table form one series per number field and row.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: The frame is not of that form.
    """
    schema = frame["schema"]
    fields: Sequence[Mapping[str, Any]] = schema.get("fields") or ()
    data = frame.get("data") or {}
    columns: Sequence[Sequence[Any]] = data.get("values") or [[] for _ in fields]
    entities: Sequence[Any] = data.get("entities") or [None] * len(fields)
    if len(columns) != len(fields) or len({len(column) for column in columns}) > 1:
        raise ValueError("columns and fields do not match")
    times = next(
        (
            _numbers(column, scale=1000.0)
            for field, column in zip(fields, columns, strict=True)
            if field.get("type") == "time"
        ),
        None,
    )
    texts = {
        str(field["name"]): column
        for field, column in zip(fields, columns, strict=True)
        if field.get("type") == "string"
    }
    found: list[FrameSeries] = []
    for field, column, entity in zip(fields, columns, entities, strict=True):
        if field.get("type") != "number":
            continue
        values = _numbers(column, entity=entity)
        stamps = times if times is not None else tuple([math.nan] * len(values))
        labels = {str(key): str(value) for key, value in (field.get("labels") or {}).items()}
        name = _name(schema, field)
        if not texts:
            found.append(FrameSeries(ref_id=ref_id, name=name, labels=labels, times=stamps, values=values))
            continue
        found.extend(
            FrameSeries(
                ref_id=ref_id,
                name=name,
                labels=labels | {key: str(cells[row]) for key, cells in texts.items()},
                times=(stamps[row],),
                values=(values[row],),
            )
            for row in range(len(values))
        )
    return tuple(found)


def _name(schema: Mapping[str, Any], field: Mapping[str, Any]) -> str:
    config = field.get("config") or {}
    return str(config.get("displayNameFromDS") or config.get("displayName") or schema.get("name") or field["name"])


def _numbers(
    column: Iterable[Any], *, entity: Mapping[str, Sequence[int]] | None = None, scale: float = 1.0
) -> tuple[float, ...]:
    numbers = [math.nan if cell is None else float(cell) / scale for cell in column]
    for kind, rows in (entity or {}).items():
        for row in rows:
            numbers[row] = _ENTITIES[kind]
    return tuple(numbers)
