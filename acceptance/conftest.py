"""Fixtures of the acceptance suite, in layers: stack -> clients -> facts. A broken one fails; nothing skips."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from typing import Final, TextIO

import pytest

from acceptance import evidence_plugin
from acceptance.dashboards.template import Window
from acceptance.display import Display, GrafanaLibrary
from acceptance.display.installed import installed_library
from acceptance.evidence_plugin import EvidencePlugin
from acceptance.gates import witness
from acceptance.probes import GrafanaClient, NodeExporterClient, PrometheusClient
from acceptance.probes.grafana import ServedDashboard
from acceptance.proof import second_env as second
from acceptance.proof.ask_panel import AskPanel
from acceptance.proof.follow import FollowedRun, Follower, HopError
from acceptance.proof.judge import Marks
from acceptance.proof.outage import Outage, begin_outage, see_outage, until_firing
from acceptance.proof.second_env import SecondEnv
from acceptance.proof.sweep import PanelOutcome, sweep
from acceptance.stack.binaries.progress import Progress
from acceptance.stack.choice.choose import StackChoice, open_stack, say
from acceptance.stack.choice.data_servers import open_servers
from acceptance.stack.docker import docker_cli
from acceptance.stack.interface import Stack, StackError
from acceptance.stack.wait import WaitTimeoutError
from acceptance.terminal import open_terminal
from acceptance.world.alerting import Alerting, open_alerting
from acceptance.world.exchanges import ExchangeStandin
from acceptance.world.live import LiveWorld, open_live_world
from evidence.bundle import Bundle
from evidence.pytest_plugin.recorder import PLUGIN_NAME
from evidence.results import Dashboard, GrafanaApiResult, MetricQuery, PanelQuery, PrometheusQueryResult

ENV = "paper"
EXPECTED: Final = Path(__file__).with_name("expected.txt")
SYSTEM_HEALTH = "d77_system_health"
PANEL_SECONDS = 300.0  # the time range in which a panel is asked for one run
TERMINAL: Final = pytest.StashKey[TextIO]()
_STACK = pytest.StashKey[Stack]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Open the evidence bundle before pytest's own recorders start, and the terminal before pytest captures it."""
    if config.getoption("numprocesses", None):  # pytest-xdist's -n
        raise pytest.UsageError("the acceptance suite has one stack and one order: run it without -n")
    terminal = config.stash[TERMINAL] = open_terminal()
    config.add_cleanup(terminal.close)
    if not config.pluginmanager.is_registered(witness):  # a gate has loaded it before
        config.pluginmanager.register(witness)
    evidence_plugin.register(config, suite=Path(__file__).parent, stack=_stack_name(config), expected=EXPECTED)


def _stack_name(config: pytest.Config) -> str:
    """Say what `--stack auto` comes to: the evidence of each stack has a folder of its own, from the first moment."""
    choice: str = config.getoption("--stack")
    if choice != "auto":
        return choice
    return "compose" if docker_cli.why_unusable() is None else "embedded"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None]:
    """Keep the order in which the tests stand, for later ones look at what earlier ones have put through the stack.

    On somebody else's stack leave out what counts from zero or breaks something; the result is then PARTIAL.
    """
    order = {item: place for place, item in enumerate(items)}
    yield
    items.sort(key=order.__getitem__)  # whatever a plug-in such as pytest-randomly made of it
    if config.getoption("--stack") != "external":
        return
    left_out = [item for item in items if item.get_closest_marker("own_stack") is not None]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)
    for item in left_out:
        say(f"NOT RUN on an external stack: {item.nodeid}")


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Start the stack before the first test: its start is nobody's test time, and why it cannot be is said once.

    What is made for it (images, programs) has deadlines of its own and shows how far it is.
    """
    plugin = session.config.pluginmanager.get_plugin(PLUGIN_NAME)
    needed = any("stack" in getattr(item, "fixturenames", ()) for item in session.items)
    hopeless = session.testsfailed and not session.config.option.continue_on_collection_errors
    if not needed or hopeless or not isinstance(plugin, EvidencePlugin):
        return (yield)
    terminal = session.config.stash[TERMINAL]

    def tell(line: str) -> None:
        terminal.write(f"{line}\n")

    opened = open_stack(
        _wanted(session.config),
        project=session.config.rootpath,
        tell=tell,
        progress=Progress(terminal),
        failed=plugin.record_failed_start,
    )
    with contextlib.ExitStack() as life:
        try:
            stack = life.enter_context(opened)
            plugin.record_stack(stack)  # what is known now stays known if this process is killed
            session.config.stash[_STACK] = stack
            try:
                return (yield)
            finally:
                plugin.record_stack(stack)
                life.close()
        except StackError as error:
            session.shouldfail = f"the stack: {error}"
            raise session.Failed(session.shouldfail) from error


@pytest.fixture(scope="session")
def wanted(request: pytest.FixtureRequest) -> StackChoice:
    """What the command line asks for."""
    return _wanted(request.config)


def _wanted(config: pytest.Config) -> StackChoice:
    option = config.getoption
    return StackChoice(
        choice=option("--stack"),
        images=option("--images"),
        grafana=option("--grafana"),
        keep=option("--keep-stack"),
        prometheus_url=option("--prometheus-url"),
        grafana_url=option("--grafana-url"),
        node_exporter_url=option("--node-exporter-url"),
        textfile_dir=option("--textfile-dir"),
        grafana_login=option("--grafana-login"),
        prometheus_login=option("--prometheus-login"),
        ca=option("--ca"),
        lent_stack=option("--lent-stack"),
    )


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> Stack:
    """The running stack; its state, versions and logs go into the evidence before it ends, or if it does not start."""
    return request.config.stash[_STACK]


@pytest.fixture(scope="session")
def node_exporter(stack: Stack) -> Iterator[NodeExporterClient]:
    """The exporter's page."""
    with NodeExporterClient(stack.urls.node_exporter, ca=stack.urls.ca) as client:
        yield client


