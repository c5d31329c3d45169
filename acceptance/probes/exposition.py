"""Reads the text exposition format with prometheus_client's own parser."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from acceptance.probes.errors import AnswerFormatError

__all__ = ["Exposition", "ExpositionSample", "parse"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpositionSample:
    """One sample line."""

    name: str
    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposition:
    """A parsed page, or a parsed ``.prom`` file."""

    samples: tuple[ExpositionSample, ...]
    types: Mapping[str, str]  # family -> counter, gauge, histogram, summary, unknown

    def named(self, name: str, **labels: str) -> tuple[ExpositionSample, ...]:
        """Give the samples of this name that carry these labels."""
        return tuple(
            s
            for s in self.samples
            if s.name == name and all(s.labels.get(key) == value for key, value in labels.items())
        )

    def value(self, name: str, **labels: str) -> float | None:
        """Give the value of the only sample of this name with these labels; None where there is none.

        Raises:
            AnswerFormatError: More than one fits.
        """
        found = self.named(name, **labels)
        if len(found) > 1:
            raise AnswerFormatError(f"{len(found)} samples fit {name} with {labels}; expected at most one")
        return found[0].value if found else None


def parse(text: str, *, origin: str) -> Exposition:
    """Parse ``text``, which came from ``origin`` (a path or an address, for messages).

    Raises:
        AnswerFormatError: It is not in the exposition format.
    """
    try:
        families = list(text_string_to_metric_families(text))
        return Exposition(samples=tuple(_samples(families)), types={family.name: family.type for family in families})
    except (ValueError, KeyError, IndexError) as error:
        raise AnswerFormatError(
            f"{origin} is not in Prometheus' text format ({error}): {' '.join(text.split())[:200]}",
            asked=origin,
        ) from error


def _samples(families: Iterable[object]) -> Iterable[ExpositionSample]:
    for family in families:
        for sample in family.samples:  # type: ignore[attr-defined]  # prometheus_client leaves this untyped
            yield ExpositionSample(name=sample.name, labels=dict(sample.labels), value=float(sample.value))
