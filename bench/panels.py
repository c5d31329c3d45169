"""How fast the dashboards are: all panels asked and displayed, over a day of 15 s data of one host, and their lint."""

from __future__ import annotations

import itertools
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import psutil

import preflight.record.catalogue
from acceptance.dashboards.lint.catalogue import FOREIGN, Metric, arbitrage_metrics
from acceptance.dashboards.model import list_panels, panel_queries
from acceptance.dashboards.pictures.live import DASHBOARDS
from acceptance.dashboards.template import Window, default_values
from acceptance.display.installed import installed_library
from acceptance.probes import GrafanaClient
from acceptance.probes.grafana import ServedDashboard
from acceptance.proof.judge import Marks
from acceptance.proof.sweep import WITHOUT_DATA, PanelOutcome, displayed, sweep
from acceptance.stack.binaries.resolve import resolve
from acceptance.stack.embedded.stack import EmbeddedStack
from acceptance.world.grafana.identity import is_standin
from bench.cost import once
from bench.figure import Figure
from engine.metrics import CATALOGUE

ROOT = Path(__file__).parents[1]
DAY, STEP = 86_400, 15  # seconds
_TIMES = 3  # how often each panel is asked
# Labels whose values are settings, or things that come and go: as many as one host has of them.
_OPEN: Mapping[str, Sequence[str]] = {
    "alertname": ("PreflightFailed", "TargetDown"),
    "check": [f"check_{number}" for number in range(14)],
    "file": ("/textfile/arbitrage_preflight_paper.prom",),
    "mode": ("paper",),
    "rule_group": [f"/rules/{name}.yml;{name}" for name in ("engine", "pipeline", "preflight", "recording")],
    "symbol": ("ADA", "AVAX", "BTC", "DOGE", "ETH", "SOL", "XRP"),
    "version": ("1",),
}
_BUCKETS: Mapping[str, Sequence[float]] = {
    **{ours.name: ours.buckets for ours in preflight.record.catalogue.CATALOGUE},
    **{engines.name: engines.buckets for engines in CATALOGUE},
}

_LINT = """
from pathlib import Path
from acceptance.dashboards.lint.catalogue import known_metrics
from acceptance.dashboards.lint.dashboards import lint_folder, load_folder
from acceptance.dashboards.lint.metrics import lint_queries, queries_of_dashboard
from acceptance.dashboards.lint.provisioning import datasource_uids
grafana = Path("monitoring/grafana")
assert not lint_folder(grafana / "dashboards", datasource_uids(grafana / "provisioning" / "datasources"))
loaded, _ = load_folder(grafana / "dashboards")
queries = [query for file, data in loaded.items() for query in queries_of_dashboard(file, data)]
assert queries and not lint_queries(queries, known_metrics())
"""


