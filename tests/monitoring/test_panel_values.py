"""What single panels say of given series: their own queries, evaluated by promtool."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from acceptance.dashboards.lint import promtool
from acceptance.dashboards.model import find_panel, list_panels, panel_queries
from acceptance.dashboards.template import Window, default_values
from acceptance.stack.binaries.resolve import resolve

DASHBOARDS = Path(__file__).parents[2] / "monitoring" / "grafana" / "dashboards"
HOUR = 3600  # seconds: every case is asked at this time, of series that do not change


def shows(folder: Path, uid: str, title: str, series: Mapping[str, str], expected: Mapping[str, float]) -> None:
    """Assert that the panel's first query gives exactly these samples."""
    dashboard = json.loads((DASHBOARDS / f"{uid}.json").read_text(encoding="utf-8"))
    window = Window(start=0, end=HOUR, scrape_interval=15)
    query = panel_queries(find_panel(list_panels(dashboard), title), default_values(dashboard), window)[0]
    samples = [{"labels": labels, "value": value} for labels, value in expected.items()]
    case = {
        "interval": "1m",
        "input_series": [{"series": name, "values": " ".join([value] * 61)} for name, value in series.items()],
        "promql_expr_test": [{"expr": query["expr"], "eval_time": "1h", "exp_samples": samples}],
    }
    file = folder / "panel.yml"
    file.write_text(json.dumps({"tests": [case]}), encoding="utf-8")  # JSON is YAML

    promtool.test_rules(resolve("promtool").binary, [file])


def ready(host: str, value: int, ended: int | None, more: str = "") -> dict[str, str]:
    labels = f'{{env="paper", instance="{host}", job="node-exporter"{more}}}'
    found = {f"arbitrage_preflight_ready_for_live{labels}": str(value)}
    if ended is not None:
        found[f"arbitrage_preflight_last_run_timestamp_seconds{labels}"] = str(ended)
    return found


@pytest.mark.parametrize(
    ("hosts", "answer"),
    [
        pytest.param({**ready("a", 1, HOUR), **ready("b", 1, 1)}, 1, id="both-young"),
        pytest.param({**ready("a", 1, HOUR), **ready("b", 1, 0)}, 0, id="one-stale"),
        pytest.param({**ready("a", 1, HOUR), **ready("b", 0, None)}, 0, id="one-never-ended"),
        pytest.param({**ready("a", 1, HOUR + 61)}, 0, id="m12-dated-in-the-future"),
        pytest.param({**ready("a", 1, HOUR + 59)}, 1, id="m12-clocks-that-differ"),
        pytest.param(
            {**ready("a", 1, HOUR, ', host="x"'), **ready("a", 1, HOUR, ', host="y"')}, 1, id="m2-two-of-one-instance"
        ),
        pytest.param(
            {**ready("a", 1, HOUR, ', host="x"'), **ready("a", 1, 0, ', host="y"')}, 0, id="m2-one-of-them-stale"
        ),
    ],
)
def test_ready_for_live_asks_each_host(tmp_path: Path, hosts: dict[str, str], answer: int) -> None:
    """A host whose yes is an hour old, or that never said yes, is not covered by another's."""
    shows(tmp_path, "d77_system_health", "Ready for Live", hosts, {'{env="paper"}': answer})


@pytest.mark.parametrize("uid", sorted(path.stem for path in DASHBOARDS.glob("*.json") if "health" not in path.stem))
@pytest.mark.parametrize(
    ("success", "ended", "answer"),
    [(0, HOUR, 0), (1, HOUR, 2), (1, HOUR - 86400, 1), (0, HOUR - 86400, 0), (1, HOUR + 61, 1)],
)
def test_gate_tells_an_old_go_from_a_go(tmp_path: Path, uid: str, success: int, ended: int, answer: int) -> None:
    """0 is NOT GO however old, 1 a GO of more than a day ago, 2 a GO."""
    labels = '{env="paper", instance="a", job="node-exporter"}'
    series = {
        f"arbitrage_preflight_last_success{labels}": str(success),
        f"arbitrage_preflight_last_run_timestamp_seconds{labels}": str(ended),
    }

    shows(tmp_path, uid, "Gate", series, {'{env="paper"}': answer})


def test_check_states_put_the_worst_first(tmp_path: Path) -> None:
    """FAIL, ERROR, SKIP, WARN, PASS; of two hosts the worse one counts."""
    codes = {"a": 0, "b": 1, "c": 2, "d": 3, "e": 4}
    name = "arbitrage_preflight_check_status"
    series = {f'{name}{{env="paper", instance="h", check="{check}"}}': str(code) for check, code in codes.items()}
    series[f'{name}{{env="paper", instance="i", check="e"}}'] = "3"
    expected = {'{check="a"}': 0, '{check="b"}': 1, '{check="c"}': 4, '{check="d"}': 3, '{check="e"}': 3}

    shows(tmp_path, "d77_system_health", "Check State Now", series, expected)


def fx(source: str, rate: str, age: float, more: str = "") -> dict[str, str]:
    labels = f'{{instance="e", pair="USDT/KRW", source="{source}"{more}}}'
    return {f"arbitrage_fx_rate{labels}": rate, f"arbitrage_fx_age_seconds{labels}": str(age)}


# Powers of two, so that the quotient is exact.
FX_SERIES = {**fx("upbit", "1024", 1), **fx("bithumb", "1040", 15), **fx("coinone", "NaN", 3), **fx("old", "900", 15.1)}
PAIR = '{pair="USDT/KRW"}'


@pytest.mark.parametrize(
    ("title", "value"), [("Median Rate", 1032), ("Sources", 2), ("Disagreement", 156.25), ("Oldest Rate", 15.1)]
)
def test_fx_panels_show_what_the_engine_would_use(tmp_path: Path, title: str, value: float) -> None:
    """Neither a source that never answered nor one older than 15 s moves the rate (`engine.prices.fx.consensus`)."""
    shows(tmp_path, "fx_multi_source", title, FX_SERIES, {PAIR: value})


def test_a_source_that_answered_0_has_no_rate(tmp_path: Path) -> None:
    """An engine of before, which wrote 0 until the first answer, does not halve the rate."""
    shows(tmp_path, "fx_multi_source", "Median Rate", {**fx("upbit", "1400", 1), **fx("bithumb", "0", 1)}, {PAIR: 1400})


def test_m2_another_hosts_source_does_not_make_an_old_rate_young(tmp_path: Path) -> None:
    """Two hosts of one instance, told apart by a label of the site: each rate has its own age."""
    series = {**fx("upbit", "1400", 1, ', host="x"'), **fx("upbit", "900", 99, ', host="y"')}

    shows(tmp_path, "fx_multi_source", "Median Rate", series, {PAIR: 1400})
    shows(tmp_path, "fx_multi_source", "Sources", series, {PAIR: 1})


def test_critical_alerts_of_every_env_are_counted(tmp_path: Path) -> None:
    """A firing alert for live is seen while the dashboard stands on paper."""
    alert = 'ALERTS{alertname="X", alertstate="firing", env="live", instance="h", severity="critical"}'

    shows(tmp_path, "alerting_overview", "Critical Alerts", {alert: "1"}, {"{}": 1})
