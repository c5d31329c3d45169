from __future__ import annotations

from dataclasses import replace

import pytest

from acceptance.dashboards.pictures.reading import describe, shown_of
from acceptance.dashboards.pictures.timeseries import clock_ticks
from tests.acceptance.dashboards.pictures.samples import HEALTH, SAMPLES, committed, outcome_of

pytestmark = pytest.mark.display  # what a picture shows is what Grafana's library says


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Loss. / 손실.", ("Loss.", "손실.")),
        ("Redis / Postgres. / 레디스 / 포스트그레스.", ("Redis / Postgres.", "레디스 / 포스트그레스.")),
        ("Only English", ("Only English", "")),
        ("한국어만", ("", "한국어만")),
        ("", ("", "")),
    ],
)
def test_the_two_languages_are_told_apart(text: str, expected: tuple[str, str]) -> None:
    """The Korean part of a description begins at the first slash with Hangul behind it."""
    panel = committed(HEALTH, "Last Run Age")

    assert describe(replace(panel, raw={"description": text})) == expected


def test_a_table_is_merged_and_its_columns_renamed() -> None:
    """Two targets become one row, with the columns that the dashboard names."""
    place, values = SAMPLES["table"]

    cells = shown_of(outcome_of(committed(*place), values)).seen

    assert [(cell.row, cell.title, cell.text) for cell in cells] == [
        (0, "Pair", "USDT/KRW"),
        (0, "Source", "upbit"),
        (0, "Rate", "₩1392.81"),
        (0, "Age", "400.0 ms"),
    ]


def test_without_the_library_the_bare_numbers_are_left() -> None:
    """A picture without Grafana's library claims no unit, mapping or colour."""
    place, values = SAMPLES["stat"]
    bare = replace(outcome_of(committed(*place), values), displayed={})

    assert [(item.title, item.text, item.colour) for item in shown_of(bare).seen] == [("paper", "1", None)]


@pytest.mark.parametrize("span", [1.0, 20.0, 60.0, 3600.0, 86400.0, 30 * 86400.0])
def test_the_time_axis_has_few_round_ticks(span: float) -> None:
    """Whatever the range, there are few ticks, in order and inside of it."""
    ticks = clock_ticks(1_790_000_003.5, 1_790_000_003.5 + span)

    assert len(ticks) <= 30
    assert ticks == sorted(ticks)
    assert all(1_790_000_003.5 <= tick <= 1_790_000_003.5 + span for tick in ticks)
