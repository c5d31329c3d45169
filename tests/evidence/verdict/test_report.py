from __future__ import annotations

import math
from typing import Any

import pytest

from evidence import errors
from evidence.verdict.exposition import read_samples
from evidence.verdict.frames import newest
from evidence.verdict.report import quantile, read_report
from tests.evidence.genuine import START, report


@pytest.mark.parametrize(
    ("buckets", "expected"),
    [
        ({0.1: 0, 1.0: 10, math.inf: 10}, 0.955),
        ({0.1: 10, math.inf: 10}, 0.095),
        ({0.1: 0, math.inf: 10}, 0.1),
        ({0.1: 5, 0.5: 5, 1.0: 10, math.inf: 10}, 0.95),
        ({0.1: 0, math.inf: 0}, math.nan),
        ({}, math.nan),
    ],
    ids=["interpolated", "first bucket", "beyond", "empty bucket between", "nothing", "no buckets"],
)
def test_the_quantile_is_prometheus_own(buckets: dict[float, float], expected: float) -> None:
    """Linear inside the bucket, from 0 in the first, the highest finite bound beyond it, NaN of nothing."""
    assert quantile(0.95, buckets) == pytest.approx(expected, nan_ok=True)


def test_a_report_says_what_the_panels_must_show() -> None:
    """Verdict, quantiles and statuses, from the report alone."""
    document, _ = report("r", START, START + 2.5)
    panels = read_report(document, "report").panels()
    assert panels["Preflight Last Success"] == {"paper": 1.0}
    assert panels["Check Status Breakdown"] == {"PASS": 3.0, "FAIL": 0.0, "WARN": 0.0, "ERROR": 0.0, "SKIP": 0.0}
    assert panels["Preflight Duration P95"] == {"P95": pytest.approx(4.8)}
    document["verdict"] = "NO_GO"
    assert read_report(document, "report").panels()["Preflight Last Success"] == {"paper": 0.0}


@pytest.mark.parametrize("lacking", ["metrics", "ended_at", "run_id", "checks"])
def test_half_a_report_is_named(lacking: str) -> None:
    """Nothing is compared with a report that lacks something."""
    document, _ = report("r", START, START + 2.5)
    del document[lacking]
    with pytest.raises(errors.DocumentError, match="not a preflight report"):
        read_report(document, "report")


@pytest.mark.parametrize("data", [b"a{", b"\xff", b'a{b="c" 1', b"a 1\na 2\n"])
def test_a_textfile_that_is_none_is_named(data: bytes) -> None:
    """Also one that says the same line twice."""
    with pytest.raises(errors.DocumentError, match=r"x\.prom"):
        read_samples(data, "x.prom")


def test_the_newest_finite_value_counts() -> None:
    """Nulls and numbers that JSON cannot hold are passed over; a table is a series for each row."""

    def answer(fields: list[Any], values: list[list[Any]], entities: list[Any] | None = None) -> dict[str, Any]:
        data: dict[str, Any] = {"values": values} | ({"entities": entities} if entities else {})
        return {"results": {"A": {"frames": [{"schema": {"name": "n", "fields": fields}, "data": data}]}}}

    time, number, text = ({"name": kind, "type": kind} for kind in ("time", "number", "string"))
    series = list(
        newest(answer([time, number], [[1000, 2000, 3000, 4000], [1.0, 2.0, None, None]], [None, {"NaN": [3]}]))
    )
    assert [(one.name, one.value, one.time) for one in series] == [("n", 2.0, 2.0)]
    empty = list(newest(answer([time, number], [[], []])))
    assert [(one.value, one.time) for one in empty] == [(None, None)]
    table = list(newest(answer([text, number], [["x", "y"], [1.0, None]])))
    assert [one.value for one in table] == [1.0, None]
    with pytest.raises(ValueError, match="other columns"):
        list(newest(answer([time, number], [[1000]])))
