from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from acceptance.dashboards.lint import Finding, lint_dashboard, lint_folder
from acceptance.dashboards.lint.provisioning import datasource_uids

UID = "arbitrage-prometheus"
DS = {"type": "prometheus", "uid": UID}
UIDS = frozenset({UID})
Change = Callable[[dict[str, Any]], object]

GOOD: dict[str, Any] = {
    "id": None,
    "uid": "good",
    "title": "Good",
    "schemaVersion": 38,
    "annotations": {"list": [{"name": "built in", "datasource": {"type": "grafana", "uid": "-- Grafana --"}}]},
    "templating": {
        "list": [{"name": "env", "type": "query", "query": "label_values(up, env)", "datasource": DS, "refresh": 1}]
    },
    "panels": [
        {"id": 1, "type": "row", "title": "Row", "gridPos": {"x": 0, "y": 0, "w": 24, "h": 1}, "panels": []},
        {
            "id": 2,
            "type": "timeseries",
            "title": "Latency",
            "description": "Latency. / 지연 시간.",
            "datasource": DS,
            "gridPos": {"x": 0, "y": 1, "w": 12, "h": 8},
            "fieldConfig": {"defaults": {"unit": "s"}, "overrides": []},
            "targets": [
                {"refId": "A", "expr": 'rate(x{env="$env"}[$__rate_interval])', "datasource": DS},
                {"refId": "B", "expr": 'label_replace(x, "a", "$1", "b", "(.*)")', "datasource": DS},
            ],
        },
    ],
}


