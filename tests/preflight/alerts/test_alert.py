from __future__ import annotations

import json
from typing import Any

import pytest

from preflight.alerts.alert import AlertFinding, from_json, to_json
from preflight.alerts.documents import BadDocumentError
from preflight.message import message, to_data
from tests.preflight.alerts.test_message import alert


def test_an_alert_survives_the_spool() -> None:
    """What is read back is what was written."""
    assert from_json(to_json(alert())) == alert()


def test_a_finding_can_be_said_in_another_language_after_the_spool() -> None:
    """Summary and hint come back with what they were made from, and the file can be read by a person."""
    summary = message("{exchange} refuses", exchange="업비트")
    finding = AlertFinding(check="redis", status="fail", summary=summary, hint=message("start it"))
    written = to_json(alert(findings=(finding,)))
    (back,) = from_json(written).findings
    assert (to_data(back.summary), to_data(back.hint)) == (to_data(finding.summary), to_data(finding.hint))
    assert "업비트" in written


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", '{"schema_version": 2}', to_json(alert())[:-5], "\x00", "[" * 100_000, "\ud800",
             to_json(alert()).replace('"P0"', '"P9"'), to_json(alert()).replace("1800000000.25", "NaN")],
    ids=["empty", "object", "list", "null", "version", "cut", "nul", "deep", "no text", "severity", "nan"],
)  # fmt: skip
def test_what_is_no_alert_is_refused(text: str) -> None:
    """A damaged file raises the one error that the spool expects."""
    with pytest.raises(BadDocumentError):
        from_json(text)


@pytest.mark.parametrize("name", sorted(json.loads(to_json(alert())).keys() - {"schema_version"}))
@pytest.mark.parametrize("value", [None, 7, -1, True, "x", 1e400, [None], [{"check": 1}], {}], ids=repr)
def test_a_field_of_another_type_is_refused(name: str, value: Any) -> None:
    """Whatever stands in a field, it is either of its type, or the file is damaged; nothing else is raised."""
    text = json.dumps({**json.loads(to_json(alert())), name: value})
    try:
        read = from_json(text)
    except BadDocumentError:
        return
    assert json.loads(to_json(read))[name] == value
    assert type(getattr(read, name)) is type(getattr(alert(), name)) or (name, value) == ("report", None)


@pytest.mark.parametrize("change", ["more", "less"])
def test_other_fields_are_refused(change: str) -> None:
    """A document with a field more or less is another program's."""
    data = json.loads(to_json(alert()))
    data = {**data, "x": 1} if change == "more" else {k: v for k, v in data.items() if k != "host"}

    with pytest.raises(BadDocumentError, match=r"^(x: Unexpected|host: Field required)"):
        from_json(json.dumps(data))
