from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from acceptance.dashboards.lint import lint_dashboard
from tests.acceptance.dashboards.lint.test_dashboards import GOOD, UIDS, latency, target

Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    ("change", "panel", "ref", "words"),
    [
        pytest.param(lambda d: d.update(panels="abc"), "", "", "panels is 'abc', a str", id="panels is text"),
        pytest.param(lambda d: d.update(panels=[None]), "", "", "panel number 1 is None", id="a panel is null"),
        pytest.param(lambda d: d.update(panels=["x"]), "", "", "panel number 1 is 'x'", id="a panel is text"),
        pytest.param(lambda d: d["panels"][0].update(panels=["x"]), "Row", "", "panel number 1", id="in a row"),
        pytest.param(lambda d: latency(d).update(targets=["x"]), "Latency", "", "a target is 'x'", id="target is text"),
        pytest.param(lambda d: latency(d).update(targets=[None]), "Latency", "", "a target is null", id="target null"),
        pytest.param(lambda d: latency(d).update(targets={}), "Latency", "", "a dict; v1", id="targets is an object"),
        pytest.param(lambda d: latency(d)["gridPos"].update(x="a"), "Latency", "", "x is 'a'", id="gridPos.x is text"),
        pytest.param(lambda d: latency(d).update(gridPos=[]), "Latency", "", "gridPos is", id="gridPos is a list"),
        pytest.param(lambda d: latency(d).update(id="1"), "Latency", "", "id is '1'", id="id is text"),
        pytest.param(lambda d: latency(d).update(id=True), "Latency", "", "id is 'True'", id="id is true"),
        pytest.param(lambda d: latency(d).update(fieldConfig=[]), "Latency", "", "fieldConfig", id="fieldConfig"),
        pytest.param(
            lambda d: latency(d).update(datasource={"uid": []}), "Latency", "", "uid is '[]'", id="uid a list"
        ),
        pytest.param(lambda d: target(d).update(datasource=3), "Latency", "A", "datasource is '3'", id="source 3"),
        pytest.param(lambda d: target(d).update(expr={}), "Latency", "A", "expr is '{}'", id="expr an object"),
        pytest.param(lambda d: d.update(templating=[]), "", "", "templating is", id="templating is a list"),
        pytest.param(lambda d: d["templating"].update(list=["x"]), "", "", "an entry of", id="variable is text"),
        pytest.param(
            lambda d: d["annotations"]["list"][0].update(name=3), "annotations 3", "", "name is '3'", id="name is 3"
        ),
    ],
)
def test_a_part_of_another_kind_is_a_finding(change: Change, panel: str, ref: str, words: str) -> None:
    """Whatever stands where v1 JSON has something else is named with its place, and ends no reader."""
    broken = copy.deepcopy(GOOD)
    change(broken)

    (finding,) = lint_dashboard("good.json", broken, UIDS)

    assert (finding.file, finding.panel, finding.target, finding.rule) == ("good.json", panel, ref, "shape")
    assert words in finding.message
