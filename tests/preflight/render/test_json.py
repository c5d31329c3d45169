from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from preflight import model
from preflight.model import Report, Sample
from preflight.render.json import render_json, report_dict

MakeReport = Callable[..., Report]


def test_document_fits_the_published_schema(make_report: MakeReport) -> None:
    """What is written is one JSON document that fits the schema and says the same as the report."""
    text = render_json(make_report(notes=("한국어 메모",)))
    schema = json.loads(Path(model.__file__).with_name("report.schema.json").read_text(encoding="utf-8"))
    document = json.loads(text)
    jsonschema.validate(document, schema)
    assert document == report_dict(make_report(notes=("한국어 메모",)))
    assert text.endswith("}\n")
    assert "한국어" in text  # readable as it stands


def test_times_keep_every_bit(make_report: MakeReport) -> None:
    """A time read back from the document is the same double: a run is followed by it."""
    ended = math.nextafter(1_800_000_001.1, math.inf)
    assert json.loads(render_json(make_report(ended_at=ended)))["ended_at"] == ended


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_number_is_refused(value: float, make_report: MakeReport) -> None:
    """NaN is not JSON: better no document than one that no reader takes."""
    sample = Sample(name="arbitrage_preflight_runs_total", labels={"env": "paper"}, value=value)
    with pytest.raises(ValueError, match="JSON compliant"):
        render_json(replace(make_report(), samples=(sample,)))
