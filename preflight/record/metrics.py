"""From the numbers of one env to samples, and to the text that node_exporter reads."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from preflight.model import Sample
from preflight.record.catalogue import CATALOGUE, LABEL_VALUES, MetricKind, MetricSpec
from preflight.record.state import State

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

__all__ = ["CATALOGUE", "MetricSpec", "render", "samples"]


class _Series(NamedTuple):
    labels: tuple[str, ...]  # values, `env` first
    value: float  # of a histogram: the sum
    buckets: tuple[tuple[str, float], ...] = ()  # (le, cumulative count), +Inf last


def samples(state: State) -> tuple[Sample, ...]:
    """Give every sample line of one env, in the order in which `render` writes them.

    All counters and histograms of the contract are there from the start, as 0; a gauge once it is known.
    """
    return tuple(sample for spec in CATALOGUE for series in _series(spec, state) for sample in _lines(spec, series))


def render(state: State, *, counters: bool = True) -> bytes:
    """Give the same samples as text exposition format: fixed HELP, no timestamps, no `_created`.

    Args:
        state: The numbers.
        counters: False where they are not known: a 0 in their place would read as a reset.

    prometheus_client is imported here because a run under `--no-metrics` should not pay for it.
    """
    from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415 - see the docstring

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(state, counters=counters))
    return generate_latest(registry)


class _Collector:
    """What prometheus_client asks for metric families."""

    def __init__(self, state: State, *, counters: bool) -> None:
        self._state = state
        self._specs = tuple(spec for spec in CATALOGUE if counters or spec.kind is MetricKind.GAUGE)

    def describe(self) -> list[Metric]:
        return []  # names are the contract's; the registry need not collect once more to find them

    def collect(self) -> Iterator[Metric]:
        from prometheus_client import core  # noqa: PLC0415 - see `render`

        for spec in self._specs:
            series = tuple(_series(spec, self._state))
            if not series:
                continue  # a family without samples would be a HELP line about nothing
            if spec.kind is MetricKind.HISTOGRAM:
                histogram = core.HistogramMetricFamily(spec.name, spec.help, labels=spec.labels)
                for one in series:
                    histogram.add_metric(one.labels, list(one.buckets), one.value)
                yield histogram
                continue
            kind = core.CounterMetricFamily if spec.kind is MetricKind.COUNTER else core.GaugeMetricFamily
            family = kind(spec.name, spec.help, labels=spec.labels)
            for one in series:
                family.add_metric(one.labels, one.value)
            yield family


def _series(spec: MetricSpec, state: State) -> Iterator[_Series]:
    known = state.values
    sets = (state.checks if label == "check" else LABEL_VALUES[label] for label in spec.labels[1:])
    for labels in product(*sets):
        shown = (state.env, *labels)
        if spec.kind is MetricKind.HISTOGRAM:
            count = known.get((f"{spec.name}_count", *labels), 0.0)
            buckets = [(le, known.get((f"{spec.name}_bucket", *labels, le), 0.0)) for le in spec.bounds]
            total = known.get((f"{spec.name}_sum", *labels), 0.0)
            yield _Series(shown, total, (*buckets, ("+Inf", count)))
        elif spec.kind is MetricKind.COUNTER:
            yield _Series(shown, known.get((spec.name, *labels), 0.0))
        elif (spec.name, *labels) in known:
            yield _Series(shown, known[spec.name, *labels])


def _lines(spec: MetricSpec, series: _Series) -> Iterator[Sample]:
    labels = dict(zip(spec.labels, series.labels, strict=True))
    if spec.kind is not MetricKind.HISTOGRAM:
        yield Sample(name=spec.name, labels=labels, value=series.value)
        return
    for le, count in series.buckets:
        yield Sample(name=f"{spec.name}_bucket", labels={**labels, "le": le}, value=count)
    # prometheus_client writes the count before the sum
    yield Sample(name=f"{spec.name}_count", labels=labels, value=series.buckets[-1][1])
    yield Sample(name=f"{spec.name}_sum", labels=labels, value=series.value)
