"""What installed Python packages say of their own licence."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import Final

from supply.licences import symbols
from supply.locks import normalised

#: Words in a trove classifier or a short ``License`` field -> beginning of the SPDX names that it can mean.
_FAMILIES: Final = {
    r"\bAGPL|Affero": "AGPL",
    r"LGPL|Lesser": "LGPL",
    r"(?<![AL])GPL|(?<!Lesser )GNU General": "GPL",
    r"\bMPL|Mozilla": "MPL",
    r"Apache": "Apache",
    r"\bMIT\b": "MIT",
    r"\bBSD\b": "BSD",
    r"\bPSF|Python Software": "PSF",
    r"\bISC\b": "ISC",
    r"Server Side|SSPL": "SSPL",
}
_SHORT: Final = 60  # characters; some put the licence's whole text into the field


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """One package of this environment."""

    name: str  # normalised
    version: str
    expression: str | None  # SPDX, where it gives one
    families: frozenset[str]  # such as BSD, of its classifiers and its licence field; empty: it says nothing

    def contradicts(self, expression: str) -> bool:
        """Tell whether it names a licence that an expression does not."""
        ours = symbols(expression)
        if self.expression is not None:
            return symbols(self.expression) != ours
        return any(not any(name.startswith(family) for name in ours) for family in self.families)

    @property
    def said(self) -> str:
        """Its own words, or what they come to."""
        return self.expression or " and ".join(sorted(self.families)) or "nothing"


@cache  # what a process runs on does not change under it
def installed() -> tuple[Installed, ...]:
    """Return the packages of the running Python, by name."""
    return read(metadata.distributions())


def read(found: Iterable[metadata.Distribution]) -> tuple[Installed, ...]:
    """Return what distributions say, by name; of one name the first, as an import takes it."""
    rows: dict[str, Installed] = {}
    for row in map(_row, found):
        if row.name:  # a folder that was half removed has none
            rows.setdefault(row.name, row)
    return tuple(rows[name] for name in sorted(rows))


def _row(one: metadata.Distribution) -> Installed:
    fields = one.metadata
    name, version, free, expression = (
        (fields.get_all(field) or [""])[0].strip() for field in ("Name", "Version", "License", "License-Expression")
    )
    words = [text for text in fields.get_all("Classifier") or () if text.startswith("License ::")]
    words += [free] if len(free) <= _SHORT else []
    return Installed(
        name=normalised(name),
        version=version,
        expression=expression or None,
        families=frozenset(family for each in words for word, family in _FAMILIES.items() if re.search(word, each)),
    )
