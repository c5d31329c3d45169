"""The numbers of one env: what the ledger stores and what the `.prom` file shows."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from preflight.record.catalogue import CATALOGUE, MetricKind, must_be_series

# A series without its env: the name under which it is written, then its label values in the contract's order.
Key = tuple[str, ...]

_HISTOGRAMS = {spec.name: spec for spec in CATALOGUE if spec.kind is MetricKind.HISTOGRAM}
_GROWING = frozenset(
    name
    for spec in CATALOGUE
    if spec.kind is not MetricKind.GAUGE
    for name in spec.series_names  # the sums too: nothing that is timed is negative
)


@dataclass(slots=True)
class State:
    """Every known number of one env.

    A counter or bucket that is not here is 0; a gauge that is not here is not known. Buckets are cumulative,
    as Prometheus writes them; `+Inf` is the count.
    """

    env: str
    checks: tuple[str, ...] = ()  # ids of the configured checks, in the order of the configuration
    values: dict[Key, float] = field(default_factory=dict)

    def set(self, name: str, value: float, *labels: str) -> None:
        """Set a gauge, or a counter that is read back.

        Raises:
            ValueError: The series is not in the contract, or the value cannot stand there.
        """
        must_be_series(name, labels)
        if not math.isfinite(value) or (value < 0 and name in _GROWING):
            raise ValueError(f"series {name} cannot be {value!r}")
        self.values[name, *labels] = float(value)

    def add(self, name: str, amount: float, *labels: str) -> None:
        """Let a counter grow.

        Raises:
            ValueError: The series is not in the contract, or the amount is negative or not finite.
        """
        if not math.isfinite(amount) or amount < 0:
            raise ValueError(f"series {name} cannot grow by {amount!r}")
        self.set(name, self.values.get((name, *labels), 0.0) + amount, *labels)

    def observe(self, name: str, value: float, *labels: str) -> None:
        """Put one measured value, in seconds, into a histogram.

        Raises:
            ValueError: The series is not in the contract, or the value is negative or not finite.
        """
        self.add(f"{name}_sum", value, *labels)
        self.add(f"{name}_count", 1, *labels)
        spec = _HISTOGRAMS[name]
        for bound, le in zip(spec.buckets, spec.bounds, strict=True):
            if value <= bound:
                self.add(f"{name}_bucket", 1, *labels, le)

    def forget(self, name: str, *, but: Iterable[str] = ()) -> None:
        """Make a gauge with labels unknown again, except where its first label is one of `but`."""
        kept = frozenset(but)
        for key in [key for key in self.values if key[0] == name and key[1] not in kept]:
            del self.values[key]
