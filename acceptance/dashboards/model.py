"""Reads a dashboard as served: its panels, the requests they make, the values they show. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from acceptance.dashboards.template import Value, Window, resolve
from acceptance.probes.errors import PanelError
from acceptance.probes.frames import FrameSeries
from acceptance.probes.grafana import GrafanaResult

__all__ = [
    "Panel",
    "PanelTarget",
    "PanelValue",
    "find_panel",
    "list_panels",
    "panel_queries",
    "panel_values",
]

# What a panel of this type shows is one point in time, whatever its targets forgot to say.
INSTANT_TYPES = frozenset({"bargauge", "gauge", "piechart", "stat", "table"})
_NOTHING = frozenset({"empty", "nan", "null", "null+nan"})  # what a special mapping may stand for


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelTarget:
    """One query of a panel, as written in the dashboard."""

    ref_id: str
    expr: str
    instant: bool
    table: bool  # asks for table form
    legend: str
    datasource_uid: str
    hidden: bool  # Grafana does not run it


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel that shows data; rows are not panels but a name that panels carry."""

    dashboard: str  # uid
    id: int
    title: str
    type: str
    row: str | None  # title of the row it lies in, collapsed or not; None above the first row
    unit: str
    targets: tuple[PanelTarget, ...]
    raw: Mapping[str, Any]

    @property
    def place(self) -> str:
        """Where it is, for messages."""
        return f"dashboard {self.dashboard!r}, panel {self.title!r} (id {self.id})"

    @property
    def no_value(self) -> str:
        """What the panel writes where it has no value; "" if that is left to Grafana."""
        defaults = (self.raw.get("fieldConfig") or {}).get("defaults") or {}
        return str(defaults.get("noValue") or "")

    @property
    def words_for_nothing(self) -> frozenset[str]:
        """What the panel itself says where it has no value: its noValue, and its mappings of null and NaN."""
        config = self.raw.get("fieldConfig") or {}
        settings = dict(config.get("defaults") or {})
        overridden = [each for one in config.get("overrides") or () for each in one.get("properties") or ()]
        values = [settings.get("noValue"), *(each.get("value") for each in overridden if each.get("id") == "noValue")]
        mappings = [*(settings.get("mappings") or ())]
        mappings += [one for each in overridden if each.get("id") == "mappings" for one in each.get("value") or ()]
        options = [one.get("options") or {} for one in mappings if one.get("type") == "special"]
        values += [(one.get("result") or {}).get("text") for one in options if one.get("match") in _NOTHING]
        return frozenset(str(value) for value in values if value)


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelValue:
    """One value that a panel shows: a slice, a line's newest point, a table row."""

    ref_id: str
    name: str  # legend
    labels: Mapping[str, str]
    value: float | None  # newest finite value; None where the series has none
    time: float | None  # its Unix seconds
    query: str  # as sent
    series: FrameSeries


def list_panels(dashboard: Mapping[str, Any]) -> tuple[Panel, ...]:
    """List the panels in reading order.

    An open row is followed by its panels; a collapsed one holds them. Both are handled, since Grafana serves
    what is in the file.

    Raises:
        PanelError: The dashboard is not of v1 form.
    """
    uid = str(dashboard.get("uid", ""))
    items = dashboard.get("panels")
    if not isinstance(items, list):
        inner = dashboard.get("dashboard")
        wrapped = " It is wrapped in {'dashboard': ...}; keep the inner object." if inner else ""
        uid = uid or str(inner.get("uid", "") if isinstance(inner, dict) else "")
        raise PanelError(f"dashboard {uid!r} has no list of panels.{wrapped}")
    return tuple(_walk(uid, items))


def _walk(uid: str, items: Sequence[Mapping[str, Any]]) -> Iterator[Panel]:
    row: str | None = None
    # Grafana decides by position, not by order in the file, which open row a panel belongs to.
    for item in sorted(items, key=_position):
        if item.get("type") != "row":
            yield _panel(uid, item, row)
            continue
        row = str(item.get("title", ""))
        for inner in sorted(item.get("panels") or (), key=_position):
            yield _panel(uid, inner, row)


def _position(item: Mapping[str, Any]) -> tuple[float, float]:
    place = item.get("gridPos") or {}
    return float(place.get("y", 0)), float(place.get("x", 0))


