"""Dashboards that a user brings: what each panel would display, and what is wrong with it, on any Grafana.

Nothing is taken for granted of the files: what cannot be read is a finding with its place and costs only its own panel.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from acceptance.dashboards.lint.finding import Finding
from acceptance.dashboards.lint.promql import selectors
from acceptance.dashboards.lint.shape import check_shape
from acceptance.dashboards.model import Panel, list_panels, panel_queries, panel_values
from acceptance.dashboards.template import Value, Window, default_values
from acceptance.dashboards.time_range import shifted
from acceptance.dashboards.variables import VariableQuery, fill_variables
from acceptance.display import Display
from acceptance.probes.errors import ProbeError
from acceptance.probes.grafana import Datasource, GrafanaResult
from acceptance.proof.judge import emptiness
from acceptance.proof.sweep import WITHOUT_DATA, PanelOutcome, displayed

__all__ = ["BroughtPanel", "OpenGrafana", "look_at"]

Json = Mapping[str, Any]
_NOT_OURS = {
    "__expr__": "a server-side expression",
    "-- Dashboard --": "it shows the answer to another panel",
    "-- Grafana --": "Grafana's built-in datasource",
}
_UNREADABLE = (AttributeError, IndexError, KeyError, OverflowError, RecursionError, TypeError, ValueError)


@dataclass(frozen=True, slots=True, kw_only=True)
class BroughtPanel:
    """One panel of a user's dashboard."""

    file: str
    title: str
    outcome: PanelOutcome | None  # None: it could not be asked
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]  # what was not judged, and why


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenGrafana:
    """Whom to ask, and for which time."""

    client: VariableQuery
    sources: tuple[Datasource, ...]  # that this Grafana has
    window: Window


def look_at(
    file: str,
    dashboard: Json,
    grafana: OpenGrafana,
    display: Display,
    *,
    values: Mapping[str, Value] | None = None,
) -> tuple[tuple[BroughtPanel, ...], tuple[Finding, ...]]:
    """Ask every panel of a dashboard, of whatever form its JSON is.

    Args:
        file: Its name, for messages.
        dashboard: As in the file.
        grafana: Whom to ask.
        display: What says what is displayed.
        values: Variables to choose; the others are as on opening, else what the data offers first.

    Returns:
        The panels, and what is wrong with the dashboard itself.

    Raises:
        DisplayError: What panels display cannot be determined.
    """
    findings: list[Finding] = []
    board = _board(file, dashboard, findings)
    chosen, own = _variables(file, board, grafana, values or {})
    findings += own
    asked = [_ask(file, raw, grafana, chosen) for raw in _panels(board.get("panels"))]
    answered = {index: one.outcome for index, one in enumerate(asked) if one.outcome is not None}
    shown = dict(zip(answered, displayed(list(answered.values()), display), strict=True))
    return tuple(replace(one, outcome=shown.get(index)) for index, one in enumerate(asked)), tuple(findings)


def _board(file: str, given: Json, findings: list[Finding]) -> Json:
    """Return the v1 dashboard that a file holds, and say in which other form it is."""
    board: Json = given
    if isinstance(given.get("dashboard"), dict):
        findings.append(Finding(file=file, rule="form", message="is wrapped in {'dashboard': ...}; the inner is read"))
        board = given["dashboard"]
    if isinstance(board.get("spec"), dict) or "elements" in board:
        findings.append(Finding(file=file, rule="form", message="is of schema v2; save it as v1 JSON to have it read"))
    elif not isinstance(board.get("panels"), list):
        old = "rows" in board
        text = "has rows, the form before Grafana 5; open and save it" if old else "has no list of panels"
        findings.append(Finding(file=file, rule="form", message=text))
    return board


def _panels(given: Any) -> Iterator[Any]:
    for panel in given if isinstance(given, list) else ():
        if isinstance(panel, dict) and panel.get("type") == "row":
            yield from _panels(panel.get("panels"))
        else:
            yield panel


def _variables(
    file: str, board: Json, grafana: OpenGrafana, given: Mapping[str, Value]
) -> tuple[dict[str, Value], list[Finding]]:
    """Return each variable's value: as given, as on opening, else what the data offers first."""
    part: dict[str, Any] = {"panels": [], "templating": board.get("templating") or {}}
    if misshapen := [*check_shape(file, part)]:
        return dict(given), misshapen
    try:
        chosen = {**default_values(part), **given}
    except _UNREADABLE as error:
        return dict(given), [Finding(file=file, rule="variable", message=f"the variables cannot be read: {error!r}")]
    findings = []
    for variable in part["templating"].get("list") or ():
        name = str(variable.get("name"))
        if variable.get("type") != "query" or chosen.get(name):
            continue
        try:
            alone = {"templating": {"list": [variable]}}
            offered = fill_variables(grafana.client, alone, grafana.window, values=chosen)
            chosen[name] = next(iter(offered.get(name, ())), "")
        except (ProbeError, *_UNREADABLE) as error:
            findings.append(Finding(file=file, panel=f"variable {name}", rule="variable", message=str(error)))
    return chosen, findings


