"""What stands in the `.prom` file already, and what a writer must leave of it.

A run that cannot have the ledger still takes back what an earlier one published, so the ledger does not know all that
stands there. The rule between writers: starts are ordered by last_start, results by last_run, each as far as it is not
ahead of the clock. The later one stands; where two are the same, 0 stands before 1. So an older writer, however late
it comes, can let counters grow, but makes nothing ready or successful that a newer one took back.
"""

from __future__ import annotations

from preflight.record import catalogue
from preflight.record.catalogue import CATALOGUE, MetricKind
from preflight.record.state import State

_RESULTS = (catalogue.LAST_RUN, catalogue.LAST_SUCCESS)
_GAUGES = tuple(spec.name for spec in CATALOGUE if spec.kind is MetricKind.GAUGE)


def parse(raw: bytes | None, env: str, *, gauges: bool = False) -> State | None:
    """Read the numbers of one env out of a `.prom` file of ours.

    Args:
        raw: Its content; None where there is none.
        env: Whose file it is.
        gauges: Read these only, which takes a tenth of the time.

    Returns:
        None where this program cannot have written it: then nothing is known, the counters least of all.
    """
    if raw is None:
        return None
    from prometheus_client.parser import text_string_to_metric_families  # noqa: PLC0415 - for runs that publish

    state = State(env)
    checks: dict[str, None] = {}
    try:
        text = raw.decode("utf-8")
        if gauges:
            text = "".join(line for line in text.splitlines(keepends=True) if line.startswith(_GAUGES))
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                labels = dict(sample.labels)
                if labels.pop("env") != env:
                    return None
                if labels.get("le") == "+Inf":
                    continue  # the count says the same
                names = catalogue.series_labels(sample.name)
                if labels.keys() != set(names):
                    return None
                state.set(sample.name, float(sample.value), *(labels[name] for name in names))
                if "check" in labels:
                    checks[labels["check"]] = None
    except (ValueError, KeyError, IndexError, AttributeError, TypeError):  # whatever the parser makes of nonsense
        return None
    state.checks = tuple(checks)
    return state


def reconcile(state: State, standing: State | None, now: float) -> State:
    """Give what may be published of `state` where `standing` stands; neither is changed.

    Args:
        state: What the ledger says.
        standing: What `parse` read.
        now: Unix seconds; what is ahead of them was written by a clock that has been set back since.
    """
    shown = State(state.env, state.checks, dict(state.values))
    if standing is None:
        return shown

    def moment(of: State, name: str) -> float:
        at = of.values.get((name,), 0.0)
        return at if at <= now else 0.0

    def lower(name: str) -> None:
        """Let 0 stand where either says so; what does not stand yet is no 0."""
        if (name,) in shown.values and standing.values.get((name,)) == 0:
            shown.set(name, 0)

    if moment(standing, catalogue.LAST_START) > moment(state, catalogue.LAST_START):
        shown.set(catalogue.LAST_START, standing.values[catalogue.LAST_START,])
        shown.set(catalogue.READY_FOR_LIVE, 0)  # that run may find the opposite
    ended, known = moment(standing, catalogue.LAST_RUN), moment(state, catalogue.LAST_RUN)
    if ended > known:
        _keep_results(shown, standing)
    if ended >= known:
        lower(catalogue.LAST_SUCCESS)
        lower(catalogue.READY_FOR_LIVE)
    return shown


def _keep_results(shown: State, standing: State) -> None:
    """Let the later result stand, as far as its checks are still configured."""
    for name in _RESULTS:
        if (name,) in standing.values:
            shown.set(name, standing.values[name,])
    shown.forget(catalogue.CHECK_STATUS)
    for check in shown.checks:
        if (catalogue.CHECK_STATUS, check) in standing.values:
            shown.set(catalogue.CHECK_STATUS, standing.values[catalogue.CHECK_STATUS, check], check)
