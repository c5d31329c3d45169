from __future__ import annotations

from typing import Any

import pytest

from acceptance.dashboards.lint.catalogue import FOREIGN, SCRAPE_LABELS, Metric, arbitrage_metrics
from acceptance.dashboards.lint.metrics import Query, lint_queries, lint_usage, queries_of_dashboard, queries_of_rules
from acceptance.dashboards.lint.rulefile import RuleText

KNOWN = {**arbitrage_metrics(), **FOREIGN}
RUNS = "arbitrage_preflight_runs_total"
SUCCESS = "arbitrage_preflight_last_success"
BUCKET = "arbitrage_preflight_duration_seconds_bucket"


def query(expr: str, unit: str | None = None) -> Query:
    return Query(file="a.json", place="P", target="A", expr=expr, unit=unit)


@pytest.mark.parametrize(
    ("expr", "unit"),
    [
        (f'{SUCCESS}{{env="paper", instance=~"x"}}', "none"),
        (f"sum(rate({RUNS}[5m])) * 60", "cpm"),
        (f"histogram_quantile(0.95, sum by (le) (increase({BUCKET}[1h])))", "s"),
        ("rate(arbitrage_preflight_duration_seconds_count[5m])", "ops"),
        ("time() - arbitrage_preflight_last_run_timestamp_seconds", "s"),
        (f"{SUCCESS} * on (env) ((time() - arbitrage_preflight_last_run_timestamp_seconds) < bool 9)", "none"),
        ("arbitrage_daily_loss_krw / arbitrage_daily_loss_limit_krw", "percentunit"),
        ("count(arbitrage_fx_age_seconds < 60)", "none"),
        ("arbitrage_daily_loss_krw / arbitrage_engine_heartbeat_timestamp_seconds", "none"),
        ("up == 0", None),
        (RUNS, "none"),
        ("arbitrage_fx_rate and on (pair) arbitrage_fx_age_seconds <= 15", "prefix:₩"),
        ("max(arbitrage_fx_rate) / min(arbitrage_fx_rate)", "suffix:bps"),
        (f"deriv(rate({RUNS}[5m])[1h:])", None),
        ('sum by (word) (label_replace(up, "word", "$1", "job", "(.*)"))', None),
        (f'{SUCCESS}{{env=~"$env|", job=~".*exporter"}}', None),
    ],
)
def test_good_queries_pass(expr: str, unit: str | None) -> None:
    """A query over exported metrics, with their labels and in a fitting unit, has no finding."""
    assert lint_queries([query(expr, unit)], KNOWN) == ()


@pytest.mark.parametrize(
    ("expr", "unit", "rule"),
    [
        pytest.param("arbitrage_preflight_run_total", None, "unknown-metric", id="misspelt metric"),
        pytest.param(BUCKET.removesuffix("_bucket"), None, "unknown-metric", id="histogram without a suffix"),
        pytest.param('{job="x"}', None, "unknown-metric", id="no metric named"),
        pytest.param(f'{SUCCESS}{{environment="paper"}}', None, "unknown-label", id="misspelt label"),
        pytest.param(f'{SUCCESS}{{le="1"}}', None, "unknown-label", id="le on a gauge"),
        pytest.param(f"rate({SUCCESS}[5m])", None, "gauge-as-counter", id="rate over a gauge"),
        pytest.param(f"increase({SUCCESS}[5m])", None, "gauge-as-counter", id="increase over a gauge"),
        pytest.param(f"delta({RUNS}[5m])", None, "counter-as-gauge", id="delta over a counter"),
        pytest.param("1 + 1", None, "query", id="no metric at all"),
        pytest.param("sum(up", None, "query", id="unclosed"),
        pytest.param("time() - arbitrage_preflight_last_run_timestamp_seconds", "none", "wrong-unit", id="age"),
        pytest.param("arbitrage_daily_loss_krw", "s", "wrong-unit", id="won as seconds"),
        pytest.param("arbitrage_spread_bps", "percent", "wrong-unit", id="bps as percent"),
        pytest.param(RUNS, "s", "wrong-unit", id="count as seconds"),
        pytest.param(RUNS, "ops", "wrong-unit", id="raw counter as a rate"),
        pytest.param(f"sum(rate({RUNS}[5m])) * 60", "ops", "wrong-unit", id="per minute as per second"),
        pytest.param(f"sum(rate({RUNS}[5m]))", "cpm", "wrong-unit", id="per second as per minute"),
        pytest.param("arbitrage_fx_rate", "s", "wrong-unit", id="price as seconds"),
        pytest.param(
            "arbitrage_fx_rate and on (pair) arbitrage_fx_age_seconds <= 15", "s", "wrong-unit", id="filtered price"
        ),
        pytest.param("rate((up)[5m:])", None, "gauge-as-counter", id="rate over a bracket"),
        pytest.param("rate(sum(up)[5m:])", None, "gauge-as-counter", id="rate over a sum"),
        pytest.param("sum by (statu) (up)", None, "unknown-label", id="misspelt grouping"),
        pytest.param(f"up * on (nope) {SUCCESS}", None, "unknown-label", id="misspelt matching"),
        pytest.param('arbitrage_trades_total{outcome="won"}', None, "unknown-value", id="value of no trade"),
        pytest.param(f'{SUCCESS}{{env="papr"}}', None, "unknown-value", id="env of none"),
        pytest.param(f'{SUCCESS}{{env=~"live|papr"}}', None, "unknown-value", id="one of several envs"),
        pytest.param('up{job="node_exporter"}', None, "unknown-value", id="job of none"),
        pytest.param('ALERTS{severity="P0"}', None, "unknown-value", id="severity of no rule"),
    ],
)
def test_each_fault_is_found(expr: str, unit: str | None, rule: str) -> None:
    """One wrong thing in a query gives one finding with file, panel and target."""
    (finding,) = lint_queries([query(expr, unit)], KNOWN)

    assert (finding.file, finding.panel, finding.target, finding.rule) == ("a.json", "P", "A", rule)


