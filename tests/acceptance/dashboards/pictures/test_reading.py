from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from acceptance.dashboards.pictures.svg import compact

from acceptance.dashboards.model import Panel
from acceptance.dashboards.pictures.reading import Config, describe
from acceptance.dashboards.pictures.rows import table_cells
from acceptance.dashboards.pictures.timeseries import clock_ticks
from tests.acceptance.dashboards.pictures.samples import HEALTH, SAMPLES, committed


def _panel(defaults: dict[str, Any], overrides: list[dict[str, Any]] | None = None) -> Panel:
    panel = committed(HEALTH, "Last Run Age")
    return replace(panel, raw={"fieldConfig": {"defaults": defaults, "overrides": overrides or []}})


def test_the_highest_threshold_reached_gives_the_colour() -> None:
    """A value on a threshold has that threshold's colour, one below it the one before."""
    config = Config(committed(HEALTH, "Last Run Age"))

    assert [config.look(value).colour for value in (0.0, 3599.9, 3600.0, 86400.0)] == [
        "#0072B2",
        "#0072B2",
        "#E69F00",
        "#D55E00",
    ]


def test_a_mapping_goes_before_the_number() -> None:
    """Mapped values, ranges and missing values have the text and the colour that the panel gives them."""
    mappings = [
        {"type": "value", "options": {"1": {"text": "YES", "color": "#000001"}}},
        {"type": "range", "options": {"from": 5, "to": None, "result": {"text": "MUCH", "color": "#000002"}}},
        {"type": "special", "options": {"match": "nan", "result": {"text": "NOT A NUMBER", "color": "#000003"}}},
    ]
    config = Config(_panel({"mappings": mappings, "noValue": "nothing", "unit": "none"}))

    assert [config.look(value).text for value in (1.0, 2.0, 5.0, math.nan, None)] == [
        "YES",
        "2",
        "MUCH",
        "NOT A NUMBER",
        "nothing",
    ]


def test_the_last_override_that_matches_holds() -> None:
    """Overrides by name and by pattern are read; a pattern that is none changes nothing."""
    overrides = [
        {"matcher": {"id": "byRegexp", "options": "/^P/"}, "properties": [{"id": "unit", "value": "ms"}]},
        {"matcher": {"id": "byName", "options": "P95"}, "properties": [{"id": "unit", "value": "percent"}]},
        {"matcher": {"id": "byRegexp", "options": "(?<name"}, "properties": [{"id": "unit", "value": "bytes"}]},
    ]
    config = Config(_panel({"unit": "s"}, overrides))

    assert [config.option("unit", field) for field in ("other", "P50", "P95")] == ["s", "ms", "percent"]


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

    columns, rows = table_cells(committed(*place), values)

    assert columns == ["Pair", "Source", "Rate", "Age"]
    assert rows == [{"Pair": "USDT/KRW", "Source": "upbit", "Rate": 1392.81, "Age": 0.4}]


@pytest.mark.parametrize("span", [1.0, 20.0, 60.0, 3600.0, 86400.0, 30 * 86400.0])
def test_the_time_axis_has_few_round_ticks(span: float) -> None:
    """Whatever the range, there are few ticks, in order and inside of it."""
    ticks = clock_ticks(1_790_000_003.5, 1_790_000_003.5 + span)

    assert len(ticks) <= 30
    assert ticks == sorted(ticks)
    assert all(1_790_000_003.5 <= tick <= 1_790_000_003.5 + span for tick in ticks)


def test_a_shorter_outline_is_the_same_outline() -> None:
    """Whole coordinates become relative ones; other paths keep every number."""
    written = compact(
        '<svg>\n <path d="M 10 10 \nL 20 10 \nL 20 30 \nQ 5 5 0 0 \nz\n"/>\n <path d="M 0.5 1 \nL 2 3"/>\n</svg>'
    )

    assert written == '<svg><path d="m10 10h10v20q-15-25-20-30z"/><path d="M 0.5 1 L 2 3"/></svg>\n'