def _ask(file: str, raw: Any, grafana: OpenGrafana, chosen: Mapping[str, Value]) -> BroughtPanel:
    title = str(raw.get("title") or f"id {raw.get('id')}") if isinstance(raw, dict) else repr(raw)[:40]
    notes: list[str] = []

    def end(*findings: Finding, outcome: PanelOutcome | None = None) -> BroughtPanel:
        return BroughtPanel(file=file, title=title, outcome=outcome, findings=findings, notes=tuple(notes))

    def bad(rule: str, message: str, target: str = "") -> Finding:
        return Finding(file=file, panel=title, target=target, rule=rule, message=message)

    if misshapen := tuple(check_shape(file, {"panels": [raw]})):
        return end(*misshapen)
    try:
        ready = _prepared(file, raw, grafana, chosen, notes)
    except ProbeError as error:
        return end(bad("query", str(error)))
    except _UNREADABLE as error:
        return end(bad("shape", f"its JSON cannot be read: {error!r}"))
    if ready is None:
        return end()
    panel, queries, own = ready
    found = [bad("promql", text, ref) for ref, text in _unreadable_queries(queries)]
    try:
        result = grafana.client.query(queries, own.start, own.end)
        found += [bad("answer", f"Grafana answered: {said}", ref) for ref, said in result.errors.items()]
        return end(*found, *_empties(panel, result, bad), outcome=_outcome(panel, queries, result, own, chosen))
    except ProbeError as error:
        return end(*found, bad("answer", str(error)))


def _prepared(
    file: str, raw: Json, grafana: OpenGrafana, chosen: Mapping[str, Value], notes: list[str]
) -> tuple[Panel, Sequence[Json], Window] | None:
    """Return a panel, its queries and its time range; None if there is nothing to ask, which the notes say."""
    if raw.get("libraryPanel"):
        notes.append("not judged: a library panel, whose settings are not in this file")
        return None
    (panel,) = list_panels({"uid": file, "panels": [_with_sources(raw, grafana.sources, notes)]})
    if panel.type in WITHOUT_DATA or (not panel.targets and notes):
        return None
    window, moved = shifted(raw, grafana.window)
    if moved:
        notes.append(moved)
    return panel, panel_queries(panel, chosen, window), window


def _with_sources(raw: Json, sources: Sequence[Datasource], notes: list[str]) -> Json:
    """Return the panel with the uid of a Prometheus in each target; targets that ask something else are left out."""
    targets = []
    for target in raw.get("targets") or ():
        wanted = target.get("datasource") or raw.get("datasource")
        uid, other = _source(wanted, sources)
        if other:
            notes.append(f"not judged: {target.get('refId', '?')} asks {other}")
        else:
            targets.append({**target, "datasource": {"type": "prometheus", "uid": uid}})
    return {**raw, "targets": targets}


def _source(wanted: Any, sources: Sequence[Datasource]) -> tuple[str, str]:
    """Return the uid of the Prometheus that is meant, or what else is."""
    name = str(wanted.get("uid") or "") if isinstance(wanted, dict) else str(wanted or "")
    kind = str(wanted.get("type") or "") if isinstance(wanted, dict) else ""
    if name in _NOT_OURS or kind in _NOT_OURS:
        return "", _NOT_OURS[name if name in _NOT_OURS else kind]
    known = next((one for one in sources if name in {one.uid, one.name}), None)
    if known is None:  # a variable, the default, or of another Grafana: the Prometheus that is here
        ours = [one for one in sources if one.type == "prometheus"]
        known = next((one for one in ours if one.is_default), ours[0] if ours else None)
        if kind not in {"", "prometheus", "datasource"} or known is None:
            return "", f"a datasource of type {kind!r}" if kind else "a datasource that is not there"
    return (known.uid, "") if known.type == "prometheus" else ("", f"a datasource of type {known.type!r}")


def _unreadable_queries(queries: Sequence[Json]) -> Iterator[tuple[str, str]]:
    for query in queries:
        try:
            selectors(str(query["expr"]))
        except ValueError as error:
            yield str(query["refId"]), str(error)


def _empties(panel: Panel, result: GrafanaResult, bad: Any) -> list[Finding]:
    targets = [target for target in panel.targets if not target.hidden and target.ref_id not in result.errors]
    empty = [(target.ref_id, found) for target in targets if (found := emptiness(target, result)) is not None]
    return [bad("no-data", f"{fault}: {detail}", ref) for ref, (fault, detail) in empty]


def _outcome(
    panel: Panel, queries: Sequence[Json], result: GrafanaResult, window: Window, chosen: Mapping[str, Value]
) -> PanelOutcome:
    whole = not result.errors and all(target.ref_id in result.series for target in panel.targets if not target.hidden)
    return PanelOutcome(
        panel=panel,
        values=panel_values(panel, result) if whole else (),
        queries=tuple(str(query["expr"]) for query in queries),
        faults=(),
        failure="",
        result=result,
        variables=chosen,
        window=window,
    )
