"""The table of licences, and which of them may be here.

Permissive ones may. LGPL, MPL and their like may where ``[[named]]`` gives the reason; the GPL only of Debian's
programs and images, which run on their own; AGPL and SSPL only of images that an operator may pull, which nothing here
installs. All else is refused, what is not known first of all.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import Any, Final, get_args

from license_expression import AND, ExpressionError, Licensing, get_spdx_licensing

from supply.part import Kind, SupplyError

TABLE: Final = Path(__file__).with_name("licences.toml")

_PERMISSIVE: Final = frozenset(
    {
        *("0BSD", "Apache-2.0", "BlueOak-1.0.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC"),
        *("MIT", "MIT-0", "MIT-CMU", "PostgreSQL", "PSF-2.0", "Unlicense", "Zlib"),
    }
)
_WITH_REASON: Final = frozenset(
    ["Artistic-2.0", "LGPL-2.1-only", "LGPL-2.1-or-later", "LGPL-3.0-only", "LGPL-3.0-or-later", "MPL-2.0", "OFL-1.1"]
)
_ON_THEIR_OWN: Final = frozenset(["GPL-2.0-only", "GPL-2.0-or-later", "LicenseRef-Debian-main"])
_CITED: Final = frozenset(["AGPL-3.0-only", "LicenseRef-RSALv2", "SSPL-1.0"])


class Standing(IntEnum):
    """How a licence stands, best first."""

    PERMISSIVE = 0
    NAMED = 1  # needs a reason
    REFUSED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Justification:
    """Why a part that is not permissive is here."""

    english: str
    korean: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Licences:
    """The table."""

    expressions: Mapping[str, str]  # key of a part, such as pypi:rich -> SPDX expression
    reasons: Mapping[str, Justification]  # key of a part


def load(path: Path = TABLE) -> Licences:
    """Read the table.

    Raises:
        SupplyError: it cannot be read, or is not such a table.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        named = raw.pop("named", [])
        if unknown := raw.keys() - set(get_args(Kind)):
            raise SupplyError(f"{path.name} has a section {min(unknown)}: there are {', '.join(get_args(Kind))}")
        return Licences(
            expressions={f"{kind}:{name}": text for kind, rows in raw.items() for name, text in rows.items()},
            reasons={
                key: Justification(english=group["reason"], korean=group["reason_ko"])
                for group in named
                for key in group["parts"]
            },
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SupplyError(f"{path} is not a table of licences ({error}): restore it from git") from error


def standing(expression: str, kind: Kind) -> Standing:
    """Say how a licence stands: of several by ``OR`` the best counts, by ``AND`` the worst.

    Args:
        expression: SPDX; "" and what is no expression are refused.
        kind: of the part.
    """
    try:
        tree = _spdx().parse(expression)
    except ExpressionError:
        return Standing.REFUSED
    return Standing.REFUSED if tree is None else _standing(tree, kind)


def symbols(expression: str) -> frozenset[str]:
    """Return the licences that an expression names; what is no expression is one unknown licence."""
    try:
        return frozenset(_spdx().license_keys(expression))
    except ExpressionError:
        return frozenset({expression})


def _standing(tree: Any, kind: Kind) -> Standing:  # the library has no types
    if tree.args:
        below = [_standing(branch, kind) for branch in tree.args]
        return max(below) if isinstance(tree, AND) else min(below)
    name = tree.render()
    if name in _PERMISSIVE:
        return Standing.PERMISSIVE
    named = {*_WITH_REASON}
    if kind in {"debian", "image"}:
        named |= _ON_THEIR_OWN
    if kind == "image":
        named |= _CITED
    return Standing.NAMED if name in named else Standing.REFUSED


@cache
def _spdx() -> Licensing:
    return get_spdx_licensing()
