"""Every panel of every dashboard, as Grafana serves it, is a test case: it must show fresh data of the right kind."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from acceptance.dashboards.lint import lint_folder
from acceptance.dashboards.lint.catalogue import FOREIGN, known_metrics
from acceptance.dashboards.lint.dashboards import load_folder
from acceptance.dashboards.lint.grafana_schema import lint_schema, load_schemas
from acceptance.dashboards.lint.metrics import lint_queries, queries_of_dashboard
from acceptance.dashboards.lint.provisioning import datasource_uids
from acceptance.dashboards.lint.shape import check_shape
from acceptance.dashboards.pictures import save_all
from acceptance.dashboards.template import Window
from acceptance.dashboards.variables import fill_variables
from acceptance.display import Display, GrafanaLibrary
from acceptance.probes import GrafanaClient, PrometheusClient
from acceptance.probes.grafana import ServedDashboard
from acceptance.probes.grafana_log import refused_files
from acceptance.proof.committed import BOARD, differences, panels_of, read_panels
from acceptance.proof.expectations import Expectations, load_expectations
from acceptance.proof.follow import LAST_RUN, FollowedRun
from acceptance.proof.judge import MIN_POINTS_TO_MOVE, Marks
from acceptance.proof.sweep import WITHOUT_DATA, PanelOutcome, sweep
from acceptance.stack.interface import Stack
from acceptance.stack.wait import Observation, wait_until
from evidence.bundle import Bundle

ROOT = Path(__file__).parents[1]
GRAFANA = ROOT / "monitoring" / "grafana"
LOADED, _ = load_folder(GRAFANA / "dashboards")
# A file that is no dashboard has no cases; test_every_file_is_a_dashboard names it, instead of ending the collection.
FILES = {
    Path(name).stem: data
    for name, data in LOADED.items()
    if isinstance(data.get("panels"), list) and not any(check_shape(name, data))
}
TEXTS = tuple(f"{kind} " for kind in sorted(WITHOUT_DATA))
COMMITTED = read_panels()  # a panel that is gone from a file still has its tests
CASES = [
    place
    for place in COMMITTED
    if place[1] != BOARD and not place[1].startswith("$") and not COMMITTED[place][0].startswith(TEXTS)
]
RUNS = "arbitrage_preflight_runs_total"
BEAT = "arbitrage_engine_heartbeat_timestamp_seconds"
POINTS = MIN_POINTS_TO_MOVE + 6  # a rate needs four scrapes before its first point, and two to spare
RATE_STEPS = 4  # $__rate_interval: where a scrape of these was late, a rate has no point at the end
SPAN_STEPS = 60

Outcomes = Mapping[tuple[str, str], PanelOutcome]


@pytest.fixture(scope="module")
def served(grafana: GrafanaClient) -> tuple[ServedDashboard, ...]:
    """The six dashboards as Grafana serves them."""
    return tuple(grafana.dashboard(uid) for uid in FILES)


@pytest.fixture(scope="module")
def window(prometheus: PrometheusClient, first_run: FollowedRun, step: float) -> Window:
    """A time range at whose end there is a run, and in which the engine has been scraped often enough to move."""
    span, last = round(SPAN_STEPS * step), round(RATE_STEPS * step)
    query = f"max(count_over_time({BEAT}[{span}s])) and max(count_over_time({BEAT}[{last}s])) >= {RATE_STEPS - 1}"

    def probe() -> Observation[float]:
        found = prometheus.query(query).samples
        count = max((sample.value for sample in found), default=0.0)
        at = found[0].timestamp if found else 0.0
        said = f"{count:g} of {POINTS} scrapes of the engine, 0 where one of the last {RATE_STEPS} was late"
        return Observation(done=count >= POINTS, said=said, value=at)

    at = wait_until(probe, asked=query, timeout=15 + POINTS * step).value
    assert at is not None
    assert at >= first_run.ended_at
    return Window(start=at - SPAN_STEPS * step, end=at, scrape_interval=step)


@pytest.fixture(scope="module")
def envs(prometheus: PrometheusClient, window: Window) -> frozenset[str]:
    """The environments that have preflight metrics at the end of the window."""
    found = prometheus.query(f"count by (env) ({RUNS})", time=window.end).samples
    return frozenset(sample.labels["env"] for sample in found)


@pytest.fixture(scope="module")
def marks(prometheus: PrometheusClient, first_run: FollowedRun, window: Window, step: float) -> Marks:
    """The run that every preflight panel has to show: the last one seen at the end of the window."""
    last_run = prometheus.query(f'{LAST_RUN}{{env="{first_run.env}"}}', time=window.end).one().value
    assert last_run >= first_run.ended_at
    return Marks(env=first_run.env, last_run=last_run, max_beat_age=max(10.0, 3 * step))


@pytest.fixture(scope="module")
def outcomes(
    grafana: GrafanaClient, served: tuple[ServedDashboard, ...], window: Window, marks: Marks, display: Display
) -> Outcomes:
    """What every panel was answered and displays, and what is wrong with it."""
    found = sweep(grafana, served, window, marks, display=display)
    return {(outcome.panel.dashboard, outcome.panel.title): outcome for outcome in found}


@pytest.fixture(scope="module")
def may_be_empty() -> Expectations:
    """Which panels may be empty, and why."""
    return load_expectations(Path(__file__).with_name("may_be_empty.toml"))


def test_every_file_is_a_dashboard() -> None:
    """No file is malformed, wrapped, or has a panel that Grafana would not show; each fault is named with its place."""
    findings = lint_folder(GRAFANA / "dashboards", datasource_uids(GRAFANA / "provisioning" / "datasources"))

    found = [str(finding) for finding in findings]
    assert found == [], "\n".join(found)


def test_every_dashboard_is_of_the_types_of_each_grafana(display: GrafanaLibrary) -> None:
    """No dashboard, panel, option or setting of a field is one that a supported Grafana does not have."""
    schemas = load_schemas(display.folder)

    assert schemas
    assert [str(finding) for name, data in LOADED.items() for finding in lint_schema(name, data, schemas)] == []


def test_every_query_asks_for_what_is_exported() -> None:
    """No query of a panel or a variable misspells a metric, label or value, or makes a number that says nothing."""
    queries = [query for uid, data in FILES.items() for query in queries_of_dashboard(f"{uid}.json", data)]

    found = [str(finding) for finding in lint_queries(queries, known_metrics())]
    assert found == [], "\n".join(found)


def test_grafana_serves_the_dashboards_of_git(grafana: GrafanaClient, served: tuple[ServedDashboard, ...]) -> None:
    """All committed dashboards and no others are served, provisioned, in the folder Arbitrage."""
    assert {hit.uid for hit in grafana.search()} == set(FILES)
    assert {(one.folder, one.provisioned) for one in served} == {("Arbitrage", True)}


def test_grafana_refused_no_file(stack: Stack) -> None:
    """Grafana's log has no complaint about a dashboard or a datasource."""
    assert refused_files(stack.logs("grafana")) == ()


