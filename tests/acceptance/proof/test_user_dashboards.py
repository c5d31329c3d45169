from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.acceptance.proof.brought import COMMITTED, Answering, Json, damaged, look


def board(*targets: Json, variables: Sequence[Json] = (), **more: Any) -> Json:
    panel = {"id": 1, "title": "P", "type": "stat", "datasource": {"type": "prometheus", "uid": "prom"}, **more}
    return {"panels": [panel | {"targets": list(targets)}], "templating": {"list": list(variables)}}


def test_every_panel_of_our_own_is_displayed() -> None:
    """The committed dashboards, as a user would bring them, have no finding and a text for each panel."""
    for dashboard in COMMITTED:
        panels, findings = look(dashboard)

        assert findings == []
        shown = [panel for panel in panels if panel.outcome is not None]
        assert all(panel.outcome.displayed["13"].texts() == ("1",) for panel in shown if panel.outcome)
        assert len(shown) >= 10


@pytest.mark.parametrize(
    ("dashboard", "said"),
    [
        pytest.param({"rows": []}, "has rows, the form before Grafana 5", id="rows"),
        pytest.param({"spec": {"elements": {}}}, "is of schema v2", id="spec"),
        pytest.param({"elements": {}}, "is of schema v2", id="elements"),
        pytest.param({}, "has no list of panels", id="nothing"),
        pytest.param({"dashboard": {"panels": []}}, "is wrapped", id="wrapped"),
        pytest.param({"panels": [None]}, "panel number 1 is None", id="null-panel"),
        pytest.param(
            {"panels": [], "templating": {"list": [None]}}, "the variables cannot be read", id="null-variable"
        ),
        pytest.param(board(None), "a target is null", id="null-target"),  # type: ignore[arg-type]
        pytest.param(board({"refId": "A", "expr": "up"}, fieldConfig=7), "fieldConfig is '7'", id="number"),
        pytest.param(board({"refId": "A", "expr": "up{"}), "cannot read 'up{'", id="no-promql"),
        pytest.param(board({"refId": "A", "expr": "up{a='$x'}"}), "variable $x", id="unknown-variable"),
        pytest.param(board(), "has no targets", id="no-target"),
    ],
)
def test_what_cannot_be_read_is_a_finding(dashboard: Json, said: str) -> None:
    """M5: a form or a part that is not v1 is said with its file, and nothing crashes."""
    _, findings = look(dashboard)

    assert any("their.json" in one and said in one for one in findings), findings


def test_one_bad_panel_costs_only_itself() -> None:
    """The panel beside a broken one is asked and shown."""
    dashboard = board({"refId": "A", "expr": "up"})
    dashboard["panels"].insert(0, {"id": 2, "title": "Broken", "type": "stat", "targets": 7})

    broken, good = look(dashboard)[0]

    assert (broken.title, broken.outcome) == ("Broken", None)
    assert broken.findings
    assert good.outcome is not None
    assert not good.findings


@pytest.mark.parametrize(
    ("wanted", "note"),
    [
        pytest.param("Prom", "", id="name"),
        pytest.param("prom", "", id="uid-as-text"),
        pytest.param(None, "", id="default"),
        pytest.param({"uid": "${datasource}"}, "", id="variable"),
        pytest.param({"type": "prometheus", "uid": "of-another-grafana"}, "", id="foreign"),
        pytest.param({"uid": "-- Mixed --", "type": "datasource"}, "", id="mixed"),
        pytest.param({"type": "__expr__", "uid": "__expr__"}, "a server-side expression", id="expression"),
        pytest.param({"uid": "-- Dashboard --"}, "the answer to another panel", id="dashboard"),
        pytest.param({"type": "loki", "uid": "logs"}, "a datasource of type 'loki'", id="loki"),
        pytest.param({"type": "mysql", "uid": "gone"}, "a datasource of type 'mysql'", id="not-there"),
    ],
)
def test_a_datasource_is_found_by_what_is_written(wanted: Any, note: str) -> None:
    """M6: a name, a uid, a variable or nothing means the Prometheus; what is none is not judged, and never dead."""
    client = Answering()
    ((panel,), findings) = look(board({"refId": "A", "expr": "up"}, datasource=wanted), client)

    assert findings == []
    assert client.sent == ([] if note else ["up"])
    assert [note in one for one in panel.notes] == ([True] if note else [])


def variable(name: str, kind: str, value: Any) -> Json:
    return {"name": name, "type": kind, "current": {"value": value}}


@pytest.mark.parametrize(
    ("expr", "variables", "sent"),
    [
        pytest.param("rate(x[$i])", [variable("i", "interval", "5m")], "rate(x[5m])", id="interval"),
        pytest.param("rate(x[$i])", [variable("i", "interval", "$__auto_interval_i")], "rate(x[1m])", id="auto"),
        pytest.param("topk($n, x)", [variable("n", "custom", 5)], "topk(5, x)", id="number"),
        pytest.param("$agg(x)", [variable("agg", "custom", "max")], "max(x)", id="aggregation"),
        pytest.param("x offset $s", [variable("s", "custom", "1h")], "x offset 1h", id="offset"),
        pytest.param("x > .95", [], "x > .95", id="no-zero"),
        pytest.param('{__name__="m"}', [], '{__name__="m"}', id="name-as-label"),
        pytest.param('{"m"}', [], '{"m"}', id="quoted-name"),
        pytest.param("x{a=~'$v'}", [variable("v", "custom", ["a", "b"])], "x{a=~'(a|b)'}", id="several"),
    ],
)
def test_variables_are_filled_and_read(expr: str, variables: list[Json], sent: str) -> None:
    """M6: a query with variables of each kind is filled, sent, and no finding."""
    client = Answering()
    _, findings = look(board({"refId": "A", "expr": expr}, variables=variables), client)

    assert (client.sent, findings) == ([sent], [])


def test_a_library_panel_is_not_judged() -> None:
    """Its settings are not in the file."""
    ((panel,), findings) = look(board(libraryPanel={"uid": "x", "name": "y"}))

    assert findings == []
    assert panel.notes == ("not judged: a library panel, whose settings are not in this file",)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_no_damaged_dashboard_is_more_than_findings(data: st.DataObject) -> None:
    """Whatever part of a dashboard is replaced, removed or doubled: findings or texts, never an exception."""
    _, findings = look(damaged(data))

    assert all("their.json" in one for one in findings)
