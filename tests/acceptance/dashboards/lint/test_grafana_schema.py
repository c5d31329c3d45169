from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from acceptance.dashboards.lint.grafana_schema import GrafanaSchema, lint_schema, load_schemas
from acceptance.display.installed import installed_library

pytestmark = pytest.mark.display

DASHBOARDS = Path(__file__).parents[4] / "monitoring" / "grafana" / "dashboards"
HEALTH = json.loads((DASHBOARDS / "d77_system_health.json").read_text(encoding="utf-8"))
Json = dict[str, Any]


@pytest.fixture(scope="module")
def schemas() -> tuple[GrafanaSchema, ...]:
    return load_schemas(installed_library().folder)


def test_the_types_of_both_majors_are_there(schemas: tuple[GrafanaSchema, ...]) -> None:
    """12 and 13 are held apart, each with its own version."""
    assert [(one.major, one.version.split(".")[0]) for one in schemas] == [("12", "12"), ("13", "13")]
    assert schemas[0].of_type("datagrid") is not None
    assert schemas[1].of_type("datagrid") is None  # gone


@pytest.mark.parametrize("path", sorted(DASHBOARDS.glob("*.json")), ids=lambda path: path.stem)
def test_every_committed_dashboard_is_of_these_types(path: Path, schemas: tuple[GrafanaSchema, ...]) -> None:
    """No dashboard, panel, option or setting of a field is one that a supported Grafana does not have."""
    found = lint_schema(path.name, json.loads(path.read_text(encoding="utf-8")), schemas)

    assert [str(one) for one in found] == []


def _panel(dashboard: Json, title: str) -> Json:
    (found,) = [panel for panel in dashboard["panels"] if panel["title"] == title]
    panel: Json = found
    return panel


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(lambda d: d["templating"]["list"][0].update(definition="x"), "'definition' was", id="definition"),
        pytest.param(lambda d: _panel(d, "Check State Now")["options"].update(footer={}), "options: Add", id="footer"),
        pytest.param(lambda d: _panel(d, "Last Run Age").update(type="graph"), "no panel type 'graph'", id="graph"),
        pytest.param(
            lambda d: _panel(d, "Last Run Age").update(yaxes=[]), "'yaxes' was unexpected", id="option-of-graph"
        ),
        pytest.param(lambda d: d["templating"]["list"][0].update(type="guess"), "'guess' is not one of", id="variable"),
        pytest.param(lambda d: d.update(schemaVersion=99), "schemaVersion 99 is newer", id="newer"),
        pytest.param(lambda d: d.update(refresh=5), "refresh: 5 is not of type 'string'", id="kind"),
        pytest.param(
            lambda d: _panel(d, "Last Run Age")["options"].update(colorMode="loud"), "options.colorMode", id="value"
        ),
        pytest.param(
            lambda d: _panel(d, "Engine Loop P95")["fieldConfig"]["defaults"]["custom"].update(lineWidht=1),
            "fieldConfig.defaults.custom: Add",
            id="custom",
        ),
        pytest.param(
            lambda d: _panel(d, "Engine Loop P95")["fieldConfig"]["overrides"].append(
                {
                    "matcher": {"id": "byName", "options": "x"},
                    "properties": [{"id": "custom.drawStyle", "value": "dots"}],
                }
            ),
            "override custom.drawStyle",
            id="override",
        ),
    ],
)
def test_what_a_grafana_does_not_know_is_found(
    change: Callable[[Json], object], said: str, schemas: tuple[GrafanaSchema, ...]
) -> None:
    """Each departure is one finding that names both versions."""
    dashboard = copy.deepcopy(HEALTH)
    change(dashboard)

    (found,) = lint_schema("x.json", dashboard, schemas)

    assert "Grafana 12 and 13: " in found.message
    assert said in found.message


@pytest.mark.parametrize("given", [{}, {"panels": 7}, {"panels": [None, 7, {}]}, {"panels": [{"fieldConfig": 7}]}])
def test_any_json_is_answered_with_findings(given: Json, schemas: tuple[GrafanaSchema, ...]) -> None:
    """Nothing that a file may hold is more than a finding."""
    assert all(one.rule == "schema" for one in lint_schema("x.json", given, schemas))
