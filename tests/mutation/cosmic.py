"""cosmic-ray's operators. The one place that needs it, and so a virtual environment of its own."""

from __future__ import annotations

from collections.abc import Iterator

from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

# They want to be told the names of variables, and swap those at random: no list of survivors could hold.
_NEED_NAMES = frozenset({"core/VariableReplacer", "core/VariableInserter"})


def cosmic(source: str) -> Iterator[tuple[str, str]]:
    """Give the name of the operator and the whole mutated text, for every place of every operator."""
    for name in operator_names():
        if name in _NEED_NAMES:
            continue
        operator = get_operator(name)()
        occurrence = 0
        while (mutated := mutate_code(source, operator, occurrence)) is not None:
            yield name.removeprefix("core/"), mutated
            occurrence += 1