def measure() -> Iterable[Figure]:
    """The sweep of all panels, what they display, a panel's query at p95, and the lint, each beside its limit."""
    with EmbeddedStack(services=("prometheus", "grafana"), interval=None) as stack:
        end = float(int(time.time()) // STEP * STEP - 2 * STEP)
        stack.stop_service("prometheus")
        write_day(stack.layout.root, stack.layout.data("prometheus"), end)
        stack.start_service("prometheus")
        window = Window(start=end - DAY, end=end, scrape_interval=STEP)
        with GrafanaClient(stack.urls.grafana, auth=stack.grafana_auth) as grafana:
            most = 1 if is_standin({"version": grafana.health().version}) else 5
            served = tuple(grafana.dashboard(path.stem) for path in sorted(DASHBOARDS.glob("*.json")))
            begun = time.perf_counter()
            outcomes = sweep(grafana, served, window, Marks(env="paper"), display=None)
            whole = time.perf_counter() - begun
            must_show_the_day(sum(bool(one.values) for one in outcomes), len(outcomes))
            shown = tuple(display(outcomes))
            singles = [each for _ in range(_TIMES) for each in ask_each(grafana, served, window)]
    yield Figure(what=f"{len(outcomes)} panels, a day of data", value=whole, unit="s", limit=most)
    yield from shown
    p95 = statistics.quantiles(singles, n=20)[-1]
    yield Figure(what="one panel's query, p95", value=1000 * p95, unit="ms", limit=100)
    yield Figure(what="the slowest of them", value=1000 * max(singles), unit="ms")
    lint = once((sys.executable, "-c", _LINT), env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=ROOT)
    yield Figure(what="lint of the dashboards", value=lint.seconds, unit="s", limit=3)


def must_show_the_day(shown: int, panels: int) -> None:
    """Refuse to measure panels that have nothing to show: nothing is found quickly.

    Raises:
        RuntimeError: A panel shows no value of the made day.
    """
    if shown != panels:
        raise RuntimeError(f"only {shown} of {panels} panels show the day that was made for them")


def display(outcomes: Sequence[PanelOutcome]) -> Iterator[Figure]:
    """Ask Grafana's display library, every major version of it, what all panels display."""
    with installed_library() as library:
        begun = time.perf_counter()
        shown = displayed(outcomes, library)
        seconds = time.perf_counter() - begun
        (node,) = (child for child in psutil.Process().children() if library.node.name in child.name())
        peak = re.search(r"^VmHWM:\s+(\d+) kB$", Path(f"/proc/{node.pid}/status").read_text(), re.MULTILINE)
    seen = [bool(each.displayed) and all(one.texts() for one in each.displayed.values()) for each in shown]
    must_show_the_day(sum(seen), len(seen))
    what = f"what they display on Grafana {' and '.join(shown[0].displayed)}"
    yield Figure(what=what, value=seconds, unit="s", limit=3)
    if peak is not None:  # Linux alone tells
        yield Figure(what="the library's memory", value=int(peak[1]) * 1024 / 1e6, unit="MB", limit=400)


def ask_each(grafana: GrafanaClient, served: Iterable[ServedDashboard], window: Window) -> Iterator[float]:
    """Ask one panel after the other; give the seconds that each took."""
    for one in served:
        chosen = default_values(one.dashboard)
        for panel in list_panels(one.dashboard):
            if panel.type not in WITHOUT_DATA:
                queries = panel_queries(panel, chosen, window)
                begun = time.perf_counter()
                grafana.query(queries, window.start, window.end)
                yield time.perf_counter() - begun


def write_day(folder: Path, data: Path, end: float) -> None:
    """Put a day of samples of every metric that we know into a Prometheus' data folder, as if it had scraped them."""
    text = folder / "day.om"
    with text.open("w", encoding="utf-8") as file:
        for name, metric in {**arbitrage_metrics(), **FOREIGN}.items():
            for labels in series_of(metric):
                for number in range(DAY // STEP):
                    at = end - DAY + (number + 1) * STEP
                    file.write(f"{name}{{{labels}}} {value_of(metric, labels, number, at):.12g} {at:.0f}\n")
        file.write("# EOF\n")
    promtool = str(resolve("promtool").binary)
    subprocess.run([promtool, "tsdb", "create-blocks-from", "openmetrics", "-q", str(text), str(data)], check=True)
    text.unlink()


def series_of(metric: Metric) -> Iterator[str]:
    """Give the labels of each series that one host has of a metric."""
    closed = {**metric.values, "env": ("paper",), "instance": ("h:9100",)}
    closed["job"] = (
        ("node-exporter",) if metric.name.startswith(("arbitrage_preflight", "node_")) else ("arbitrage-engine",)
    )
    names = sorted(metric.labels - {"le"})
    bounds = (
        [*(str(float(bound)) for bound in _BUCKETS.get(metric.family, ())), "+Inf"] if "le" in metric.labels else [None]
    )
    for values in itertools.product(*(sorted(closed.get(name) or _OPEN[name]) for name in names)):
        pairs = [f'{name}="{value}"' for name, value in zip(names, values, strict=True)]
        for bound in bounds:
            yield ",".join([*pairs, *([] if bound is None else [f'le="{bound}"'])])


def value_of(metric: Metric, labels: str, number: int, at: float) -> float:
    """Make up a value that is possible: counters grow, times are recent, the rest is small and moves."""
    if metric.kind != "gauge":
        return float(number if "le=" not in labels or "+Inf" in labels else number // 2)
    if metric.name.endswith("timestamp_seconds"):
        return at
    return float(1 + number % 3)
