"""What one panel displays on one Grafana, as values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Axis", "BandState", "Displayed", "DisplayedItem", "PanelRequest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BandState:
    """How one value of a band is shown."""

    text: str
    colour: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplayedItem:
    """One value, line, band or table cell."""

    ref_id: str  # the query it stands on; "" if that is not known
    title: str  # the name next to it, or its column; "" if the panel shows none
    text: str  # as written: with unit, mapping and decimals; of a line, its newest value
    colour: str | None  # "#0072B2"; None if the panel gives none
    number: float | None  # the value behind the text
    shown: bool
    why: str = ""  # why it is not seen although it is there
    row: int | None = None  # of a table, from 0
    points: int | None = None  # of a line: how many finite values lie in the time range
    dashed: bool = False
    times: tuple[float, ...] = ()  # of a line or band: Unix seconds
    values: tuple[Any, ...] = ()  # as many
    low: float | None = None  # of a gauge or bar: the ends of its scale
    high: float | None = None
    states: Mapping[str, BandState] = field(default_factory=dict)  # of a band: value as text -> how it is shown

    def to_dict(self) -> dict[str, object]:
        """Return what evidence keeps of it."""
        known = {"ref_id": self.ref_id, "title": self.title, "text": self.text, "colour": self.colour}
        where = {} if self.row is None else {"row": self.row}
        return {**known, **where, "shown": self.shown, **({"why": self.why} if self.why else {})}


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """The y axis of lines."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]  # where, and what is written there
    limits: tuple[tuple[float, str], ...]  # thresholds that are drawn as lines: where, colour


@dataclass(frozen=True, slots=True, kw_only=True)
class Displayed:
    """What one panel displays on one major version."""

    major: str  # "13"
    version: str  # of the library: "13.2.3"
    items: tuple[DisplayedItem, ...]
    faults: tuple[str, ...]
    notes: tuple[str, ...]  # what could not be judged, and why
    axis: Axis | None = None

    @property
    def seen(self) -> tuple[DisplayedItem, ...]:
        """The items that a person sees."""
        return tuple(item for item in self.items if item.shown)

    def texts(self) -> tuple[str, ...]:
        """Return what is written: "NAME: VALUE", or the value if it has no name."""
        return tuple(f"{item.title}: {item.text}" if item.title else item.text for item in self.seen)

    def instead(self, limit: int = 4) -> str:
        """Return what there is to see, or is not, in words for a message."""
        found = self.texts() or tuple(f"({item.text})" for item in self.items if item.text)
        more = f" and {len(found) - limit} more" if len(found) > limit else ""
        return f"{', '.join(map(repr, found[:limit]))}{more}" if found else "nothing"

    def to_dict(self) -> dict[str, object]:
        """Return what evidence keeps of it."""
        items = [item.to_dict() for item in self.items]
        return {"version": self.version, "items": items, "faults": list(self.faults), "notes": list(self.notes)}

    @classmethod
    def read(cls, major: str, version: str, raw: Mapping[str, Any]) -> Displayed:
        """Read one answer of `node/main.mjs`.

        Raises:
            KeyError, TypeError, AttributeError: It is of another form.
        """
        return cls(
            major=major,
            version=version,
            items=tuple(_item(one) for one in raw["items"]),
            faults=tuple(raw["faults"]),
            notes=tuple(raw["notes"]),
            axis=_axis(raw["axis"]) if raw.get("axis") else None,
        )


def _axis(raw: Mapping[str, Any]) -> Axis:
    return Axis(
        low=float(raw["low"]),
        high=float(raw["high"]),
        ticks=tuple((float(tick["at"]), str(tick["text"])) for tick in raw["ticks"]),
        limits=tuple((float(limit["at"]), str(limit["color"])) for limit in raw["limits"]),
    )


def _item(raw: Mapping[str, Any]) -> DisplayedItem:
    return DisplayedItem(
        ref_id=raw["ref"],
        title=raw["title"],
        text=raw["text"],
        colour=raw["color"],
        number=raw["number"],
        shown=raw["shown"],
        why=raw["why"],
        row=raw.get("row"),
        points=raw.get("points"),
        dashed=bool(raw.get("dashed")),
        times=tuple(at / 1000 if at is not None else math.nan for at in raw.get("times") or ()),
        values=tuple(raw.get("values") or ()),
        low=raw.get("low"),
        high=raw.get("high"),
        states={
            key: BandState(text=one["text"], colour=one["color"]) for key, one in (raw.get("states") or {}).items()
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelRequest:
    """One panel with the answers to its queries."""

    panel: Mapping[str, Any]  # as in the dashboard
    frames: Mapping[str, Sequence[Any]]  # refId -> frames of `/api/ds/query`
    tables: tuple[str, ...]  # refIds of the queries in table form
    variables: Mapping[str, str | Sequence[str]]
    start: float  # of its time range, Unix seconds
    end: float

    def to_dict(self) -> dict[str, object]:
        """Return what `node/main.mjs` reads."""
        return {
            "panel": self.panel,
            "frames": self.frames,
            "tables": list(self.tables),
            "variables": self.variables,
            "from": self.start * 1000,
            "to": self.end * 1000,
        }