def test_unused_metrics_and_needless_reasons_are_found() -> None:
    """Each exported family is used or excused with a reason, and an excuse that is not needed is a finding."""
    exported = {name: Metric(name=name, kind="gauge", labels=SCRAPE_LABELS, family=name) for name in ("a", "b", "c")}
    used = [query("a"), query("broken(")]

    assert [f.rule for f in lint_usage(used, exported, {"b": "for the log", "c": "for later"})] == []
    assert [f.rule for f in lint_usage(used, exported, {"b": "for the log"})] == ["unused-metric"]
    assert [f.rule for f in lint_usage(used, exported, {"a": "x", "b": "x", "c": "x"})] == ["needless-reason"]
    assert [f.rule for f in lint_usage(used, exported, {"b": " ", "c": "x"})] == ["no-reason"]
    assert [f.rule for f in lint_usage(used, exported, {"b": "x", "c": "x", "d": "x"})] == ["needless-reason"]


def test_one_series_of_a_histogram_uses_the_family() -> None:
    """Using only the buckets of a histogram is using the histogram."""
    exported = {name: metric for name, metric in KNOWN.items() if metric.family.endswith("duration_seconds")}
    exported = {name: metric for name, metric in exported.items() if name.startswith("arbitrage_preflight")}

    assert lint_usage([query(BUCKET)], exported, {}) == ()


def test_catalogue_is_the_exporters_own() -> None:
    """Names, kinds and labels come from preflight's and the engine's catalogues."""
    known = arbitrage_metrics()

    assert known[RUNS].kind == "counter"
    assert known[BUCKET].labels == {"env", "le", "instance", "job"}
    assert known["arbitrage_spread_bps"].labels == {"symbol", "direction", "instance", "job"}
    assert not [name for name in known if name.endswith("_created")]


def test_queries_carry_their_place() -> None:
    """Queries of panels carry panel, target and unit; tables have no single unit; rules have none either."""
    panel = {"title": "T", "id": 1, "type": "stat", "fieldConfig": {"defaults": {"unit": "s"}}}
    target = {"refId": "B", "expr": "up"}
    rule = RuleText(file="r.yml", kind="alert", name="Down", expr="up == 0", duration="", labels={}, annotations={})

    (stat,) = queries_of_dashboard("a.json", {"panels": [{**panel, "targets": [target]}]})
    (table,) = queries_of_dashboard("a.json", {"panels": [{**panel, "type": "table", "targets": [target]}]})

    assert stat == Query(file="a.json", place="T", target="B", expr="up", unit="s")
    assert table.unit is None
    assert list(queries_of_rules([rule])) == [Query(file="r.yml", place="Down", target="", expr="up == 0", unit=None)]


@pytest.mark.parametrize(
    ("written", "rules"),
    [
        ({"query": f"label_values({RUNS}, instance)"}, []),
        (f"label_values({RUNS}, instanc)", ["unknown-label"]),
        ("label_values(arbitrage_engine_inf, instance)", ["unknown-metric"]),
        ("query_result(count by (envi) (up))", ["unknown-label"]),
        ("metrics(arbitrage)", ["query"]),
    ],
)
def test_queries_of_variables_are_looked_at(written: Any, rules: list[str]) -> None:
    """A variable that asks for what nobody exports would be empty, and every panel with it."""
    variable = {"name": "v", "type": "query", "query": written}

    found = lint_queries(queries_of_dashboard("a.json", {"panels": [], "templating": {"list": [variable]}}), KNOWN)

    assert [(finding.panel, finding.rule) for finding in found] == [("variable v", rule) for rule in rules]
