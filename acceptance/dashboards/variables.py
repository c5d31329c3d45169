"""Fills a dashboard's query variables from the data, as Grafana's front end does when the dashboard is opened."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from acceptance.dashboards.template import Value, Window, default_values, resolve
from acceptance.probes.errors import PanelError
from acceptance.probes.grafana import GrafanaResult

__all__ = ["VariableQuery", "fill_variables", "variable_query"]

_LABEL_VALUES = re.compile(r"label_values\(\s*(?P<selector>.+?)\s*,\s*(?P<label>\w+)\s*\)", re.DOTALL)
_WHOLE = "query_result"  # refId of a query whose labels are all wanted
_QUERY_RESULT = re.compile(r"query_result\(\s*(?P<expr>.+)\s*\)", re.DOTALL)


class VariableQuery(Protocol):
    """What can run targets; a ``GrafanaClient`` is one."""

    def query(self, queries: Sequence[Mapping[str, Any]], from_: float, to: float) -> GrafanaResult:
        """Run targets over a range in Unix seconds."""


def fill_variables(
    client: VariableQuery, dashboard: Mapping[str, Any], window: Window, *, values: Mapping[str, Value] | None = None
) -> dict[str, tuple[str, ...]]:
    """Ask the data which values each query variable offers at the end of ``window``.

    Variables may stand on earlier ones: those have what is in ``values``, else the value with which the dashboard
    opens.

    Returns:
        Variable name -> its options, sorted; empty where the data has none.

    Raises:
        PanelError: A variable's query is of a form that is not known here, or uses an unknown variable.
        ProbeError: Grafana cannot be asked, or reported an error.
    """
    uid = dashboard.get("uid")
    chosen: dict[str, Value] = {**default_values(dashboard), **(values or {})}
    options: dict[str, tuple[str, ...]] = {}
    for variable in dashboard.get("templating", {}).get("list", ()):
        if variable.get("type") == "query":
            name = str(variable["name"])
            query = _query(f"dashboard {uid!r}, variable {name!r}", variable, chosen, window)
            options[name] = _options(client, query, str(variable.get("regex") or ""), window)
    return options


def variable_query(variable: Mapping[str, Any]) -> tuple[str, str]:
    """Write a variable's query as an instant query.

    Returns:
        The query, variables unresolved, and the label that is wanted of its samples; "" for all of them.

    Raises:
        PanelError: The query is of a form that is not known here.
    """
    written = variable.get("query")
    text = str(written.get("query", "") if isinstance(written, dict) else written).strip()
    labels, results = _LABEL_VALUES.fullmatch(text), _QUERY_RESULT.fullmatch(text)
    if labels:
        return f"count by ({labels['label']}) ({labels['selector']})", labels["label"]
    if results:
        return results["expr"], ""
    raise PanelError(f"the query {text!r} is neither label_values(...) nor query_result(...)")


def _query(place: str, variable: Mapping[str, Any], chosen: Mapping[str, Value], window: Window) -> dict[str, Any]:
    """Write a variable's query as an instant query; its refId says which label is wanted, or none."""
    try:
        expr, label = variable_query(variable)
    except PanelError as error:
        raise PanelError(f"{place}: {error}") from error
    try:
        resolved = resolve(expr, chosen, window)
    except PanelError as error:
        raise PanelError(f"{place}: {error}") from error
    return {
        "refId": label or _WHOLE,
        "datasource": {"type": "prometheus", "uid": (variable.get("datasource") or {}).get("uid", "")},
        "expr": resolved,
        "instant": True,
        "range": False,
        "format": "time_series",
        "intervalMs": round(window.interval * 1000),
        "maxDataPoints": window.max_points,
    }


def _options(client: VariableQuery, query: Mapping[str, Any], regex: str, window: Window) -> tuple[str, ...]:
    label = str(query["refId"])
    found = [series.labels for series in client.query([query], window.start, window.end).of(label)]
    if label == _WHOLE:
        texts = [_as_text(labels) for labels in found]
    else:
        texts = [labels[label] for labels in found if label in labels]
    return tuple(sorted(set(_filtered(texts, regex))))


def _as_text(labels: Mapping[str, str]) -> str:
    """Write a sample's labels the way query_result shows them, without value and time."""
    return "{" + ",".join(f'{key}="{value}"' for key, value in sorted(labels.items())) + "}"


def _filtered(texts: Sequence[str], regex: str) -> list[str]:
    """Keep what matches ``/regex/``, and of that the first group, where there is one."""
    if not regex:
        return list(texts)
    pattern = re.compile(regex.strip("/"))
    matches = [match for text in texts if (match := pattern.search(text))]
    return [match.group(1) if pattern.groups else match.group(0) for match in matches]