def _panel(uid: str, item: Mapping[str, Any], row: str | None) -> Panel:
    kind = str(item.get("type", ""))
    own = item.get("datasource") or {}
    return Panel(
        dashboard=uid,
        id=int(item.get("id") or 0),
        title=str(item.get("title", "")),
        type=kind,
        row=row,
        unit=str(((item.get("fieldConfig") or {}).get("defaults") or {}).get("unit") or ""),
        targets=tuple(
            PanelTarget(
                ref_id=str(target.get("refId", "")),
                expr=str(target.get("expr", "")),
                instant=bool(target.get("instant", kind in INSTANT_TYPES and not target.get("range"))),
                table=target.get("format") == "table",
                legend=str(target.get("legendFormat", "")),
                datasource_uid=str((target.get("datasource") or own).get("uid", "")),
                hidden=bool(target.get("hide")),
            )
            for target in item.get("targets") or ()
        ),
        raw=item,
    )


def find_panel(panels: Sequence[Panel], title: str, *, row: str | None = None) -> Panel:
    """Give the only panel with this title (in this row, where one is named).

    Raises:
        PanelError: There is none, or more than one; says which titles there are.
    """
    found = [panel for panel in panels if panel.title == title and (row is None or panel.row == row)]
    if len(found) != 1:
        where = f" in row {row!r}" if row is not None else ""
        uid = panels[0].dashboard if panels else "?"
        raise PanelError(
            f"dashboard {uid!r} has {len(found)} panels {title!r}{where}; it has "
            f"{[f'{panel.row} / {panel.title}' for panel in panels]}"
        )
    return found[0]


def panel_queries(panel: Panel, values: Mapping[str, Value], window: Window) -> tuple[dict[str, Any], ...]:
    """Make the query objects of a panel for ``/api/ds/query``, variables resolved.

    Raises:
        PanelError: The panel has no target that runs, a target has no query or no datasource, two share a
            refId, or a variable has no value.
    """
    active = [target for target in panel.targets if not target.hidden]
    if not active:
        raise PanelError(f"{panel.place} has no targets: it asks nothing and can show nothing")
    names = [target.ref_id for target in active]
    if len(set(names)) != len(names) or not all(names):
        raise PanelError(f"{panel.place} has targets without a refId of their own: {names}")
    return tuple(_query(panel, target, values, window) for target in active)


def _query(panel: Panel, target: PanelTarget, values: Mapping[str, Value], window: Window) -> dict[str, Any]:
    place = f"{panel.place}, target {target.ref_id}"
    if not target.expr.strip():
        raise PanelError(f"{place} has an empty query")
    if not target.datasource_uid:
        raise PanelError(f"{place} names no datasource uid")
    try:
        expr = resolve(target.expr, values, window)
    except PanelError as error:
        raise PanelError(f"{place}: {error}") from error
    return {
        "refId": target.ref_id,
        "datasource": {"type": "prometheus", "uid": target.datasource_uid},
        "expr": expr,
        "instant": target.instant,
        "range": not target.instant,
        "format": "table" if target.table else "time_series",
        "legendFormat": target.legend,
        "intervalMs": round(window.interval * 1000),
        "maxDataPoints": window.max_points,
    }


def panel_values(panel: Panel, result: GrafanaResult) -> tuple[PanelValue, ...]:
    """Give what the panel shows, from the answer to its ``panel_queries``.

    Raises:
        PanelError: Grafana reported an error for a target, or left it out. An empty answer is no error here.
    """
    sent = {str(query["refId"]): str(query.get("expr", "")) for query in result.request["queries"]}
    shown: list[PanelValue] = []
    for target in panel.targets:
        if target.hidden:
            continue
        query = sent.get(target.ref_id, "")
        if target.ref_id in result.errors or target.ref_id not in result.series:
            said = result.errors.get(target.ref_id, f"no result (only {sorted(result.series)})")
            raise PanelError(
                f"{panel.place}, target {target.ref_id}: query as sent {query!r}; Grafana answered "
                f"HTTP {result.status}: {said}",
                status=result.status,
            )
        shown.extend(
            PanelValue(
                ref_id=target.ref_id,
                name=series.name,
                labels=series.labels,
                value=series.last,
                time=series.last_time,
                query=query,
                series=series,
            )
            for series in result.series[target.ref_id]
        )
    return tuple(shown)
