from __future__ import annotations

import re

import pytest

from acceptance.world.grafana.frames import Ask, frames_of
from acceptance.world.grafana.intervals import QueryStep, go_duration
from acceptance.world.grafana.provisioning.durations import seconds

HOUR = 3_600_000


def step(**changed: object) -> QueryStep:
    usual = {"start": 0, "end": HOUR, "points": 600, "wanted": 0, "own": "", "scrape": 15.0}
    return QueryStep.of(**(usual | changed))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "milliseconds"),
    [
        ({}, 15_000),  # 6 s of range by points, but never below the scrape interval
        ({"wanted": 20_000}, 20_000),  # what the panel asks for, instead of the scrape interval
        ({"wanted": 1_000, "points": 3600}, 1_000),
        ({"own": "30s", "wanted": 1_000}, 30_000),  # the query's own comes first
        ({"end": 24 * HOUR}, 120_000),  # 144 s by points is 2 min
        ({"end": 24 * HOUR, "points": 0}, 15 * 60_000),  # 100 points where none are named
        ({"end": 365 * 24 * HOUR}, 12 * HOUR),
        ({"end": 3650 * 24 * HOUR}, 24 * HOUR),
        ({"points": 1_000_000, "wanted": 1}, 328),  # Prometheus gives 11,000 points at most
        ({"end": 0, "points": 1}, 15_000),
    ],
)
def test_a_step(changed: dict[str, object], milliseconds: int) -> None:
    """Range by points, rounded to a plain length, never below the smallest step, never too many points."""
    assert step(**changed).step == milliseconds


@pytest.mark.parametrize(
    ("changed", "filled"),
    [
        ({}, "x[60s] 15s 15000 3600s 3600 3600000"),
        ({"wanted": 120_000}, "x[135s] 120s 120000 3600s 3600 3600000"),  # step and scrape interval are longer
        ({"own": "1m"}, "x[240s] 60s 60000 3600s 3600 3600000"),  # the query's own step is its scrape interval
        ({"wanted": 500, "scrape": 0.1, "end": 900}, "x[600ms] 500ms 500 1s 1 900"),
    ],
)
def test_interval_variables(changed: dict[str, object], filled: str) -> None:
    """In both spellings; what is not Grafana's own stays."""
    both = step(**changed)
    text = "x[$__rate_interval] $__interval $__interval_ms $__range $__range_s $__range_ms"
    assert both.fill(text) == filled
    assert both.fill(re.sub(r"\$(\w+)", r"${\1}", text)) == filled
    assert (
        both.fill("${__interval} $env $1 $__other $__intervals") == f"{filled.split()[1]} $env $1 $__other $__intervals"
    )


def test_a_range_is_of_whole_steps() -> None:
    """Start and end are floored, so that the newest point may lag by one step."""
    assert step(start=7_000, end=HOUR + 14_999).floored == (0, HOUR)


@pytest.mark.parametrize(
    ("text", "length"),
    [("15s", 15), ("1m30s", 90), ("500ms", 0.5), ("2h", 7200), ("30", 30), (">10s", 10), ("1.5m", 90)],
)
def test_a_length_of_time(text: str, length: float) -> None:
    """As Grafana and Prometheus write it."""
    assert seconds(text) == length


@pytest.mark.parametrize("text", ["", "soon", "0s", "-1s", "15 s", "s", "9" * 400 + "s", "1001y"])
def test_what_is_no_length_of_time(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(ValueError, match="length of time"):
        seconds(text)


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(500, "500ms"), (1500, "1.5s"), (15_000, "15s"), (60_000, "1m0s"), (144_000, "2m24s"), (7_230_000, "2h0m30s")],
)
def test_a_step_is_shown_as_go_writes_it(milliseconds: int, text: str) -> None:
    """In executedQueryString."""
    assert go_duration(milliseconds) == text


def name_of(legend: str, labels: dict[str, str]) -> str | None:
    ask = Ask(ref_id="A", expr="the expr", legend=legend, step=1, shown_step="1ms")
    data = {"resultType": "vector", "result": [{"metric": labels, "value": [1, "1"]}]}
    config = frames_of(ask, data)[0]["schema"]["fields"][1]["config"]
    return config.get("displayNameFromDS") if isinstance(config, dict) else None


@pytest.mark.parametrize(
    ("legend", "labels", "name"),
    [
        ("{{ a }}-{{b}}-{{c}}", {"a": "1", "b": "2"}, "1-2-"),
        ("plain", {}, "plain"),
        ("", {"__name__": "up"}, "up"),
        ("", {"__name__": "up", "b": 'say "x"\n', "a": "1"}, 'up{a="1", b="say \\"x\\"\\n"}'),
        ("", {}, "the expr"),
        ("__auto", {"a": "1"}, None),
        ("__auto", {}, "the expr"),
    ],
)
def test_the_name_in_the_legend(legend: str, labels: dict[str, str], name: str | None) -> None:
    """The query's pattern with a series' labels, else the series, else the query; __auto is the front end's."""
    assert name_of(legend, labels) == name


def test_numbers_that_json_cannot_hold() -> None:
    """They are null, and listed by kind."""
    ask = Ask(ref_id="A", expr="x", legend="", step=1, shown_step="1ms")
    samples = [[1, "NaN"], [2, "+Inf"], [3, "-Inf"], [4.5, "1.5"], [5, "1e300"], [6, "NaN"]]
    data = frames_of(ask, {"resultType": "matrix", "result": [{"metric": {}, "values": samples}]})[0]["data"]
    assert data == {
        "values": [[1000, 2000, 3000, 4500, 5000, 6000], [None, None, None, 1.5, 1e300, None]],
        "entities": [None, {"NaN": [0, 5], "Inf": [1], "NegInf": [2]}],
    }
