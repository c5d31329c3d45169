"""Asks a panel its own queries, taken from the dashboard that Grafana serves, and proves that the answer is fresh."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from acceptance.dashboards.model import Panel, PanelValue, list_panels, panel_queries, panel_values
from acceptance.dashboards.template import Window, default_values
from acceptance.probes import PanelError
from acceptance.probes.grafana import GrafanaClient, GrafanaResult, ServedDashboard
from acceptance.proof.follow import LAST_RUN, FollowedRun, HopError

_MARK = "LASTRUN"  # refId of the query that is added to each request
_SPAN_SECONDS = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a panel shows of one run."""

    panel: Panel
    values: tuple[PanelValue, ...]
    queries: tuple[str, ...]  # as sent, without the added one
    last_run_timestamp: float  # seen in the same request
    frames: int

    def by_name(self) -> dict[str, float]:
        """Give legend -> newest value; a series without a finite value fails.

        Raises:
            HopError: A series has no finite value, or two share a legend.
        """
        found: dict[str, float] = {}
        for shown in self.values:
            if shown.value is None or shown.name in found:
                raise HopError(
                    f"grafana, {self.panel.place}, target {shown.ref_id}",
                    asked=shown.query,
                    expected="one finite value per legend",
                    last=f"{shown.name}: {shown.series.values[-5:]}",
                    attempts=1,
                )
            found[shown.name] = shown.value
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelProbe:
    """Asks panels of one dashboard through `/api/ds/query`."""

    grafana: GrafanaClient
    served: ServedDashboard
    env: str
    step: float  # seconds between two scrapes

    def panels(self) -> tuple[Panel, ...]:
        """Give every panel of the dashboard as served."""
        return list_panels(self.served.dashboard)

    def ask(self, panel: Panel, seen: FollowedRun) -> Shown:
        """Ask all targets of a panel in one request, as of the moment at which `seen` was seen.

        The timestamp of the last run is asked in the same request: only where it is that of `seen` do the values
        count.

        Raises:
            HopError: The panel has no query that can be sent, shows nothing, or shows what is of another run.
            ProbeError: Grafana reports an error.
        """
        values = {**default_values(self.served.dashboard), "env": self.env}
        window = Window(start=seen.at - _SPAN_SECONDS, end=seen.at, scrape_interval=self.step)
        try:
            queries = panel_queries(panel, values, window)
        except PanelError as error:
            raise HopError(
                f"grafana, {panel.place}", asked="nothing yet", expected="queries to send", last=str(error), attempts=0
            ) from error
        result = self.grafana.query([*queries, self._mark(queries[0]["datasource"])], window.start, window.end)
        shown = panel_values(panel, result)
        if not shown:
            raise HopError(
                f"grafana, {panel.place}",
                asked="; ".join(query["expr"] for query in queries),
                expected="data",
                last=f"no series in {sum(result.frame_counts.values())} frames: {str(result.raw)[:500]}",
                attempts=1,
            )
        return Shown(
            panel=panel,
            values=shown,
            queries=tuple(query["expr"] for query in queries),
            last_run_timestamp=self._must_be_of(seen, panel, result),
            frames=sum(count for ref_id, count in result.frame_counts.items() if ref_id != _MARK),
        )

    def _mark(self, datasource: Mapping[str, str]) -> dict[str, object]:
        return {
            "refId": _MARK,
            "datasource": dict(datasource),
            "expr": f'{LAST_RUN}{{env="{self.env}"}}',
            "instant": True,
            "range": False,
            "format": "time_series",
        }

    def _must_be_of(self, seen: FollowedRun, panel: Panel, result: GrafanaResult) -> float:
        found = [series.last for series in result.series.get(_MARK, ())]
        if found != [seen.ended_at]:
            raise HopError(
                f"grafana, {panel.place}, freshness",
                asked=f'{LAST_RUN}{{env="{self.env}"}} in the same request',
                expected=repr(seen.ended_at),
                last=repr(found) if found else str(result.errors.get(_MARK, "no data")),
                attempts=1,
            )
        return seen.ended_at
