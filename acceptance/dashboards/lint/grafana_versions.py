"""What each Grafana version that we serve can load. Tried is 10.0.0 only, which the embedded stack runs.

Where the lists come from, all in the repository grafana/grafana:

- 10: the folders of ``public/app/plugins/panel`` of 10.0.0; schema version: its ``DashboardMigrator.ts``.
- 12: ``pkg/tests/api/plugins/data/expectedListResp.json`` of 12.4.0-pre (commit 023625e), which lists what
  ``/api/plugins`` answers; ``datagrid`` is not in it. Schema version: that of 12.0, the oldest 12.
- 13: ``public/app/features/plugins/built_in_plugins.ts`` of the main branch after 12.4 (commit 01256a2); ``datagrid``
  is gone there, ``logstable`` is new. Schema version: ``apps/dashboard/pkg/migration/schemaversion/migrations.go``
  (commit 01ec8e3).

Left out everywhere: the AngularJS panels, and those of Grafana's own pages (debug, gettingstarted, live, welcome). The
schema version is the newest that the version can migrate from: a file with a newer one is shown as it is, unmigrated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = [
    "ANGULAR_TYPES",
    "REMOVED_PANEL_KEYS",
    "REMOVED_VARIABLE_KEYS",
    "SUPPORTED",
    "VARIABLE_TYPES",
    "GrafanaVersion",
]

ANGULAR_TYPES = frozenset(
    {"graph", "table-old", "singlestat", "heatmap-old", "grafana-piechart-panel", "grafana-worldmap-panel"}
)

_ANGULAR = "an option of the AngularJS graph, which Grafana 12 does not read; use fieldConfig"
# Keys of a panel that some supported version has thrown out: they are in the file and do nothing.
REMOVED_PANEL_KEYS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("aliasColors", "lines", "nullPointMode", "renderer", "seriesOverrides"), _ANGULAR),
        **dict.fromkeys(("thresholds", "xaxis", "yaxes", "yaxis"), _ANGULAR),
        "alert": "legacy alerting, which is gone since Grafana 11; write a rule in monitoring/prometheus/rules",
        "styles": "an option of the AngularJS table, which Grafana 12 does not read; use fieldConfig",
        "valueMaps": "an option of singlestat, which is gone; use fieldConfig.defaults.mappings",
    }
)
_TAGS = "value groups, which are gone since Grafana 8; remove it"
REMOVED_VARIABLE_KEYS: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(("tagValuesQuery", "tags", "tagsQuery", "useTags"), _TAGS)
)
VARIABLE_TYPES = frozenset(
    {"adhoc", "constant", "custom", "datasource", "interval", "query", "textbox"}
)  # of all three

_COMMON = frozenset(
    {"alertlist", "annolist", "barchart", "bargauge", "candlestick", "canvas", "dashlist", "flamegraph", "gauge"}
    | {"geomap", "heatmap", "histogram", "logs", "news", "nodeGraph", "piechart", "row", "stat", "state-timeline"}
    | {"status-history", "table", "text", "timeseries", "traces", "trend", "xychart"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GrafanaVersion:
    """What one version knows."""

    max_schema: int
    panel_types: frozenset[str]


SUPPORTED: Mapping[str, GrafanaVersion] = MappingProxyType(
    {
        "10": GrafanaVersion(max_schema=38, panel_types=_COMMON | {"datagrid"}),
        "12": GrafanaVersion(max_schema=41, panel_types=_COMMON),
        "13": GrafanaVersion(max_schema=42, panel_types=_COMMON | {"logstable"}),
    }
)
