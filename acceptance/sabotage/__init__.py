"""Ways to break the system on purpose. Each must turn the suite red, and for its own reason.

A sabotage works on a copy of the checkout, so that the real one is never touched and nothing has to be undone.
"""

from __future__ import annotations

from acceptance.sabotage.base import Sabotage, SabotageError
from acceptance.sabotage.dead_alert import DEAD_ALERT
from acceptance.sabotage.emptied_panels import EMPTIED_PANEL, EMPTIED_PANELS
from acceptance.sabotage.graph_panel import GRAPH_PANEL
from acceptance.sabotage.hidden_panels import HIDDEN_PANELS, NOTHING_SELECTED
from acceptance.sabotage.misspelt_metric import MISSPELT_METRIC
from acceptance.sabotage.other_datasource import OTHER_DATASOURCE
from acceptance.sabotage.other_directory import OTHER_DIRECTORY
from acceptance.sabotage.rate_over_gauge import RATE_OVER_GAUGE
from acceptance.sabotage.renamed_metrics import RENAMED_MARK, RENAMED_METRICS
from acceptance.sabotage.wrapped_dashboard import WRAPPED_DASHBOARD

__all__ = ["SABOTAGES", "Sabotage", "SabotageError"]

SABOTAGES: tuple[Sabotage, ...] = (
    EMPTIED_PANELS,
    EMPTIED_PANEL,
    NOTHING_SELECTED,
    HIDDEN_PANELS,
    RENAMED_METRICS,
    RENAMED_MARK,
    OTHER_DIRECTORY,
    # These are seen in the files: the tests that must catch them need no running server.
    MISSPELT_METRIC,
    RATE_OVER_GAUGE,
    OTHER_DATASOURCE,
    GRAPH_PANEL,
    WRAPPED_DASHBOARD,
    DEAD_ALERT,
)