@pytest.mark.parametrize(("uid", "title"), COMMITTED, ids=[f"{uid}-{title}" for uid, title in COMMITTED])
def test_panel_is_the_committed_one(uid: str, title: str, grafana: GrafanaClient) -> None:
    """Grafana serves the panel, variable or dashboard with the type, look, targets, queries and time of the list."""
    served = panels_of(uid, grafana.dashboard(uid).dashboard)

    wrong = differences(served.get((uid, title), ()), COMMITTED[uid, title])

    assert wrong == [], f"panels.txt, dashboard {uid!r}, panel {title!r}: " + "; ".join(wrong)


def test_no_panel_is_served_that_is_not_in_the_list(served: tuple[ServedDashboard, ...]) -> None:
    """Each dashboard, panel and variable is in the committed list, and so has its tests."""
    found = {place for one in served for place in panels_of(one.uid, one.dashboard)}

    assert found - set(COMMITTED) == set()


def test_every_case_is_served(outcomes: Outcomes) -> None:
    """The panels that Grafana serves are those of the files: none is left out, none is made up."""
    assert set(outcomes) == set(CASES)


@pytest.mark.parametrize(("uid", "title"), CASES, ids=[f"{uid}-{title}" for uid, title in CASES])
def test_panel_shows_live_data(uid: str, title: str, outcomes: Outcomes, may_be_empty: Expectations) -> None:
    """The panel's own queries give finite, fresh, moving values in the unit it claims."""
    assert (uid, title) in outcomes, f"dashboard {uid!r} has no panel {title!r}"
    outcome = outcomes[uid, title]
    excused = {target for target in outcome.empty_targets if may_be_empty.reason(uid, title, target)}

    problems = outcome.problems(excused)

    assert not problems, "\n".join(problems)


def test_every_panel_leaves_its_value_and_its_picture(
    outcomes: Outcomes, bundle: Bundle, stack: Stack, served: tuple[ServedDashboard, ...]
) -> None:
    """The evidence has what each panel showed, as numbers and as a picture drawn from what Grafana returned."""
    assert stack.grafana is not None

    assert len(set(save_all(outcomes.values(), bundle, stack.grafana, served))) == len(CASES)


def test_no_panel_is_excused_without_need(outcomes: Outcomes, may_be_empty: Expectations) -> None:
    """A panel or target that is listed as possibly empty is empty."""
    empty = {(*place, target) for place, outcome in outcomes.items() for target in outcome.empty_targets}

    assert may_be_empty.unused(empty) == ()


@pytest.mark.parametrize("uid", FILES)
def test_variables_are_filled_from_the_data(
    uid: str, grafana: GrafanaClient, served: tuple[ServedDashboard, ...], window: Window, envs: frozenset[str]
) -> None:
    """Each variable offers what is there: the environments are those that have metrics; of the rest there is one."""
    (dashboard,) = (one.dashboard for one in served if one.uid == uid)

    options = fill_variables(grafana, dashboard, window)

    assert envs
    assert set(options["env"]) == envs
    assert {name for name, found in options.items() if not found} == set()


def test_other_exporters_export_what_we_use(prometheus: PrometheusClient, window: Window) -> None:
    """The metrics of Prometheus and node_exporter that the lint takes for granted are there indeed."""
    # ALERTS is written only while something is pending or firing.
    wanted = set(FOREIGN) - {"ALERTS"}

    found = {one["__name__"] for one in prometheus.series(sorted(wanted), start=window.start, end=window.end)}

    assert wanted - found == set()
