from __future__ import annotations

import json
from pathlib import Path

from acceptance.dashboards.lint import lint_folder
from acceptance.dashboards.lint.provisioning import datasource_uids
from acceptance.dashboards.model import find_panel, list_panels, panel_queries
from acceptance.dashboards.template import Window, default_values

GRAFANA = Path(__file__).parents[2] / "monitoring" / "grafana"
DASHBOARDS = GRAFANA / "dashboards"
HEALTH = json.loads((DASHBOARDS / "d77_system_health.json").read_text(encoding="utf-8"))


def test_committed_dashboards_have_no_findings() -> None:
    """Every committed dashboard follows every rule."""
    uids = datasource_uids(GRAFANA / "provisioning" / "datasources")

    assert [str(finding) for finding in lint_folder(DASHBOARDS, uids)] == []


def test_the_six_dashboards_are_there_and_led_by_the_data() -> None:
    """All six designed dashboards exist; each has env and instance variables and links to the others."""
    found = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in DASHBOARDS.glob("*.json")}

    assert set(found) == {
        "alerting_overview",
        "d77_risk_guard",
        "d77_system_health",
        "d77_topn_trading_kpis",
        "fx_multi_source",
        "topn_arbitrage_core",
    }
    for uid, dashboard in found.items():
        assert {"env", "instance"} <= {variable["name"] for variable in dashboard["templating"]["list"]}, uid
        assert [link["tags"] for link in dashboard["links"]] == [["arbitrage"]], uid
        assert "arbitrage" in dashboard["tags"], uid


def test_preflight_health_row_has_the_four_panels() -> None:
    """The row Preflight Health holds exactly the four panels of the gap list, in the designed types."""
    row = [panel for panel in list_panels(HEALTH) if panel.row == "Preflight Health"]

    assert [(panel.title, panel.type) for panel in row] == [
        ("Preflight Last Success", "stat"),
        ("Preflight Duration P95", "timeseries"),
        ("Check Status Breakdown", "piechart"),
        ("Redis/Postgres Latency", "timeseries"),
    ]


def test_breakdown_has_a_slice_for_every_status() -> None:
    """ERROR and SKIP are slices of their own, so that they cannot hide."""
    panel = find_panel(list_panels(HEALTH), "Check Status Breakdown")

    assert [target.legend for target in panel.targets] == ["PASS", "FAIL", "WARN", "ERROR", "SKIP"]


def test_latency_has_two_series() -> None:
    """One line for Redis, one for Postgres, each grouped so that there can be no third."""
    panel = find_panel(list_panels(HEALTH), "Redis/Postgres Latency")

    assert [target.legend for target in panel.targets] == ["Redis", "Postgres"]
    assert all("by (le, env)" in target.expr for target in panel.targets)


def test_every_panel_can_be_asked_as_it_is_opened() -> None:
    """With the variables as they are on opening, each panel of each dashboard makes its requests."""
    window = Window(start=0, end=3600, scrape_interval=15)
    for path in sorted(DASHBOARDS.glob("*.json")):
        dashboard = json.loads(path.read_text(encoding="utf-8"))
        for panel in list_panels(dashboard):
            if panel.type != "text":
                queries = panel_queries(panel, default_values(dashboard), window)
                assert len(queries) == len(panel.targets), panel.place


def test_words_for_nothing_are_no_words_for_something() -> None:
    """What a panel says where it has no value is no text that it shows for one, nor one that its query makes."""
    for path in sorted(DASHBOARDS.glob("*.json")):
        for panel in list_panels(json.loads(path.read_text(encoding="utf-8"))):
            config = (panel.raw.get("fieldConfig") or {}).get("defaults") or {}
            values = [one for one in config.get("mappings") or () if one["type"] == "value"]
            shown = {each["text"] for one in values for each in one["options"].values()}
            made = {words for words in panel.words_for_nothing for target in panel.targets if words in target.expr}

            assert panel.words_for_nothing - shown - made == panel.words_for_nothing, panel.place
            assert panel.words_for_nothing or panel.type == "text", panel.place


def test_environment_is_paper_until_there_is_data() -> None:
    """On an empty Prometheus the environment is paper, and every instance is meant."""
    assert default_values(HEALTH) == {"env": "paper", "instance": ".*", "engine": ".*"}
