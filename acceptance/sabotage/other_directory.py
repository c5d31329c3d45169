"""node_exporter was started on another directory. It is healthy, its target is up, and it reads nothing of ours."""

from __future__ import annotations

from pathlib import Path

from acceptance.sabotage.base import Sabotage, replace_in


def _point_elsewhere(checkout: Path) -> None:
    replace_in(
        checkout / "acceptance" / "stack" / "embedded.py",
        "textfile_seen=self._textfile_seen or self._layout.textfile",
        "textfile_seen=self._textfile_seen or self._layout.root",
    )


OTHER_DIRECTORY = Sabotage(
    name="other-directory",
    story="node_exporter reads another directory than the one preflight writes to",
    suite="acceptance/test_metrics.py",
    caught_by=("test_the_seeds_own_query_answers", "test_runs_add_up_across_processes"),
    because=("hop node_exporter: this run's value did not arrive", "with node_textfile_scrape_error"),
    apply=_point_elsewhere,
)