@pytest.fixture(scope="session")
def prometheus(stack: Stack) -> Iterator[PrometheusClient]:
    """Prometheus' query API."""
    with PrometheusClient(stack.urls.prometheus, auth=stack.urls.prometheus_auth, ca=stack.urls.ca) as client:
        yield client


@pytest.fixture(scope="session")
def grafana(stack: Stack) -> Iterator[GrafanaClient]:
    """Grafana's API, as its administrator."""
    with GrafanaClient(stack.urls.grafana, auth=stack.grafana_auth, ca=stack.urls.ca) as client:
        yield client


@pytest.fixture(scope="session")
def step(grafana: GrafanaClient) -> float:
    """Seconds between two scrapes: what the provisioned datasource says, which every range panel is floored to."""
    (datasource,) = grafana.datasources()
    return float(str(datasource.json_data["timeInterval"]).removesuffix("s"))


@pytest.fixture(scope="session")
def exchanges(evidence_plugin: EvidencePlugin) -> Iterator[ExchangeStandin]:
    """What stands in for Upbit and Binance."""
    with ExchangeStandin() as standin:
        evidence_plugin.know_secrets(standin.secrets)
        yield standin


@pytest.fixture(scope="session")
def alerting(stack: Stack, evidence_plugin: EvidencePlugin) -> Iterator[Alerting]:
    """What stands in for Telegram, and the table of alerts; the chat goes into the evidence."""
    with open_alerting(stack, ENV) as alerting:
        evidence_plugin.know_secrets(alerting.secrets)
        try:
            yield alerting
        finally:
            alerting.record(evidence_plugin.bundle)


@pytest.fixture(scope="session")
def variables(stack: Stack, exchanges: ExchangeStandin, alerting: Alerting) -> Mapping[str, str]:
    """What leads preflight to the stand-ins, so that on a healthy stack every check passes."""
    if stack.name == "external":  # somebody's own ledger must not say that the exchanges are well because a stand-in is
        return alerting.variables
    return {**exchanges.environment(), **alerting.variables}


@pytest.fixture(scope="session")
def follower(
    stack: Stack,
    node_exporter: NodeExporterClient,
    prometheus: PrometheusClient,
    step: float,
    variables: Mapping[str, str],
) -> Follower:
    """Runs preflight and follows the run through every hop."""
    return Follower(
        stack=stack,
        node_exporter=node_exporter,
        prometheus=prometheus,
        env=ENV,
        step=step,
        variables=variables,
    )


@pytest.fixture(scope="session")
def live_world(
    request: pytest.FixtureRequest, stack: Stack, wanted: StackChoice, evidence_plugin: EvidencePlugin
) -> Iterator[LiveWorld]:
    """What a run in env live meets: servers of the same kind as the stack's, and nothing else on them.

    Where the outage is looked at later, it begins first: its alerts take their 15 s while live runs are made.
    """
    if any("outage" in getattr(item, "fixturenames", ()) for item in request.session.items):
        request.getfixturevalue("outage_begun")
    with open_servers(stack.name, images=wanted.images) as servers, open_live_world(servers) as world:
        evidence_plugin.know_secrets(world.secrets)
        yield world


@pytest.fixture(scope="session")
def silence(wanted: StackChoice, prometheus: PrometheusClient) -> Mapping[str, str]:
    """Before the first run Prometheus notices that there is no preflight file: annotations of TextfileMissing.

    Empty where it did not: that is for the test of this alert to judge, and no reason not to run preflight.
    """
    if wanted.choice == "external":  # somebody has run preflight there before
        return {}
    try:
        return until_firing(prometheus, "TextfileMissing", states=frozenset({"pending", "firing"}), timeout=10)
    except WaitTimeoutError as e:
        say(str(e))
        return {}