def latency(dashboard: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = dashboard["panels"][1]
    return found


def target(dashboard: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = latency(dashboard)["targets"][0]
    return found


def test_a_good_dashboard_has_no_findings() -> None:
    """The example that every other test breaks in one place is clean."""
    assert lint_dashboard("good.json", GOOD, UIDS) == ()


@pytest.mark.parametrize(
    ("change", "rule", "panel", "ref"),
    [
        pytest.param(lambda d: d.update(id=7), "id", "", "", id="id"),
        pytest.param(lambda d: d.pop("id"), "id", "", "", id="id missing"),
        pytest.param(lambda d: d.update(uid="other"), "uid", "", "", id="uid"),
        pytest.param(lambda d: d.update(title=""), "title", "", "", id="title"),
        pytest.param(lambda d: d.update(panels=[]), "form", "", "", id="no panels"),
        pytest.param(lambda d: d.update(elements={}), "form", "", "", id="schema v2"),
        pytest.param(lambda d: d.update(__inputs=[]), "form", "", "", id="import wizard's inputs"),
        pytest.param(lambda d: d.update(rows=[]), "form", "", "", id="old rows"),
        pytest.param(lambda d: d.update(tags=["${DS_PROM}"]), "import-placeholder", "", "", id="DS_"),
        pytest.param(
            lambda d: target(d).update(datasource={"uid": "typo"}), "datasource", "Latency", "A", id="target uid"
        ),
        pytest.param(lambda d: target(d).pop("datasource"), "datasource", "Latency", "A", id="no target uid"),
        pytest.param(lambda d: latency(d).update(datasource="Prometheus"), "datasource", "Latency", "", id="by name"),
        pytest.param(
            lambda d: d["templating"]["list"][0].update(datasource=None),
            "datasource",
            "variable env",
            "",
            id="variable without datasource",
        ),
        pytest.param(
            lambda d: d["annotations"]["list"][0].update(datasource={"uid": "x"}),
            "datasource",
            "annotation built in",
            "",
            id="annotation uid",
        ),
        pytest.param(lambda d: latency(d).update(targets=[]), "no-target", "Latency", "", id="emptied"),
        pytest.param(lambda d: latency(d).pop("targets"), "no-target", "Latency", "", id="no targets"),
        pytest.param(
            lambda d: [t.update(hide=True) for t in latency(d)["targets"]],
            "no-target",
            "Latency",
            "",
            id="all hidden",
        ),
        pytest.param(lambda d: target(d).update(expr=" "), "empty-query", "Latency", "A", id="empty query"),
        pytest.param(lambda d: target(d).update(refId="B"), "ref-id", "Latency", "B", id="doubled refId"),
        pytest.param(lambda d: target(d).update(refId=""), "ref-id", "Latency", "", id="no refId"),
        pytest.param(lambda d: target(d).update(expr="x{a='$gone'}"), "variable", "Latency", "A", id="$gone"),
        pytest.param(lambda d: target(d).update(expr="${gone}"), "variable", "Latency", "A", id="${gone}"),
        pytest.param(
            lambda d: d["templating"]["list"][0].update(refresh=0),
            "variable",
            "variable env",
            "",
            id="variable never refreshed",
        ),
        pytest.param(
            lambda d: latency(d).update(description="English only"),
            "description",
            "Latency",
            "",
            id="no Korean",
        ),
        pytest.param(lambda d: latency(d)["fieldConfig"]["defaults"].clear(), "unit", "Latency", "", id="no unit"),
        pytest.param(lambda d: latency(d)["gridPos"].update(x=20), "grid", "Latency", "", id="beyond the grid"),
        pytest.param(lambda d: latency(d)["gridPos"].update(y=0), "grid", "Latency", "", id="overlap"),
        pytest.param(lambda d: latency(d).update(id=1), "panel-id", "", "", id="doubled panel id"),
        pytest.param(
            lambda d: d["panels"].append({**latency(d), "id": 3, "gridPos": {"x": 0, "y": 20, "w": 1, "h": 1}}),
            "panel-title",
            "Latency",
            "",
            id="doubled panel title",
        ),
    ],
)
def test_each_fault_is_found_in_its_place(change: Change, rule: str, panel: str, ref: str) -> None:
    """One broken thing gives findings of one rule, naming file, panel and target."""
    broken = copy.deepcopy(GOOD)
    change(broken)

    findings = lint_dashboard("good.json", broken, UIDS)

    assert {finding.rule for finding in findings} == {rule}
    assert {(finding.file, finding.panel, finding.target) for finding in findings} == {("good.json", panel, ref)}


def test_panels_in_collapsed_rows_are_looked_at() -> None:
    """A fault cannot hide in a collapsed row."""
    broken = copy.deepcopy(GOOD)
    hidden = broken["panels"].pop()
    hidden["targets"] = []
    broken["panels"][0]["panels"] = [hidden]

    (finding,) = lint_dashboard("good.json", broken, UIDS)

    assert str(finding) == (
        "good.json, panel 'Latency': has no target: it can show nothing; give it a query or remove it [no-target]"
    )


def test_wrapped_dashboard_gets_one_finding() -> None:
    """A wrapped dashboard is named as such, without a tail of consequences."""
    (finding,) = lint_dashboard("good.json", {"dashboard": GOOD}, UIDS)

    assert finding.rule == "form"
    assert "wrapped" in finding.message


def test_folder_rules(tmp_path: Path) -> None:
    """Malformed files, doubled uids and doubled titles are found across a folder, and so is an empty folder."""
    assert [f.rule for f in lint_folder(tmp_path, UIDS)] == ["no-dashboard"]

    (tmp_path / "good.json").write_text(json.dumps(GOOD), encoding="utf-8")
    assert lint_folder(tmp_path, UIDS) == ()

    (tmp_path / "copy.json").write_text(json.dumps(GOOD), encoding="utf-8")
    (tmp_path / "half.json").write_text('{"uid": ', encoding="utf-8")
    (tmp_path / "list.json").write_text("[]", encoding="utf-8")
    (tmp_path / "latin.json").write_bytes(b'{"title": "\xe9"}')
    found = {(f.file, f.rule) for f in lint_folder(tmp_path, UIDS)}

    assert found == {
        ("copy.json", "uid"),
        ("copy.json", "duplicate-uid"),
        ("copy.json", "duplicate-title"),
        ("good.json", "duplicate-uid"),
        ("good.json", "duplicate-title"),
        ("half.json", "json"),
        ("list.json", "json"),
        ("latin.json", "json"),
    }


def test_finding_reads_as_a_sentence() -> None:
    """A finding names file, panel and target, then what to do, then the rule."""
    finding = Finding(file="a.json", panel="P", target="B", rule="r", message="is bad")

    assert str(finding) == "a.json, panel 'P', target B: is bad [r]"


def test_provisioned_uids_are_read(tmp_path: Path) -> None:
    """Fixed uids are read in both spellings, and a folder that provisions none is refused."""
    with pytest.raises(ValueError, match="no datasource with a fixed uid"):
        datasource_uids(tmp_path)
    (tmp_path / "a.yml").write_text("datasources:\n  - name: x\n    uid: 'one' # fixed\n  - uid: two\n")

    assert datasource_uids(tmp_path) == {"one", "two"}
