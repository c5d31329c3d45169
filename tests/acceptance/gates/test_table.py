"""The table at the end of a whole run."""

from __future__ import annotations

from acceptance.gates import table
from acceptance.gates.table import Row

ROWS = (
    Row(gate="fast", result="FULL", seconds=41.6, counts={"passed": 1500, "failed": 0, "error": 0, "skipped": 0}),
    Row(gate="core", result="FAILED", seconds=725, counts={"passed": 6400, "failed": 2, "error": 1, "skipped": 0}),
    Row(gate="sabotage", result="ok", seconds=300.2),
)


def test_for_a_person() -> None:
    """Columns line up, and the last line adds up."""
    assert table.render(ROWS, seconds=1000).splitlines() == [
        "gate      result  passed  failed  error  skipped   time",
        "fast      FULL      1500       0      0        0   0:42",
        "core      FAILED    6400       2      1        0  12:05",
        "sabotage  ok                                       5:00",
        "all                 7900       2      1        0  16:40",
    ]


def test_for_github() -> None:
    """The same as a table of its page."""
    assert table.markdown(ROWS).splitlines()[2] == "| fast | FULL | 1500 | 0 | 0 | 0 | 0:42 |"
