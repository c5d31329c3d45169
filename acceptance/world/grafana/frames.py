"""Makes data frames of Prometheus' answers, in the shapes that were recorded from a real Grafana."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Ask", "empty_frame", "frames_of"]

_PLACE = re.compile(r"\{\{\s*(.+?)\s*\}\}")
_EXACT = 2**53  # whole numbers up to here are written as such
_AUTO = "__auto"  # the front end finds the name


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What was asked, as far as the frames repeat it."""

    ref_id: str
    expr: str  # as run
    legend: str
    step: int  # milliseconds
    shown_step: str

    @property
    def executed(self) -> str:
        """What the frame says was run."""
        return f"Expr: {self.expr}\nStep: {self.shown_step}"


def empty_frame(ask: Ask) -> dict[str, Any]:
    """Give the frame of a target that has no data, or failed."""
    meta = {"typeVersion": [0, 0], "executedQueryString": ask.executed}
    return {"schema": {"refId": ask.ref_id, "meta": meta, "fields": []}, "data": {"values": []}}


def frames_of(ask: Ask, data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Make one frame per series.

    Args:
        ask: What was asked.
        data: ``{"resultType": vector|matrix|scalar|string, "result": ...}``.

    Raises:
        ValueError, KeyError, TypeError: It is not of that form.
    """
    kind, result = str(data["resultType"]), data["result"]
    if kind == "matrix":
        return [_frame(ask, kind, series["metric"], series["values"]) for series in result if series.get("values")]
    if kind == "vector":
        return [_frame(ask, kind, sample["metric"], [sample["value"]]) for sample in result if "value" in sample]
    if kind in {"scalar", "string"}:
        return [_frame(ask, kind, {}, [result])]
    raise ValueError(f"resultType {kind!r} is not known")


def _frame(ask: Ask, kind: str, labels: Mapping[str, str], samples: Sequence[Sequence[Any]]) -> dict[str, Any]:
    text = kind == "string"
    times = [round(float(stamp) * 1000) for stamp, _ in samples]
    values: Sequence[Any] = [str(value) for _, value in samples]
    odd: dict[str, list[int]] = {}
    if not text:
        values, odd = _numbers(values)
    shown = _display_name(ask, labels)
    config = {"displayNameFromDS": shown} if shown else {}
    data: dict[str, Any] = {"values": [times, values]}
    if odd:
        data["entities"] = [None, odd]
    return {
        "schema": {
            "refId": ask.ref_id,
            "meta": {
                "type": "numeric-multi" if kind in {"vector", "scalar"} else "timeseries-multi",
                "typeVersion": [0, 1 if kind in {"vector", "matrix"} else 0],
                "custom": {"resultType": kind},
                "executedQueryString": ask.executed,
            },
            "fields": [
                {
                    "name": "Time",
                    "type": "time",
                    "typeInfo": {"frame": "time.Time"},
                    "config": {"interval": ask.step},
                },
                {
                    "name": labels.get("__name__", "Value"),
                    "type": "string" if text else "number",
                    "typeInfo": {"frame": "string" if text else "float64"},
                    "labels": dict(labels),
                    "config": config,
                },
            ],
        },
        "data": data,
    }


def _numbers(texts: Sequence[str]) -> tuple[list[float | int | None], dict[str, list[int]]]:
    """Read values; give those that JSON cannot hold as None, and where they are by kind."""
    values: list[float | int | None] = []
    odd: dict[str, list[int]] = {}
    for row, text in enumerate(texts):
        value = float(text)
        if math.isfinite(value):
            values.append(int(value) if value.is_integer() and abs(value) < _EXACT else value)
            continue
        values.append(None)
        odd.setdefault("NaN" if math.isnan(value) else "Inf" if value > 0 else "NegInf", []).append(row)
    return values, odd


def _display_name(ask: Ask, labels: Mapping[str, str]) -> str:
    """Give the name for the legend: the query's own pattern, else the series as Prometheus writes it."""
    if ask.legend == _AUTO and labels:
        return ""
    if ask.legend and ask.legend != _AUTO:
        return _PLACE.sub(lambda found: labels.get(found[1], ""), ask.legend)
    pairs = [
        f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in sorted(labels.items()) if key != "__name__"
    ]
    written = labels.get("__name__", "") + (f"{{{', '.join(pairs)}}}" if pairs else "")
    return written or ask.expr
