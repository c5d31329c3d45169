"""Asks many panels at once and judges each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from acceptance.dashboards.model import Panel, PanelValue, list_panels, panel_queries, panel_values
from acceptance.dashboards.template import Value, Window, default_values
from acceptance.probes.errors import NoAnswerError, PanelError, ProbeError, UnreachableError
from acceptance.probes.grafana import GrafanaClient, GrafanaResult, ServedDashboard
from acceptance.proof.judge import EMPTY, Judgement, Marks, PanelFault, judge, mark_queries

__all__ = ["WITHOUT_DATA", "PanelOutcome", "sweep"]

WITHOUT_DATA = frozenset({"dashlist", "text"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelOutcome:
    """One panel with what it showed and what is wrong with it."""

    panel: Panel
    values: tuple[PanelValue, ...]
    queries: tuple[str, ...]  # as sent, marks left out
    faults: tuple[Judgement, ...]
    failure: str  # why it could not be asked at all; "" where it could
    result: GrafanaResult | None

    @property
    def empty_targets(self) -> frozenset[str]:
        """The refIds that showed nothing, which an expectation may excuse."""
        return frozenset(fault.ref_id for fault in self.faults if fault.fault in EMPTY)

    def problems(self, excused: Collection[str] = ()) -> tuple[str, ...]:
        """Give one sentence for each thing that is wrong; that an excused target is empty is not."""
        faults = [fault for fault in self.faults if not (fault.ref_id in excused and fault.fault in EMPTY)]
        return ((self.failure,) if self.failure else ()) + tuple(str(fault) for fault in faults)


def sweep(
    client: GrafanaClient,
    dashboards: Sequence[ServedDashboard],
    window: Window,
    marks: Marks,
    *,
    values: Mapping[str, Value] | None = None,
    workers: int = 4,
) -> tuple[PanelOutcome, ...]:
    """Ask every panel of the dashboards, ``workers`` at a time, and judge what it shows.

    Args:
        client: Logged in to Grafana.
        dashboards: As served.
        window: The time range.
        marks: What freshness is measured by; its env is chosen in each dashboard.
        values: Variables to choose beyond that; the others are as on opening.
        workers: Requests under way at once.

    Returns:
        One outcome per panel, in the order of the dashboards; a panel that cannot be asked has a ``failure``.
    """
    work: list[tuple[Panel, dict[str, Value]]] = []
    for served in dashboards:
        chosen = {**default_values(served.dashboard), "env": marks.env, **(values or {})}
        work += [(panel, chosen) for panel in list_panels(served.dashboard) if panel.type not in WITHOUT_DATA]
    with ThreadPoolExecutor(max_workers=workers) as pool:
        return tuple(pool.map(lambda item: _ask(client, item[0], item[1], window, marks), work))


def _ask(
    client: GrafanaClient, panel: Panel, chosen: Mapping[str, Value], window: Window, marks: Marks
) -> PanelOutcome:
    queries: tuple[str, ...] = ()

    def failed(failure: str) -> PanelOutcome:
        return PanelOutcome(panel=panel, values=(), queries=queries, faults=(), failure=failure, result=None)

    try:
        own = panel_queries(panel, chosen, window)
        queries = tuple(str(query["expr"]) for query in own)
        mark = mark_queries(panel, marks)
    except PanelError as error:
        return failed(str(error))
    try:
        result = client.query([*own, *mark], window.start, window.end)
    except ProbeError as error:
        return failed(_whose_fault(client, panel, own, window) or f"{panel.place}, {list(queries)}: {error}")
    faults = judge(panel, result, window=window, marks=marks)
    broken = any(fault.fault in {PanelFault.ERROR, PanelFault.NO_FRAME} for fault in faults)
    shown = () if broken else panel_values(panel, result)
    return PanelOutcome(panel=panel, values=shown, queries=queries, faults=faults, failure="", result=result)


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
