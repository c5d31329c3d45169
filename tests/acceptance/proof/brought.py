"""Dashboards as users bring them, damaged in any place, and a Grafana that answers them."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from acceptance.dashboards.template import Window
from acceptance.display import Display, Displayed, DisplayedItem, PanelRequest
from acceptance.probes.frames import series_of_frame
from acceptance.probes.grafana import Datasource, GrafanaResult
from acceptance.proof.user_dashboards import BroughtPanel, OpenGrafana, look_at

DASHBOARDS = Path(__file__).parents[3] / "monitoring" / "grafana" / "dashboards"
COMMITTED = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(DASHBOARDS.glob("*.json"))]
END = 1_790_000_000.0
Json = dict[str, Any]


class Answering:
    """A Grafana that answers every query with the value 1."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def query(self, queries: Sequence[Mapping[str, Any]], from_: float, to: float) -> GrafanaResult:
        """Answer every query with 1."""
        fields = [{"name": "Time", "type": "time"}, {"name": "Value", "type": "number", "labels": {"env": "paper"}}]
        frame = {"schema": {"fields": fields}, "data": {"values": [[to * 1000], [1]]}}
        refs = [str(query["refId"]) for query in queries]
        self.sent += [str(query["expr"]) for query in queries]
        return GrafanaResult(
            request={"queries": [dict(query) for query in queries], "from": str(from_ * 1000), "to": str(to * 1000)},
            status=200,
            series={ref: series_of_frame(ref, frame) for ref in refs},
            frame_counts=dict.fromkeys(refs, 1),
            errors={},
            executed={},
            raw={"results": {ref: {"frames": [frame]} for ref in refs}},
        )


class Showing:
    """Displays one text for each panel."""

    def show(self, requests: Sequence[PanelRequest]) -> tuple[Mapping[str, Displayed], ...]:
        """Show 1 for each panel."""
        json.dumps([request.to_dict() for request in requests])  # what cannot be sent cannot be shown
        item = DisplayedItem(ref_id="A", title="", text="1", colour=None, number=1.0, shown=True)
        one = {"13": Displayed(major="13", version="13.2.3", items=(item,), faults=(), notes=())}
        return tuple(one for _ in requests)


def source(uid: str, kind: str = "prometheus", *, default: bool = False) -> Datasource:
    return Datasource(uid=uid, name=uid.title(), type=kind, url="", is_default=default, read_only=False, json_data={})


SOURCES = (source("prom"), source("main", default=True), source("logs", "loki"))


def look(
    dashboard: Json, client: Answering | None = None, *, display: Display | None = None
) -> tuple[tuple[BroughtPanel, ...], list[str]]:
    """Return the panels of a dashboard, and every finding as a sentence."""
    window = Window(start=END - 3600, end=END, scrape_interval=15)
    grafana = OpenGrafana(client=client or Answering(), sources=SOURCES, window=window)
    panels, findings = look_at("their.json", dashboard, grafana, display or Showing())
    return panels, [str(one) for one in findings] + [str(one) for panel in panels for one in panel.findings]


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, inner in items for place in _places(inner, (*path, key)))]


ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 7, -1.5, 10**400, "", "x", "$x", "\ud800", [], {}, [None], {"a": None}, [[]]]
)


def damaged(data: st.DataObject) -> Json:
    """Draw a committed dashboard of which some parts are replaced or removed."""
    dashboard: Json = copy.deepcopy(data.draw(st.sampled_from(COMMITTED)))
    dashboard["panels"] = data.draw(st.lists(st.sampled_from(dashboard["panels"]), min_size=1, max_size=3))
    for _ in range(data.draw(st.integers(1, 4))):
        places = [place for place in _places(dashboard) if place]
        if not places:
            break
        *way, last = data.draw(st.sampled_from(places))
        owner: Any = dashboard
        for step in way:
            owner = owner[step]
        if data.draw(st.booleans()):
            owner[last] = copy.deepcopy(data.draw(ODD))
        else:
            del owner[last]
    return copy.deepcopy(dashboard)
