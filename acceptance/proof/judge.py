"""Judges what a panel shows. The probe reads, this decides, the caller reports.

How freshness is told: the newest point of a range panel must be near the end of the range. An instant sample
carries the time of the question, and a textfile value the time of the scrape, so neither proves anything. Therefore
marks are asked in the same request: the time of the last preflight run for panels that stand on preflight, the
engine's heartbeat for those that stand on the engine.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from acceptance.dashboards.lint.catalogue import known_metrics
from acceptance.dashboards.lint.metrics import lint_queries, queries_of_panel
from acceptance.dashboards.lint.promql import selectors
from acceptance.dashboards.model import Panel, PanelTarget
from acceptance.dashboards.template import Window
from acceptance.probes.frames import FrameSeries
from acceptance.probes.grafana import GrafanaResult

__all__ = ["EMPTY", "MOVING", "Judgement", "Marks", "PanelFault", "emptiness", "judge", "mark_queries"]

# Metrics that move while a healthy engine runs: a flat line over all of them is no life sign.
MOVING = frozenset(
    {
        "arbitrage_engine_heartbeat_timestamp_seconds",
        "arbitrage_engine_loop_duration_seconds_bucket",
        "arbitrage_fx_age_seconds",
        "arbitrage_fx_rate",
        "arbitrage_quote_age_seconds",
        "arbitrage_quote_updates_total",
        "arbitrage_spread_bps",
    }
)
MIN_POINTS_TO_MOVE = 8  # fewer points may be equal by chance
LAG_STEPS = 3  # range queries are floored to the step and a scrape may be under way
RUN_MARK, BEAT_MARK = "MARKRUN", "MARKBEAT"
_RUN = 'max(arbitrage_preflight_last_run_timestamp_seconds{{env="{env}"}})'
_BEAT = "max(arbitrage_engine_heartbeat_timestamp_seconds)"


class PanelFault(StrEnum):
    """What is wrong with a panel."""

    ERROR = "error"  # Grafana or Prometheus refused the query
    NO_FRAME = "no frame"  # no answer, or not even an empty frame
    NO_ROWS = "no rows"  # an answer without a single value
    NAN_ONLY = "NaN only"  # values, and none of them a finite number
    STALE = "stale"  # not of now, or not of this run
    CONSTANT = "constant"  # does not move although the engine does
    WRONG_UNIT = "wrong unit"  # the panel's unit is not that of its metric
    WRONG_FUNCTION = "wrong function"  # rate() over a gauge and the like: a number that says nothing
    UNKNOWN_NAME = "unknown name"  # a metric, label or value that nobody exports: `or vector(0)` hides it


# Findings of the lint that hold for what is served too; the others show as faults of the answer.
_MISUSES: Mapping[str, PanelFault] = {
    "wrong-unit": PanelFault.WRONG_UNIT,
    "gauge-as-counter": PanelFault.WRONG_FUNCTION,
    "counter-as-gauge": PanelFault.WRONG_FUNCTION,
    "query": PanelFault.WRONG_FUNCTION,
    "unknown-metric": PanelFault.UNKNOWN_NAME,
    "unknown-label": PanelFault.UNKNOWN_NAME,
    "unknown-value": PanelFault.UNKNOWN_NAME,
}
EMPTY = frozenset({PanelFault.NO_FRAME, PanelFault.NO_ROWS, PanelFault.NAN_ONLY})  # what an expectation may excuse


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One fault with its place; ``str`` is the sentence for a person."""

    panel: Panel
    ref_id: str
    fault: PanelFault
    query: str  # as sent
    detail: str  # the last answer, or what was expected

    def __str__(self) -> str:
        return f"{self.panel.place}, target {self.ref_id}: {self.fault}: {self.detail}; query as sent {self.query!r}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What freshness is measured by."""

    env: str
    last_run: float | None = None  # Unix seconds of this run's end, exactly; None: any run will do
    max_beat_age: float = 30.0  # seconds that the engine's heartbeat may be old


def _metrics(expr: str) -> frozenset[str]:
    """Name the metrics of a query; none where it cannot be read, since Grafana's answer will say what is wrong."""
    try:
        return frozenset(found.metric for found in selectors(expr))
    except ValueError:
        return frozenset()


def _sources(panel: Panel) -> frozenset[str]:
    """Say what a panel stands on: "preflight", "engine", or neither."""
    names = {name for target in panel.targets for name in _metrics(target.expr)}
    preflight = {name for name in names if "arbitrage_preflight_" in name}
    engine = {name for name in names - preflight if name.startswith("arbitrage_")}
    return frozenset({*(["preflight"] if preflight else []), *(["engine"] if engine else [])})


def mark_queries(panel: Panel, marks: Marks) -> tuple[dict[str, Any], ...]:
    """Give the queries to send along with the panel's own, in the same request."""
    uid = next((target.datasource_uid for target in panel.targets), "")
    wanted = {"preflight": (RUN_MARK, _RUN.format(env=marks.env)), "engine": (BEAT_MARK, _BEAT)}
    return tuple(
        {
            "refId": ref_id,
            "datasource": {"type": "prometheus", "uid": uid},
            "expr": expr,
            "instant": True,
            "range": False,
            "format": "time_series",
        }
        for ref_id, expr in (wanted[source] for source in sorted(_sources(panel)))
    )


