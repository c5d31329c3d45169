"""Runs preflight and follows this very run, by its own timestamp, through every hop of the pipeline.

report -> `.prom` -> node_exporter -> Prometheus. A value that stands there from an earlier run, or from a server
that died five minutes ago, carries another timestamp and does not count.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from acceptance.dashboards.template import duration
from acceptance.probes import NodeExporterClient, ProbeError, PrometheusClient
from acceptance.probes.exposition import parse
from acceptance.stack.interface import PreflightRun, Stack
from acceptance.stack.wait import Observation, WaitTimeoutError, wait_until

LAST_RUN = "arbitrage_preflight_last_run_timestamp_seconds"
_POLL_SECONDS = 0.1


class HopError(AssertionError):
    """This run's value did not arrive at a hop; names the hop, what was asked, the last answer, the attempts."""

    def __init__(self, hop: str, *, asked: str, expected: str, last: str, attempts: int, context: str = "") -> None:
        super().__init__(
            f"hop {hop}: this run's value did not arrive\n"
            f"  asked:    {asked} ({attempts} times)\n"
            f"  expected: {expected}\n"
            f"  last:     {last}" + (f"\n{context}" if context else "")
        )
        self.hop = hop


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowedRun:
    """One preflight run that has been seen in Prometheus."""

    run: PreflightRun
    env: str
    ended_at: float  # Unix seconds: `ended_at` of the report, the value by which the run was followed
    at: float  # Unix seconds: a moment at which Prometheus answers with this run's values, and did for two steps
    attempts: int  # how often Prometheus was asked until it had this run

    def samples(self, name: str) -> tuple[tuple[Mapping[str, str], float], ...]:
        """Give (labels, value) of each sample line of this name that the report says was written."""
        return tuple(
            (sample["labels"], sample["value"]) for sample in self.run.report["metrics"] if sample["name"] == name
        )

    def value(self, name: str, **labels: str) -> float:
        """Give the value of the only such line with these labels besides `env`."""
        (value,) = (
            value
            for found, value in self.samples(name)
            if {key: text for key, text in found.items() if key != "env"} == labels
        )
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Follower:
    """Runs preflight on a stack and waits for the run at each hop."""

    stack: Stack
    node_exporter: NodeExporterClient
    prometheus: PrometheusClient
    env: str
    step: float  # seconds between two scrapes
    variables: Mapping[str, str] = field(default_factory=dict)  # for preflight, beyond what the stack itself gives
    timeout: float = 15.0  # seconds for each hop, beyond the scrapes it needs

    def run(self, *args: str) -> FollowedRun:
        """Run preflight once and follow it.

        Raises:
            HopError: The run left no report, or its timestamp did not arrive at a hop.
        """
        run = self.start(*args)
        ended_at = self._in_report(run)
        self._in_textfile(run, ended_at)
        self._at_exporter(ended_at)
        at, attempts = self._in_prometheus(ended_at)
        return FollowedRun(run=run, env=self.env, ended_at=ended_at, at=at, attempts=attempts)

    def start(self, *args: str) -> PreflightRun:
        """Run preflight once, and leave it at that."""
        return self.stack.run_preflight("--env", self.env, *args, env=self.variables)

    def _in_report(self, run: PreflightRun) -> float:
        ended_at = run.report.get("ended_at")
        if isinstance(ended_at, float) and run.report["recorded"]:
            return ended_at
        raise HopError(
            "report",
            asked=" ".join(run.argv),
            expected="a recorded run with ended_at",
            last=f"exit {run.exit_code}, report {_brief(run.report)}",
            attempts=1,
            context=f"{run.stdout}{run.stderr}".strip(),
        )

    def _in_textfile(self, run: PreflightRun, ended_at: float) -> None:
        origin = str(run.report["textfile"])
        try:
            found = parse(run.prom, origin=origin).value(LAST_RUN, env=self.env)
        except ProbeError as e:
            raise HopError(
                "textfile", asked=f"{LAST_RUN} in {origin}", expected=repr(ended_at), last=str(e), attempts=1
            ) from e
        if found != ended_at:
            raise HopError(
                "textfile", asked=f"{LAST_RUN} in {origin}", expected=repr(ended_at), last=repr(found), attempts=1
            )

    def _at_exporter(self, ended_at: float) -> None:
        asked = f"{LAST_RUN}{{env={self.env!r}}} on {self.stack.urls.node_exporter}/metrics"

        def probe() -> Observation[float]:
            page = self.node_exporter.samples()
            found = page.value(LAST_RUN, env=self.env)
            errors = page.value("node_textfile_scrape_error")
            said = f"{found!r}, with node_textfile_scrape_error {errors!r}"
            return Observation(done=found == ended_at, said=said, value=found)

        self._wait("node_exporter", probe, asked, ended_at)

    def _in_prometheus(self, ended_at: float) -> tuple[float, int]:
        """Wait until every sample of the last two steps is this run's; give when that was.

        A range panel is floored to its step and may lag by one: one step is not enough.
        """
        mark, steady = f'{LAST_RUN}{{env="{self.env}"}}', duration(2 * self.step)
        query = f"min_over_time({mark}[{steady}]) == ({mark} offset {steady})"
        asked = f"{query} at {self.stack.urls.prometheus}"
        attempts = 0

        def probe() -> Observation[float]:
            nonlocal attempts
            attempts += 1
            result = self.prometheus.query(query)
            found = [sample for sample in result.samples if sample.value == ended_at]
            moment = found[0].timestamp if found else None
            return Observation(done=len(found) == 1, said=_brief(result.raw), value=moment)

        return self._wait("prometheus", probe, asked, ended_at), attempts

    def _wait(self, hop: str, probe: Callable[[], Observation[float]], asked: str, ended_at: float) -> float:
        def guarded() -> Observation[float]:
            try:
                return probe()
            except ProbeError as e:
                return Observation(done=False, said=str(e))

        try:
            timeout = self.timeout + 4 * self.step
            answer = wait_until(guarded, asked=asked, timeout=timeout, interval=_POLL_SECONDS)
            return float(answer.value or 0.0)
        except WaitTimeoutError as e:
            raise HopError(
                hop,
                asked=asked,
                expected=repr(ended_at),
                last=e.last,
                attempts=e.attempts,
                context=f"end of the log of {_SERVICE[hop]}:\n{_tail(self.stack.logs(_SERVICE[hop]))}",
            ) from e


_SERVICE = {"node_exporter": "node-exporter", "prometheus": "prometheus"}


def _brief(data: Any) -> str:
    text = str(data)
    return text if len(text) <= 500 else f"{text[:500]}..."


def _tail(log: str, lines: int = 15) -> str:
    return "\n".join(f"    {line}" for line in log.splitlines()[-lines:])
