"""Reads a textfile in Prometheus' exposition format, with its authors' own parser."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from evidence.errors import DocumentError

Labels = frozenset[tuple[str, str]]


def read_samples(data: bytes, name: str) -> dict[tuple[str, Labels], float]:
    """Return (metric, labels) -> value of every sample line.

    Raises:
        DocumentError: it is not in that format, or has a line twice.
    """
    found: dict[tuple[str, Labels], float] = {}
    try:
        for family in text_string_to_metric_families(data.decode()):
            for sample in family.samples:
                key = (sample.name, frozenset(sample.labels.items()))
                if key in found:
                    raise DocumentError(f"{name} has {sample.name} twice with the same labels")
                found[key] = float(sample.value)
    except (ValueError, KeyError, IndexError) as error:
        message = f"{name} is not in the exposition format: {error}"
        raise DocumentError(message) from error
    return found
