"""Asks a running stack for what every panel shows, after preflight has run and the engine has moved."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from acceptance.dashboards.lint.dashboards import load_folder
from acceptance.dashboards.model import list_panels
from acceptance.dashboards.template import Window
from acceptance.display import Display
from acceptance.probes import GrafanaClient, PrometheusClient
from acceptance.probes.grafana import ServedDashboard
from acceptance.proof.follow import LAST_RUN
from acceptance.proof.judge import Marks
from acceptance.proof.sweep import PanelOutcome, sweep
from acceptance.stack.interface import Stack, StackError
from acceptance.stack.wait import Observation, wait_until
from acceptance.world.alerting import open_alerting
from acceptance.world.exchanges import ExchangeStandin
from acceptance.world.grafana.identity import is_standin

__all__ = ["DASHBOARDS", "ENV", "PanelSnapshot", "drive", "look", "newest_run"]

DASHBOARDS = Path(__file__).parents[3] / "monitoring" / "grafana" / "dashboards"
ENV = "paper"
_BEAT = "arbitrage_engine_heartbeat_timestamp_seconds"
_LONGEST = 600.0  # seconds
_BEAT_STEPS = 3  # scrapes that a heartbeat may be old before its panels are stale


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelSnapshot:
    """What all panels showed at one moment."""

    served: tuple[ServedDashboard, ...]
    outcomes: tuple[PanelOutcome, ...]
    grafana: str = "Grafana"  # which one it was, for people

    def of(self, uid: str) -> tuple[PanelOutcome, ...]:
        """Give the panels of one dashboard, in its order."""
        return tuple(outcome for outcome in self.outcomes if outcome.panel.dashboard == uid)


def drive(stack: Stack, *, runs: int, scrapes: int, tell: Callable[[str], object]) -> None:
    """Run preflight a few times against stand-ins, and wait until the engine has moved on.

    Args:
        stack: Started, and ours: on somebody else's stack the runs would enter a ledger that is theirs.
        runs: How often preflight runs.
        scrapes: How many scrapes of the engine there have to be.
        tell: Is given a line about each step.

    Raises:
        StackError: A run left no report.
    """
    with ExitStack() as opened:
        exchanges = opened.enter_context(ExchangeStandin())
        alerting = opened.enter_context(open_alerting(stack, ENV))
        variables = {**exchanges.environment(), **alerting.variables}
        for number in range(1, runs + 1):
            _run(stack, variables, f"preflight run {number} of {runs}", tell)
    with PrometheusClient(stack.urls.prometheus) as prometheus:
        query = f"max(count_over_time({_BEAT}[10m]))"

        def probe() -> Observation[float]:
            count = max((sample.value for sample in prometheus.query(query).samples), default=0.0)
            return Observation(done=count >= scrapes, said=f"{count:g} of {scrapes} scrapes of the engine", value=count)

        tell(f"waiting for {scrapes} scrapes of the engine")
        wait_until(probe, asked=query, timeout=60 + 2.0 * scrapes)


def _run(stack: Stack, variables: Mapping[str, str], what: str, tell: Callable[[str], object]) -> None:
    run = stack.run_preflight("--env", ENV, env=variables)
    if not run.report:
        raise StackError(f"{what} left no report: exit {run.exit_code}, {run.stderr[-300:]}")
    tell(f"{what}: {run.report['verdict']}")


def look(
    grafana: GrafanaClient,
    *,
    at: float,
    span: float | None,
    uids: Sequence[str] = (),
    env: str = ENV,
    step: float | None = None,
    display: Display | None,
) -> PanelSnapshot:
    """Ask every panel of the committed dashboards through Grafana, as it serves them.

    Args:
        grafana: Logged in.
        at: End of the time range, Unix seconds.
        span: Its length in seconds; since the engine's first scrape, within ten minutes, where it is None.
        uids: Dashboards; all that are in git where none is named.
        env: Value of the variable `env`.
        step: Seconds between two scrapes; what the provisioned datasource says (for which one needs to be an
            administrator) where it is None.
        display: What says what is displayed; None: only the bare numbers are drawn.

    Raises:
        ProbeError: Grafana cannot be asked, or does not have a dashboard.
    """
    names = uids or tuple(Path(name).stem for name in load_folder(DASHBOARDS)[0])
    served = tuple(grafana.dashboard(uid) for uid in names)
    if step is None:
        step = _step(grafana)
    if span is None:
        span = _age(grafana, served, at, step)
    window = Window(start=at - span, end=at, scrape_interval=step)
    marks = Marks(env=env, max_beat_age=max(10.0, _BEAT_STEPS * step))
    health = grafana.health()
    name = "stand-in for Grafana" if is_standin({"version": health.version}) else f"Grafana {health.version}".strip()
    return PanelSnapshot(served=served, outcomes=sweep(grafana, served, window, marks, display=display), grafana=name)


def _step(grafana: GrafanaClient) -> float:
    """Seconds between two scrapes, as the datasource of the dashboards is provisioned."""
    for datasource in grafana.datasources():
        text = str(datasource.json_data.get("timeInterval", ""))
        if datasource.type == "prometheus" and text.endswith("s"):
            return float(text.removesuffix("s"))
    raise StackError("Grafana has no Prometheus datasource with a timeInterval in seconds", service="grafana")


def _age(grafana: GrafanaClient, served: Sequence[ServedDashboard], at: float, step: float) -> float:
    """Seconds since the engine's first sample, so that no picture is half empty; at least a dozen scrapes."""
    window = Window(start=at - _LONGEST, end=at, scrape_interval=step)
    panels = [panel for one in served for panel in list_panels(one.dashboard)]
    uid = next(target.datasource_uid for panel in panels for target in panel.targets)
    query = {
        "refId": "A",
        "datasource": {"type": "prometheus", "uid": uid},
        "expr": f"max({_BEAT})",
        "range": True,
        "instant": False,
        "format": "time_series",
        "intervalMs": round(step * 1000),
        "maxDataPoints": round(_LONGEST / step),
    }
    times = [time for series in grafana.query([query], window.start, window.end).of("A") for time in series.times]
    return max(at - min(times, default=at), 12 * step)


def newest_run(prometheus: PrometheusClient, env: str = ENV) -> float:
    """Give the moment of Prometheus' newest answer that has a run of this env, Unix seconds."""
    found = prometheus.query(f'{LAST_RUN}{{env="{env}"}}').samples
    if not found:
        raise StackError(f"Prometheus knows no preflight run of env {env!r}: run preflight first", service="prometheus")
    return found[0].timestamp
