"""Ways to break the system on purpose. Each must turn the suite red, and for its own reason.

A sabotage works on a copy of the checkout, so that the real one is never touched and nothing has to be undone.
"""

from __future__ import annotations

from acceptance.sabotage.base import Sabotage, SabotageError
from acceptance.sabotage.emptied_panels import EMPTIED_PANEL, EMPTIED_PANELS
from acceptance.sabotage.other_directory import OTHER_DIRECTORY
from acceptance.sabotage.renamed_metrics import RENAMED_MARK, RENAMED_METRICS

__all__ = ["SABOTAGES", "Sabotage", "SabotageError"]

SABOTAGES: tuple[Sabotage, ...] = (
    EMPTIED_PANELS,
    EMPTIED_PANEL,
    RENAMED_METRICS,
    RENAMED_MARK,
    OTHER_DIRECTORY,
)
