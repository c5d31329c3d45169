from __future__ import annotations

import math
from typing import Any

import pytest

from acceptance.dashboards.model import Panel, PanelTarget
from acceptance.dashboards.template import Window
from acceptance.probes.frames import FrameSeries
from acceptance.probes.grafana import GrafanaResult
from acceptance.proof.judge import BEAT_MARK, EMPTY, RUN_MARK, Marks, PanelFault, judge, mark_queries

NOW = 10_000.0
WINDOW = Window(start=NOW - 60, end=NOW, scrape_interval=1)
MARKS = Marks(env="paper", last_run=9_990.5)
SPREAD = "max by (symbol) (arbitrage_spread_bps)"
RUNS = 'sum(arbitrage_preflight_runs_total{env="$env"})'


def target(ref: str = "A", expr: str = "up", *, instant: bool = False, hidden: bool = False) -> PanelTarget:
    return PanelTarget(
        ref_id=ref,
        expr=expr,
        instant=instant,
        table=False,
        legend="",
        datasource_uid="arbitrage-prometheus",
        hidden=hidden,
    )


def panel(*targets: PanelTarget, unit: str = "none", kind: str = "timeseries") -> Panel:
    return Panel(
        dashboard="d77", id=3, title="P", type=kind, row=None, unit=unit, targets=targets or (target(),), raw={}
    )


def series(ref: str, *values: float, last: float = NOW - 1) -> FrameSeries:
    times = tuple(last - len(values) + 1 + i for i in range(len(values)))
    return FrameSeries(ref_id=ref, name=ref, labels={}, times=times, values=values)


def answer(found: dict[str, tuple[FrameSeries, ...]], **errors: str) -> GrafanaResult:
    return GrafanaResult(
        request={"queries": [{"refId": ref, "expr": f"sent {ref}"} for ref in {**found, **errors}]},
        status=400 if errors else 200,
        series=found,
        frame_counts={ref: max(len(one), 1) for ref, one in found.items()},
        errors=errors,
        executed={},
        raw={},
    )


def faults(one: Panel, result: GrafanaResult, marks: Marks = MARKS) -> list[tuple[str, PanelFault]]:
    return [(fault.ref_id, fault.fault) for fault in judge(one, result, window=WINDOW, marks=marks)]


def test_a_panel_that_shows_data_has_no_fault() -> None:
    """Fresh finite values in a fitting unit are what a panel is for."""
    assert faults(panel(), answer({"A": (series("A", 1, 1, 1),)})) == []


def test_an_error_is_a_fault_even_beside_a_good_target() -> None:
    """A refused query is named with the query as sent and Grafana's words, whatever its neighbours show."""
    broken = panel(target("A"), target("B"))

    (fault,) = judge(broken, answer({"A": (series("A", 1),)}, B="parse error"), window=WINDOW, marks=MARKS)

    assert fault.fault is PanelFault.ERROR
    assert str(fault) == (
        "dashboard 'd77', panel 'P' (id 3), target B: error: HTTP 400: parse error; query as sent 'sent B'"
    )


@pytest.mark.parametrize(
    ("result", "fault"),
    [
        pytest.param(answer({}), PanelFault.NO_FRAME, id="no answer"),
        pytest.param(answer({"A": ()}), PanelFault.NO_ROWS, id="an empty frame"),
        pytest.param(answer({"A": (series("A"),)}), PanelFault.NO_ROWS, id="a series without points"),
        pytest.param(answer({"A": (series("A", math.nan, math.inf),)}), PanelFault.NAN_ONLY, id="no finite number"),
    ],
)
def test_each_way_of_being_empty_is_told_apart(result: GrafanaResult, fault: PanelFault) -> None:
    """No frame, no rows and NaN only are three faults, and each of them may be excused."""
    assert faults(panel(), result) == [("A", fault)]
    assert fault in EMPTY


def test_no_frames_at_all_is_no_frame() -> None:
    """A target answered with an empty list of frames has no frame."""
    result = GrafanaResult(
        request={"queries": []}, status=200, series={"A": ()}, frame_counts={"A": 0}, errors={}, executed={}, raw={}
    )

    assert faults(panel(), result) == [("A", PanelFault.NO_FRAME)]


def test_one_target_with_data_does_not_excuse_another() -> None:
    """Each target must show something by itself; hidden ones do not count."""
    two = panel(target("A"), target("B"), target("C", hidden=True))

    assert faults(two, answer({"A": (series("A", 1),), "B": ()})) == [("B", PanelFault.NO_ROWS)]
    assert faults(two, answer({"A": (), "B": ()})) == [("A", PanelFault.NO_ROWS), ("B", PanelFault.NO_ROWS)]


@pytest.mark.parametrize(("age", "stale"), [(3.0, False), (3.5, True)], ids=["three steps", "more"])
def test_newest_point_must_be_near_the_end(age: float, *, stale: bool) -> None:
    """A range panel may lag three steps and no more; one fresh series is enough."""
    old = series("A", 1, 2, last=NOW - age)

    assert faults(panel(), answer({"A": (old,)})) == ([("A", PanelFault.STALE)] if stale else [])
    assert faults(panel(), answer({"A": (old, series("A", 1))})) == []


