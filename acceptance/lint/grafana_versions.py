"""What each Grafana version that we serve can load.

Panel types are the folders of ``public/app/plugins/panel`` of that version (read from 10.0.0), without the AngularJS
ones (``graph``, ``table-old``): they are gone since 12. The schema version is the newest that the version can
migrate from: a file with a newer one is shown as it is, unmigrated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["ANGULAR_TYPES", "SUPPORTED", "GrafanaVersion"]

ANGULAR_TYPES = frozenset(
    {"graph", "table-old", "singlestat", "heatmap-old", "grafana-piechart-panel", "grafana-worldmap-panel"}
)

_SINCE_10 = frozenset(
    {
        "alertlist",
        "annolist",
        "barchart",
        "bargauge",
        "candlestick",
        "canvas",
        "dashlist",
        "datagrid",
        "flamegraph",
        "gauge",
        "geomap",
        "heatmap",
        "histogram",
        "logs",
        "news",
        "nodeGraph",
        "piechart",
        "row",
        "stat",
        "state-timeline",
        "status-history",
        "table",
        "text",
        "timeseries",
        "traces",
        "trend",
        "xychart",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GrafanaVersion:
    """What one version knows."""

    max_schema: int
    panel_types: frozenset[str]


SUPPORTED: Mapping[str, GrafanaVersion] = {
    "10": GrafanaVersion(max_schema=38, panel_types=_SINCE_10),
    "12": GrafanaVersion(max_schema=41, panel_types=_SINCE_10),
    "13": GrafanaVersion(max_schema=42, panel_types=_SINCE_10),
}
