"""What the suite asks of one panel: the seam between its tests and the sweep."""

from __future__ import annotations

from typing import Protocol

from acceptance.proof.follow import FollowedRun
from acceptance.proof.sweep import PanelOutcome


class AskPanel(Protocol):
    """Asks one panel as of a run, and fails unless it shows that run without a fault."""

    def __call__(self, title: str, run: FollowedRun, env: str = ...) -> PanelOutcome:
        """Return what the panel shows of `run` in `env`.

        Raises:
            HopError: It shows nothing, or something else.
        """