def test_instant_values_are_judged_by_the_run_and_not_by_their_time() -> None:
    """A preflight panel counts only if this run's timestamp came in the same request."""
    stat = panel(target(expr=RUNS, instant=True), kind="stat")
    old = panel(target(expr="up", instant=True), kind="stat")
    assert faults(old, answer({"A": (series("A", 1, last=NOW - 500),)})) == []
    value: dict[str, tuple[FrameSeries, ...]] = {"A": (series("A", 1, last=NOW),)}

    assert faults(stat, answer({**value, RUN_MARK: (series(RUN_MARK, 9_990.5),)})) == []
    assert faults(stat, answer({**value, RUN_MARK: (series(RUN_MARK, 9_000.0),)})) == [(RUN_MARK, PanelFault.STALE)]
    assert faults(stat, answer(value)) == [(RUN_MARK, PanelFault.STALE)]
    assert faults(stat, answer({**value, RUN_MARK: (series(RUN_MARK, 1.0),)}), Marks(env="paper")) == []


@pytest.mark.parametrize(("age", "stale"), [(30.0, False), (30.5, True), (None, True)], ids=str)
def test_engine_panels_need_a_heartbeat(age: float | None, *, stale: bool) -> None:
    """A dead engine's last values still answer for minutes: its heartbeat in the same request tells."""
    mark = (series(BEAT_MARK, NOW - age),) if age is not None else ()
    stat = panel(target(expr="sum(arbitrage_open_positions)", instant=True), kind="stat")

    found = faults(stat, answer({"A": (series("A", 1),), BEAT_MARK: mark}))

    assert found == ([(BEAT_MARK, PanelFault.STALE)] if stale else [])


def test_standing_still_is_a_fault_where_the_engine_moves() -> None:
    """A flat line over metrics that always move is a fault; over few points, or over others, it is not."""
    beat = {BEAT_MARK: (series(BEAT_MARK, NOW - 1),)}
    moving, other = panel(target(expr=SPREAD), unit="suffix:bps"), panel(target(expr="arbitrage_open_positions"))
    flat, short = series("A", *[5.0] * 8), series("A", *[5.0] * 7)

    assert faults(moving, answer({"A": (flat,), **beat})) == [("A", PanelFault.CONSTANT)]
    assert faults(moving, answer({"A": (short,), **beat})) == []
    assert faults(moving, answer({"A": (flat, series("A", *range(8))), **beat})) == []
    assert faults(other, answer({"A": (flat,), **beat})) == []
    mixed = panel(target(expr=f"{SPREAD} * arbitrage_engine_read_only"))
    assert faults(mixed, answer({"A": (flat,), **beat})) == []


def test_unit_must_be_that_of_the_metric() -> None:
    """Seconds shown as a plain number are a fault, in a table they are not: each column has its own unit."""
    expr = "scrape_duration_seconds"
    result = answer({"A": (series("A", 1),)})

    assert faults(panel(target(expr=expr), unit="none"), result) == [("A", PanelFault.WRONG_UNIT)]
    assert faults(panel(target(expr=expr), unit="s"), result) == []
    assert faults(panel(target(expr=expr), unit="none", kind="table"), result) == []


@pytest.mark.parametrize("expr", ["rate(up[1m])", "sum(increase(node_textfile_scrape_error[5m]))"])
def test_counter_functions_over_gauges_are_faults(expr: str) -> None:
    """rate() over a gauge gives a number that says nothing, so a number alone is not enough."""
    assert faults(panel(target(expr=expr)), answer({"A": (series("A", 0),)})) == [("A", PanelFault.WRONG_FUNCTION)]


@pytest.mark.parametrize(
    "expr",
    [
        'count(ALERTSS{alertstate="firing"}) or vector(0)',
        "sum by (statu) (up)",
        'sum(arbitrage_preflight_alerts_total{outcome="send"}) or vector(0)',
    ],
)
def test_names_that_nobody_exports_are_faults(expr: str) -> None:
    """A misspelt metric, label or value is found even where the query has an answer for it."""
    result = answer({"A": (series("A", 0),), RUN_MARK: (series(RUN_MARK, 9_990.5),)})

    assert faults(panel(target(expr=expr)), result) == [("A", PanelFault.UNKNOWN_NAME)]


def test_a_query_without_a_metric_is_a_fault() -> None:
    """A constant is finite, fresh, and says nothing."""
    assert faults(panel(target(expr="vector(0)")), answer({"A": (series("A", 0),)})) == [
        ("A", PanelFault.WRONG_FUNCTION)
    ]


@pytest.mark.parametrize(
    ("expr", "refs"),
    [
        (RUNS, [RUN_MARK]),
        (SPREAD, [BEAT_MARK]),
        (f"{SPREAD} + {RUNS}", [BEAT_MARK, RUN_MARK]),
        ("env_instance:arbitrage_preflight_x:p95", [RUN_MARK]),
        ("up", []),
        ("sum(arbitrage_spread_bps", []),
    ],
)
def test_marks_follow_what_a_panel_stands_on(expr: str, refs: list[str]) -> None:
    """The freshness queries are those of the panel's sources, for its datasource, as instants."""
    queries = mark_queries(panel(target(expr=expr)), MARKS)

    assert [query["refId"] for query in queries] == refs
    assert all(query["datasource"]["uid"] == "arbitrage-prometheus" and query["instant"] for query in queries)
    assert all('env="paper"' in query["expr"] for query in queries if query["refId"] == RUN_MARK)


def test_a_judgement_keeps_what_is_needed_for_the_evidence() -> None:
    """The fault carries panel, target, query as sent and detail as fields too."""
    given: dict[str, Any] = {"A": (series("A", math.nan),)}

    (fault,) = judge(panel(), answer(given), window=WINDOW, marks=MARKS)

    assert (fault.panel.title, fault.ref_id, fault.query) == ("P", "A", "sent A")
    assert fault.detail == "1 values, the last [nan]"