def judge(panel: Panel, result: GrafanaResult, *, window: Window, marks: Marks) -> tuple[Judgement, ...]:
    """Find every fault of a panel.

    Each target is judged by itself, whatever its neighbours show: the one that errs or is empty may be the one that
    matters.

    Args:
        panel: As served.
        result: The answer to its ``panel_queries`` and ``mark_queries`` in one request.
        window: The window that was asked for.
        marks: What freshness is measured by.

    Returns:
        The faults; none for a panel that shows what it should.
    """
    active = [target for target in panel.targets if not target.hidden]
    sent = {str(query["refId"]): str(query.get("expr", "")) for query in result.request.get("queries", ())}

    def say(target: str, fault: PanelFault, detail: str) -> Judgement:
        query = sent.get(target, "")
        return Judgement(panel=panel, ref_id=target, fault=fault, query=query, detail=detail)

    found = [
        say(target.ref_id, PanelFault.ERROR, f"HTTP {result.status}: {result.errors[target.ref_id]}")
        for target in active
        if target.ref_id in result.errors
    ]
    if not found:
        empties = {target.ref_id: emptiness(target, result) for target in active}
        found += [say(ref_id, *empty) for ref_id, empty in empties.items() if empty]
        shown = [target for target in active if not empties[target.ref_id]]
        found += [say(*fault) for fault in _lifeless(panel, shown, result, window)]
    found += [say(*fault) for fault in _stale_marks(panel, result, window, marks)]
    found += [say(*fault) for fault in _misused(panel)]
    return tuple(found)


def emptiness(target: PanelTarget, result: GrafanaResult) -> tuple[PanelFault, str] | None:
    """Return how a target's answer is empty; None if it has a finite value."""
    series = result.series.get(target.ref_id)
    if series is None or not result.frame_counts.get(target.ref_id):
        return PanelFault.NO_FRAME, f"answers came for {sorted(result.series)} only" if series is None else "0 frames"
    values = [value for one in series for value in one.values]
    if not values:
        return PanelFault.NO_ROWS, f"{result.frame_counts[target.ref_id]} frames without a value"
    if not any(math.isfinite(value) for value in values):
        return PanelFault.NAN_ONLY, f"{len(values)} values, the last {values[-3:]}"
    return None


def _lifeless(
    panel: Panel, targets: list[PanelTarget], result: GrafanaResult, window: Window
) -> Iterator[tuple[str, PanelFault, str]]:
    """Find range targets whose newest point is old, or that stand still although they should move."""
    for target in targets:
        series = result.series[target.ref_id]
        if target.instant:
            continue
        newest = max(one.last_time for one in series if one.last_time is not None)
        age, limit = window.end - newest, LAG_STEPS * window.interval
        if age > limit:
            yield target.ref_id, PanelFault.STALE, f"the newest point is {age:.1f} s old, allowed are {limit:g} s"
        names = _metrics(target.expr)
        if names and names <= MOVING and _still(series):
            yield target.ref_id, PanelFault.CONSTANT, f"{len(series)} series of {panel.type} do not move at all"


def _still(series: tuple[FrameSeries, ...]) -> bool:
    finite = [[value for value in one.values if math.isfinite(value)] for one in series]
    long_enough = [values for values in finite if len(values) >= MIN_POINTS_TO_MOVE]
    return bool(long_enough) and all(len(set(values)) == 1 for values in long_enough)


def _stale_marks(
    panel: Panel, result: GrafanaResult, window: Window, marks: Marks
) -> Iterator[tuple[str, PanelFault, str]]:
    seen: Mapping[str, float | None] = {
        ref_id: next((series.last for series in result.series.get(ref_id, ())), None)
        for ref_id in (RUN_MARK, BEAT_MARK)
    }
    sources = _sources(panel)
    if "preflight" in sources:
        run = seen[RUN_MARK]
        if run is None or (marks.last_run is not None and run != marks.last_run):
            wanted = "any run" if marks.last_run is None else f"run {marks.last_run!r}"
            yield RUN_MARK, PanelFault.STALE, f"the last run seen in the same request is {run!r}, expected {wanted}"
    if "engine" in sources:
        beat = seen[BEAT_MARK]
        if beat is None or window.end - beat > marks.max_beat_age:
            age = "unknown" if beat is None else f"{window.end - beat:.1f} s"
            yield BEAT_MARK, PanelFault.STALE, f"the heartbeat's age is {age}, allowed are {marks.max_beat_age:g} s"


def _misused(panel: Panel) -> Iterator[tuple[str, PanelFault, str]]:
    """Find what gives a number, but not the one that the panel claims to show."""
    for finding in lint_queries(queries_of_panel(panel.dashboard, panel), known_metrics()):
        if finding.rule in _MISUSES:
            yield finding.target, _MISUSES[finding.rule], finding.message
