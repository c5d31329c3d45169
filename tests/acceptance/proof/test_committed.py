from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from acceptance.dashboards.lint.dashboards import load_folder
from acceptance.proof.committed import BOARD as ITSELF
from acceptance.proof.committed import (
    CommittedError,
    differences,
    panels_of,
    read_panels,
    read_series,
    series_of,
)

DASHBOARDS = Path(__file__).parents[3] / "monitoring" / "grafana" / "dashboards"
BOARD: dict[str, Any] = {
    "panels": [
        {
            "title": "T",
            "type": "stat",
            "targets": [
                {"refId": "A", "expr": "up", "legendFormat": "x", "datasource": {"uid": "d"}},
                {"refId": "B", "expr": "down", "hide": True, "datasource": {"uid": "d"}},
            ],
        }
    ],
    "templating": {
        "list": [
            {
                "name": "env",
                "type": "query",
                "query": {"query": "label_values(env)"},
                "current": {"value": "paper"},
            }
        ]
    },
    "time": {"from": "now-1h", "to": "now"},
}


def test_each_difference_is_named() -> None:
    """What is too much, what is missing, and what is in another order."""
    assert differences(["a", "b"], ["b", "c"]) == ["not in the list: a", "only in the list: c"]
    assert differences(["b", "a"], ["a", "b"]) == ["in another order: ['b', 'a']"]
    assert differences(["a"], ["a"]) == []


def test_a_panel_is_written_down_with_all_that_it_asks() -> None:
    """Type, place, unit, look; of each target refId, whether it is hidden, form, datasource, legend and query."""
    found = panels_of("u", BOARD)

    head, *targets = found["u", "T"]
    assert head.startswith("stat in None, unit none, look ")
    assert targets == ["A now from d as 'x': up", "B hidden now from d as '': down"]
    assert found["u", "$env"] == ("query hide=0 regex='' begins as 'paper': label_values(env)",)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("timeShift", "1d"),
        ("fieldConfig", {"defaults": {"mappings": [1]}}),
        ("targets", [{**BOARD["panels"][0]["targets"][0], "interval": "1h"}, BOARD["panels"][0]["targets"][1]]),
    ],
)
def test_another_look_is_another_panel(key: str, value: object) -> None:
    """What a panel makes of its values is part of what it says."""
    (panel,) = BOARD["panels"]
    other = {**BOARD, "panels": [{**panel, key: value}]}

    assert panels_of("u", BOARD)["u", "T"][0] != panels_of("u", other)["u", "T"][0]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("time", {"from": "now-2d", "to": "now-1d"}),
        ("refresh", ""),
        ("timezone", "utc"),
        ("timepicker", {"nowDelay": "1d"}),
    ],
)
def test_another_time_is_another_dashboard(key: str, value: object) -> None:
    """What it shows when it is opened is a day ago, or stands still: no panel says so."""
    assert panels_of("u", BOARD)["u", ITSELF] != panels_of("u", {**BOARD, key: value})["u", ITSELF]


def test_the_committed_panels_are_those_of_git() -> None:
    """Renew the list with `python -m acceptance.proof.committed` where a dashboard was changed on purpose."""
    files, _ = load_folder(DASHBOARDS)
    found = {place: lines for name, data in files.items() for place, lines in panels_of(Path(name).stem, data).items()}

    assert found == read_panels()


def test_series_are_written_down_without_values_and_env() -> None:
    """HELP and TYPE, and each series with its labels."""
    prom = '# HELP m Text.\n# TYPE m gauge\nm{env="paper",check="b"} 1.0\nm{env="paper",check="a"} 2e-05\n'

    assert series_of(prom, "paper") == (
        "# HELP m Text.",
        "# TYPE m gauge",
        'm{env="ENV",check="a"}',
        'm{env="ENV",check="b"}',
    )


@pytest.mark.parametrize("line", ['m{env="paper"} 1.0 1700000000000', "m 1.0", 'm{env="paper"}'])
def test_a_timestamp_or_no_label_is_refused(line: str) -> None:
    """node_exporter takes neither from a file."""
    with pytest.raises(CommittedError, match="without a timestamp"):
        series_of(f"{line}\n", "paper")


def test_every_series_of_the_list_has_its_help_and_type() -> None:
    """The list names each family whole."""
    lines = read_series()
    named = {line.split()[2] for line in lines if line.startswith("# HELP ")}

    assert named == {line.split()[2] for line in lines if line.startswith("# TYPE ")}
    assert len(named) == 14


def test_a_line_of_no_panel_is_refused(tmp_path: Path) -> None:
    """A list that was edited by hand is not read as less than it says."""
    (tmp_path / "panels.txt").write_text("    A now from d as 'x': up\n", encoding="utf-8")

    with pytest.raises(CommittedError, match="belongs to no panel"):
        read_panels(tmp_path / "panels.txt")