@pytest.fixture(scope="session")
def first_run(follower: Follower, silence: Mapping[str, str], bundle: Bundle) -> FollowedRun:
    """The first preflight run on this stack, seen in Prometheus; `silence` ends with it, so it is looked at before."""
    say(f"before the first run: {silence.get('summary', 'no alert')}")
    seen = follower.run()
    bundle.add_json("preflight_report.json", seen.run.report)
    bundle.add_text(f"arbitrage_preflight_{ENV}.prom", seen.run.prom)
    bundle.add_text("preflight_console.log", seen.run.stdout + seen.run.stderr)
    return seen


@pytest.fixture(scope="session")
def third_run(follower: Follower, first_run: FollowedRun) -> FollowedRun:
    """The third run; it takes the first one as given, so that nobody can make it the second."""
    assert first_run.run.exit_code == 0
    assert follower.start().exit_code == 0
    return follower.run()


@pytest.fixture(scope="session")
def outage_begun(stack: Stack, follower: Follower, third_run: FollowedRun) -> FollowedRun:
    """Redis and the engine go away; the run that meets it. They are away until `outage` brings them back."""
    assert third_run.run.exit_code == 0
    return begin_outage(stack, follower)


@pytest.fixture(scope="session")
def outage(stack: Stack, prometheus: PrometheusClient, outage_begun: FollowedRun) -> Outage:
    """The same once its alerts have fired; Redis and the engine are there again when this returns."""
    return see_outage(stack, outage_begun, prometheus)


@pytest.fixture(scope="session")
def recovery(follower: Follower, outage: Outage) -> FollowedRun:
    """A run after Redis came back."""
    assert outage.run.run.exit_code != 0
    return follower.run()


@pytest.fixture(scope="session")
def second_env(stack: Stack, follower: Follower, alerting: Alerting, first_run: FollowedRun) -> SecondEnv:
    """A run in another env, with other numbers in everything, while the first env's stand beside it."""
    assert first_run.env != second.ENV
    return second.run_second_env(stack, follower, alerting, first_run)


@pytest.fixture(scope="session")
def dashboard(grafana: GrafanaClient) -> ServedDashboard:
    """The system health dashboard as Grafana serves it, not as it lies in git."""
    return grafana.dashboard(SYSTEM_HEALTH)


@pytest.fixture(scope="session")
def display() -> Iterator[GrafanaLibrary]:
    """Grafana's own display library, of every supported major version."""
    with installed_library() as library:
        yield library


@pytest.fixture(scope="session")
def ask_panel(grafana: GrafanaClient, dashboard: ServedDashboard, display: Display, step: float) -> AskPanel:
    """Asks the panel of a title in that dashboard as of a run, and fails unless it shows that run without a fault."""

    def ask(title: str, run: FollowedRun, env: str = ENV) -> PanelOutcome:
        window = Window(start=run.at - PANEL_SECONDS, end=run.at, scrape_interval=step)
        marks = Marks(env=env, last_run=run.ended_at, max_beat_age=math.inf)  # of the run, which the engine may outlive
        (outcome,) = sweep(grafana, [dashboard], window, marks, display=display, title=title)
        if problems := outcome.problems():
            raise HopError(
                f"grafana, {outcome.panel.place}",
                asked="; ".join(outcome.queries) or "nothing yet",
                expected=f"the values of the run that ended at {run.ended_at!r}, displayed",
                last="\n".join(problems),
                attempts=1,
            )
        return outcome

    return ask


@pytest.fixture(scope="session")
def metric_log(first_run: FollowedRun, stack: Stack, bundle: Bundle) -> Callable[[MetricQuery], None]:
    """Takes down what Prometheus said of the first run, metric by metric, in the evidence."""
    record = PrometheusQueryResult(
        run_id=first_run.run.report["run_id"],
        last_run_timestamp=first_run.ended_at,
        prometheus=stack.urls.prometheus,
    )

    def add(query: MetricQuery) -> None:
        nonlocal record
        record = record.plus(query)
        record.write(bundle)

    return add


@pytest.fixture(scope="session")
def panel_log(
    stack: Stack, dashboard: ServedDashboard, first_run: FollowedRun, bundle: Bundle
) -> Callable[[PanelQuery], None]:
    """Takes down what each panel shows of the first run in the evidence."""
    assert stack.grafana is not None
    record = GrafanaApiResult(
        grafana=stack.grafana,
        run_id=first_run.run.report["run_id"],
        last_run_timestamp=first_run.ended_at,
        dashboard=Dashboard(
            uid=dashboard.uid,
            title=dashboard.title,
            version=int(dashboard.dashboard["version"]),
            url=dashboard.url,
        ),
    )

    def add(panel: PanelQuery) -> None:
        nonlocal record
        record = record.plus(panel)
        record.write(bundle)

    return add
