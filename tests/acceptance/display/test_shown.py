from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from acceptance.display import Displayed, GrafanaLibrary, PanelRequest
from acceptance.sabotage.edits import PanelEdit
from acceptance.sabotage.row import Sabotage, read_rows
from tests.acceptance.display.shared import display_library

pytestmark = pytest.mark.display

DASHBOARDS = Path(__file__).parents[3] / "monitoring" / "grafana" / "dashboards"
END = 1_790_000_000_000  # ms
MAJORS = {"12", "13"}
# These two move the range that is asked, so that nothing is answered: the suite on real servers has them.
BY_TIME = {"Scrape Duration", "Rate by Source"}

HIDDEN = [row for row in read_rows() if row.path.startswith("dashboards/hidden-") and row.name != "hidden-target"]

Json = dict[str, Any]


@pytest.fixture(scope="module")
def library() -> GrafanaLibrary:
    return display_library()


def committed(uid: str, title: str) -> Json:
    dashboard = json.loads((DASHBOARDS / f"{uid}.json").read_text(encoding="utf-8"))
    (found,) = [panel for panel in dashboard["panels"] if panel["title"] == title]
    panel: Json = copy.deepcopy(found)
    return panel


def frame(ref: str, values: Sequence[float | None], *, legend: str = "", **labels: str) -> Json:
    times = [END - 1000 * (len(values) - 1 - index) for index in range(len(values))]
    config = {"displayNameFromDS": legend} if legend else {}
    number = {"name": "Value", "type": "number", "labels": labels, "config": config}
    return {
        "schema": {"refId": ref, "fields": [{"name": "Time", "type": "time"}, number]},
        "data": {"values": [times, values]},
    }


def answers(panel: Json, value: float = 1.0) -> dict[str, list[Json]]:
    """What each query of a panel would be answered: one series, named by its legend."""
    found = {}
    for target in panel["targets"]:
        values: list[float | None] = [value] if target.get("instant") else [value] * 20
        found[target["refId"]] = [frame(target["refId"], values, legend=target.get("legendFormat", ""), check="redis")]
    return found


def show(
    library: GrafanaLibrary, panel: Json, frames: Mapping[str, Sequence[Any]] | None = None
) -> Mapping[str, Displayed]:
    tables = tuple(target["refId"] for target in panel.get("targets", []) if target.get("format") == "table")
    request = PanelRequest(
        panel=panel,
        frames=answers(panel) if frames is None else frames,
        tables=tables,
        variables={"env": "paper"},
        start=END / 1000 - 60,
        end=END / 1000,
    )
    (found,) = library.show([request])
    assert set(found) == MAJORS
    return found


def test_go_is_displayed_as_an_operator_sees_it(library: GrafanaLibrary) -> None:
    """The seed's first panel writes its verdict in both languages, in its colour, on each Grafana."""
    panel = committed("d77_system_health", "Preflight Last Success")

    for value, text, colour in ((1.0, "1 · GO / 성공", "#0072B2"), (0.0, "0 · NOT GO / 실패", "#D55E00")):
        for shown in show(library, panel, answers(panel, value)).values():
            assert [(item.title, item.text, item.colour) for item in shown.seen] == [("", text, colour)]
            assert shown.faults == ()


def _edit(row: Sabotage) -> PanelEdit:
    (edit,) = row.edits
    assert isinstance(edit, PanelEdit)
    return edit


@pytest.mark.parametrize("row", [row for row in HIDDEN if _edit(row).title not in BY_TIME], ids=lambda row: row.name)
def test_a_panel_that_has_data_and_shows_none_is_at_fault(library: GrafanaLibrary, row: Sabotage) -> None:
    """Each edit of M4 leaves data that nobody sees: the fault says why, and nothing is left to see."""
    edit = _edit(row)
    panel = committed(edit.dashboard, edit.title)
    before = show(library, panel)
    edit.change(panel, [])

    after = show(library, panel)

    assert all(shown.seen and not shown.faults for shown in before.values()), before
    ((because, *_),) = row.caught.values()
    for shown in after.values():
        assert shown.seen == ()
        assert any("has data, shows none" in fault for fault in shown.faults), shown.faults
        wanted = because.partition("; displayed instead")[0]
        assert any(wanted in fault for fault in shown.faults), shown.faults


def test_every_committed_panel_shows_its_data(library: GrafanaLibrary) -> None:
    """With an answer to each query, all 89 panels show something, on each Grafana, and none is at fault."""
    panels = [panel for path in sorted(DASHBOARDS.glob("*.json")) for panel in json.loads(path.read_text())["panels"]]
    asked = [panel for panel in panels if panel["type"] not in {"row", "text"}]

    faults = [
        (panel["title"], shown.faults) for panel in asked for shown in show(library, panel).values() if shown.faults
    ]

    assert len(asked) == 89
    assert faults == []


