"""Asks the site what panels show, in the form in which the probes and the pictures know it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from acceptance.dashboards.model import Panel, PanelValue, panel_queries, panel_values
from acceptance.dashboards.template import Value, Window
from acceptance.display import DisplayError
from acceptance.probes.errors import AnswerFormatError, PanelError, ProbeError, QueryError
from acceptance.probes.grafana import GrafanaResult, read_target
from acceptance.proof.sweep import PanelOutcome, displayed
from acceptance.world.grafana.seam import Site

__all__ = ["SiteAsked", "ask_panel"]

_ASKED = "the stand-in's own query"


class SiteAsked:
    """Runs targets on the site, and gives what ``GrafanaClient.query`` would."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def query(self, queries: Sequence[Mapping[str, Any]], from_: float, to: float) -> GrafanaResult:
        """Run targets over a range in Unix seconds.

        Raises:
            ProbeError: The request was refused as a whole, or the answer cannot be read.
        """
        start, end = round(from_ * 1000), round(to * 1000)
        body = self._site.query(queries, start, end)
        results = body.get("results")
        if not isinstance(results, dict):
            raise QueryError(str(body.get("message") or "the query was refused"), asked=_ASKED)
        try:
            read = {str(ref_id): read_target(str(ref_id), result) for ref_id, result in results.items()}
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise AnswerFormatError(f"an answer that cannot be read: {error}", asked=_ASKED) from error
        return GrafanaResult(
            request={"queries": [dict(query) for query in queries], "from": str(start), "to": str(end)},
            status=200,
            series={ref_id: series for ref_id, (series, _, _, _) in read.items()},
            frame_counts={ref_id: count for ref_id, (_, count, _, _) in read.items()},
            errors={ref_id: error for ref_id, (_, _, error, _) in read.items() if error},
            executed={ref_id: executed for ref_id, (_, _, _, executed) in read.items()},
            raw=body,
        )


def ask_panel(site: Site, panel: Panel, values: Mapping[str, Value], window: Window) -> PanelOutcome:
    """Ask what one panel shows. Nothing is judged; what could not be asked is the outcome's ``failure``."""
    queries: tuple[str, ...] = ()
    result: GrafanaResult | None = None
    shown: tuple[PanelValue, ...] = ()
    failure = ""
    try:
        own = panel_queries(panel, values, window)
        queries = tuple(str(query["expr"]) for query in own)
        result = SiteAsked(site).query(own, window.start, window.end)
        shown = panel_values(panel, result)
    except PanelError as error:
        failure = _errors(result) or str(error)
    except ProbeError as error:
        failure = str(error)
    outcome = PanelOutcome(
        panel=panel,
        values=shown,
        queries=queries,
        faults=(),
        failure=failure,
        result=result,
        variables=values,
        window=window,
    )
    display = site.display()
    if display is None:
        return outcome
    try:
        return displayed([outcome], display)[0]
    except DisplayError:
        return outcome  # the page shows the bare numbers; what a suite must know, it asks itself


def _errors(result: GrafanaResult | None) -> str:
    return "; ".join(f"{ref_id}: {said}" for ref_id, said in result.errors.items()) if result is not None else ""
