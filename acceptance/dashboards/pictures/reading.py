"""Reads what a picture is to show: the panel's words, and what Grafana's own library says is displayed."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from acceptance.dashboards.model import Panel, PanelValue
from acceptance.display import Axis, Displayed, DisplayedItem
from acceptance.proof.sweep import PanelOutcome

__all__ = ["NO_DATA", "describe", "shown_of"]

NO_DATA = "NO DATA / 데이터 없음"
_HANGUL = re.compile("[가-힣]")


def shown_of(outcome: PanelOutcome) -> Displayed:
    """Return what the newest Grafana displays; the bare numbers if that is not known."""
    if outcome.displayed:
        return outcome.displayed[max(outcome.displayed, key=int)]
    return _bare(outcome.values)


def _bare(values: Sequence[PanelValue]) -> Displayed:
    items = tuple(_bare_item(one, one.value) for one in values if one.value is not None)
    numbers = [number for item in items for number in item.values if math.isfinite(number)]
    axis = None
    if numbers:
        low, high = min(numbers), max(numbers)
        axis = Axis(low=low, high=high, ticks=tuple((at, f"{at:.4g}") for at in sorted({low, high})), limits=())
    return Displayed(major="", version="", items=items, faults=(), notes=(), axis=axis)


def _bare_item(one: PanelValue, value: float) -> DisplayedItem:
    return DisplayedItem(
        ref_id=one.ref_id,
        title=one.name,
        text=f"{value:.6g}",
        colour=None,
        number=value,
        shown=True,
        times=one.series.times,
        values=one.series.values,
    )


def describe(panel: Panel) -> tuple[str, str]:
    """Return a panel's description in English and in Korean, which are one text with a slash between."""
    text = str(panel.raw.get("description") or "")
    parts = text.split(" / ")
    for cut in range(1, len(parts)):
        if _HANGUL.search(parts[cut]) and not _HANGUL.search(" / ".join(parts[:cut])):
            return " / ".join(parts[:cut]).strip(), " / ".join(parts[cut:]).strip()
    return ("", text) if _HANGUL.search(text) else (text, "")