def test_nothing_answered_is_no_fault_of_the_display(library: GrafanaLibrary) -> None:
    """An empty answer shows the panel's own words for nothing; that it is empty is said elsewhere."""
    panel = committed("d77_system_health", "Preflight Last Success")
    empty = {"A": [{"schema": {"refId": "A", "fields": []}, "data": {"values": []}}]}

    for shown in show(library, panel, empty).values():
        assert (shown.seen, shown.faults) == ((), ())
        assert shown.instead() == "'(no run yet / 아직 실행 없음)'"


def test_a_frame_that_grafana_refuses_is_named(library: GrafanaLibrary) -> None:
    """What is not a frame is a fault of the answer to that query, and the others are shown all the same."""
    panel = committed("d77_system_health", "Check Status Breakdown")
    frames = answers(panel) | {"B": [{"schema": {"fields": 7}, "data": {"values": []}}]}

    for shown in show(library, panel, frames).values():
        assert any(fault.startswith("the answer to B is not a frame that Grafana reads: ") for fault in shown.faults)
        assert {item.title for item in shown.seen} == {"PASS", "WARN", "ERROR", "SKIP"}


def test_what_the_library_throws_is_the_panels_fault(library: GrafanaLibrary) -> None:
    """A panel on which the library throws has its words, and the next panel is none the worse."""
    panel = committed("d77_system_health", "Preflight Last Success")
    broken = copy.deepcopy(panel)
    broken["fieldConfig"]["overrides"] = [{"properties": []}]  # no matcher

    for shown in show(library, broken).values():
        assert any("refuses this panel: Cannot read properties" in fault for fault in shown.faults)
    assert all(not shown.faults for shown in show(library, panel).values())


def test_a_query_whose_frame_is_not_shown_is_named(library: GrafanaLibrary) -> None:
    """A table without `merge` shows its first frame; the other query's data are behind a menu."""
    panel = committed("fx_multi_source", "Rates Now")
    panel["transformations"] = []

    for shown in show(library, panel).values():
        assert any(fault.startswith("B has data, shows none: of 2 frames a table shows one") for fault in shown.faults)


def test_a_hidden_line_among_others_is_named(library: GrafanaLibrary) -> None:
    """One of two lines that an override hides is a fault, though the other is drawn."""
    panel = committed("d77_system_health", "Redis/Postgres Latency")
    hidden = {"id": "custom.hideFrom", "value": {"viz": True, "legend": True, "tooltip": True}}
    panel["fieldConfig"]["overrides"].append({"matcher": {"id": "byName", "options": "Redis"}, "properties": [hidden]})

    for shown in show(library, panel).values():
        assert [item.title for item in shown.seen] == ["Postgres"]
        assert shown.faults == ("A has data, shows none: Redis: hidden by hideFrom.viz",)


def test_a_transformation_of_the_application_is_not_judged(library: GrafanaLibrary) -> None:
    """What only Grafana's application can do is said, and is no fault."""
    panel = committed("d77_system_health", "Preflight Duration P95")
    panel["transformations"] = [{"id": "timeSeriesTable", "options": {}}]

    for shown in show(library, panel).values():
        assert shown.notes == (
            "not judged: transformation 1, timeSeriesTable is part of Grafana's application, not of its library",
        )
        assert shown.faults == ()


@pytest.mark.parametrize(
    ("settings", "because"),
    [
        pytest.param({"showPoints": "never", "lineWidth": 0, "fillOpacity": 0}, "no line, no fill", id="no-ink"),
        pytest.param({"scaleDistribution": {"type": "log", "log": 10}}, "no point is above 0", id="logarithmic"),
        pytest.param({"drawStyle": "points", "pointSize": 0}, "points of size 0", id="no-size"),
    ],
)
def test_more_ways_to_draw_nothing(library: GrafanaLibrary, settings: Json, because: str) -> None:
    """Lines without ink, zeros on a logarithmic axis, points without size."""
    panel = committed("d77_system_health", "Preflight Duration P95")
    panel["fieldConfig"]["defaults"]["custom"] |= settings

    for shown in show(library, panel, answers(panel, 0.0)).values():
        assert any(because in fault for fault in shown.faults), shown.faults


def test_points_outside_the_time_range_are_not_seen(library: GrafanaLibrary) -> None:
    """Data of yesterday is answered and lies left of the panel."""
    panel = committed("d77_system_health", "Preflight Duration P95")
    old = frame("A", [1.0] * 5, legend="P95")
    old["data"]["values"][0] = [at - 86_400_000 for at in old["data"]["values"][0]]

    for shown in show(library, panel, {"A": [old]}).values():
        assert any("all 5 points are outside the time range" in fault for fault in shown.faults)
