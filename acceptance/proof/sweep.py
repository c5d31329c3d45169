"""Asks panels, one or many at once, judges the answers, and has Grafana's own library say what is displayed."""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from acceptance.dashboards.model import Panel, PanelValue, list_panels, panel_queries, panel_values
from acceptance.dashboards.template import Value, Window, default_values
from acceptance.dashboards.time_range import shifted
from acceptance.display import Display, Displayed, PanelRequest
from acceptance.probes.errors import NoAnswerError, PanelError, ProbeError, UnreachableError
from acceptance.probes.grafana import GrafanaClient, GrafanaResult, ServedDashboard
from acceptance.proof.judge import EMPTY, RUN_MARK, Judgement, Marks, PanelFault, judge, mark_queries

__all__ = ["WITHOUT_DATA", "PanelOutcome", "displayed", "sweep"]

WITHOUT_DATA = frozenset({"dashlist", "text"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelOutcome:
    """One panel with what it was answered, what it displays and what is wrong with it."""

    panel: Panel
    values: tuple[PanelValue, ...]
    queries: tuple[str, ...]  # as sent, marks left out
    faults: tuple[Judgement, ...]
    failure: str  # why it could not be asked at all; "" if it could
    result: GrafanaResult | None
    elapsed_seconds: float = 0.0  # until it was answered
    variables: Mapping[str, Value] = field(default_factory=dict)
    window: Window | None = None  # that was asked for
    displayed: Mapping[str, Displayed] = field(default_factory=dict)  # major version -> what a person sees

    @property
    def empty_targets(self) -> frozenset[str]:
        """The refIds that showed nothing, which an expectation may excuse."""
        return frozenset(fault.ref_id for fault in self.faults if fault.fault in EMPTY)

    @property
    def last_run_timestamp(self) -> float | None:
        """End of the last run that was seen in the same request; None if that was not asked or has no answer."""
        series = self.result.series.get(RUN_MARK, ()) if self.result is not None else ()
        return next((one.last for one in series), None)

    def by_name(self) -> dict[str, float]:
        """Return legend -> newest value of each series; NaN if it has no finite one, or two share the legend."""
        found: dict[str, float] = {}
        for shown in self.values:
            found[shown.name] = math.nan if shown.value is None or shown.name in found else shown.value
        return found

    def problems(self, excused: Collection[str] = ()) -> tuple[str, ...]:
        """Return one sentence for each thing that is wrong; that an excused target is empty is not."""
        faults = [fault for fault in self.faults if not (fault.ref_id in excused and fault.fault in EMPTY)]
        answered = ((self.failure,) if self.failure else ()) + tuple(str(fault) for fault in faults)
        return answered + self._display_problems()

    def _display_problems(self) -> tuple[str, ...]:
        majors: dict[tuple[str, str], list[str]] = {}
        for major, shown in self.displayed.items():
            for fault in shown.faults:
                majors.setdefault((fault, shown.instead()), []).append(major)
        return tuple(
            f"{self.panel.place}: on Grafana {' and '.join(names)}: {fault}; displayed instead: {instead}"
            for (fault, instead), names in majors.items()
        )


def sweep(
    client: GrafanaClient,
    dashboards: Sequence[ServedDashboard],
    window: Window,
    marks: Marks,
    *,
    display: Display | None,
    values: Mapping[str, Value] | None = None,
    title: str | None = None,
    workers: int = 4,
) -> tuple[PanelOutcome, ...]:
    """Ask every panel of the dashboards, ``workers`` at a time, and judge what it shows.

    Args:
        client: Logged in to Grafana.
        dashboards: As served.
        window: The time range.
        marks: What freshness is measured by; its env is chosen in each dashboard.
        display: What says what is displayed; None: that is not asked.
        values: Variables to choose beyond that; the others are as on opening.
        title: Ask only the panels of this title.
        workers: Requests under way at once.

    Returns:
        One outcome per panel, in the order of the dashboards; a panel that cannot be asked has a ``failure``.

    Raises:
        DisplayError: What the panels display cannot be determined.
    """
    work: list[tuple[Panel, dict[str, Value]]] = []
    for served in dashboards:
        chosen = {**default_values(served.dashboard), "env": marks.env, **(values or {})}
        panels = [panel for panel in list_panels(served.dashboard) if title is None or panel.title == title]
        work += [(panel, chosen) for panel in panels if panel.type not in WITHOUT_DATA]
    with ThreadPoolExecutor(max_workers=workers) as pool:
        found = tuple(pool.map(lambda item: _ask(client, item[0], item[1], window, marks), work))
    return found if display is None else displayed(found, display)


def displayed(outcomes: Sequence[PanelOutcome], display: Display) -> tuple[PanelOutcome, ...]:
    """Return the outcomes with what each panel displays; one that was not answered displays nothing.

    Raises:
        DisplayError: That cannot be determined.
    """
    requests = {index: _request(outcome) for index, outcome in enumerate(outcomes)}
    asked = {index: request for index, request in requests.items() if request is not None}
    shown = dict(zip(asked, display.show(list(asked.values())), strict=True))
    return tuple(replace(outcome, displayed=shown.get(index, {})) for index, outcome in enumerate(outcomes))


def _request(outcome: PanelOutcome) -> PanelRequest | None:
    if outcome.result is None or outcome.failure or outcome.window is None:
        return None
    results: Mapping[str, Any] = outcome.result.raw.get("results") or {}
    active = [target for target in outcome.panel.targets if not target.hidden]
    return PanelRequest(
        panel=outcome.panel.raw,
        frames={target.ref_id: results.get(target.ref_id, {}).get("frames") or [] for target in active},
        tables=tuple(target.ref_id for target in active if target.table),
        variables=outcome.variables,
        start=outcome.window.start,
        end=outcome.window.end,
    )


def _ask(client: GrafanaClient, panel: Panel, chosen: Mapping[str, Value], given: Window, marks: Marks) -> PanelOutcome:
    queries: tuple[str, ...] = ()
    window, moved = shifted(panel.raw, given)

    def failed(failure: str) -> PanelOutcome:
        return PanelOutcome(panel=panel, values=(), queries=queries, faults=(), failure=failure, result=None)

    try:
        own = panel_queries(panel, chosen, window)
        queries = tuple(str(query["expr"]) for query in own)
        mark = mark_queries(panel, marks)
    except PanelError as error:
        return failed(str(error))
    asked = time.monotonic()
    try:
        result = client.query([*own, *mark], window.start, window.end)
    except ProbeError as error:
        return failed(_whose_fault(client, panel, own, window) or f"{panel.place}, {list(queries)}: {error}")
    elapsed = time.monotonic() - asked
    faults = judge(panel, result, window=window, marks=marks)
    if moved:  # what is missing may lie outside of the range that the panel has for itself
        faults = tuple(replace(fault, detail=f"{fault.detail} ({moved})") for fault in faults)
    broken = any(fault.fault in {PanelFault.ERROR, PanelFault.NO_FRAME} for fault in faults)
    return PanelOutcome(
        panel=panel,
        values=() if broken else panel_values(panel, result),
        queries=queries,
        faults=faults,
        failure="",
        result=result,
        elapsed_seconds=elapsed,
        variables=chosen,
        window=window,
    )


def _whose_fault(client: GrafanaClient, panel: Panel, queries: Sequence[Mapping[str, Any]], window: Window) -> str:
    """Ask each target alone, since a request that failed as a whole does not say which one it was."""
    for query in queries:
        place = f"{panel.place}, target {query['refId']}: query as sent {query['expr']!r}"
        try:
            result = client.query([query], window.start, window.end)
        except (NoAnswerError, UnreachableError):
            return ""  # not the query's fault
        except ProbeError as error:
            return f"{place}: {error}"
        if result.errors:
            return f"{place}: Grafana answered HTTP {result.status}: {result.errors}"
    return ""
