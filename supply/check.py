"""What is wrong with the supply: found offline, from the locks, the table and what is installed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from supply.installed import Installed
from supply.licences import Licences, Standing, standing, symbols
from supply.part import HASHED, Part


def faults(
    parts: Iterable[Part], licences: Licences, npm: Mapping[str, str], installed: Iterable[Installed]
) -> Iterator[str]:
    """Yield a sentence for each fault.

    Args:
        parts: all that is installed or built.
        licences: the committed table.
        npm: what the npm locks say: key -> expression.
        installed: the packages of this environment; those that no lock pins are not looked at.
    """
    every = tuple(parts)
    keys = {part.key for part in every}
    if not every:
        yield "no part was found: run from a whole checkout"
    for part in every:
        expression = licence_of(part, licences, npm)
        if part.kind in HASHED and not part.hashes:
            yield f"{part.key} {part.version} has no hash in {part.pinned_by}"
        if not expression:
            yield f"{part.key} has no licence: read its text, then write it into supply/licences.toml"
            continue
        judged = standing(expression, part.kind)
        if judged is Standing.REFUSED:
            yield f"{part.key} is under {expression}, which may not be here: do without it"
        elif judged is Standing.NAMED and part.key not in licences.reasons:
            yield f"{part.key} is under {expression} and no reason is given: name it in supply/licences.toml"
        elif judged is Standing.PERMISSIVE and part.key in licences.reasons:
            yield f"{part.key} is permissive, and still has a reason in supply/licences.toml: remove that"
        told = npm.get(part.key)
        if told is not None and symbols(told) != symbols(expression):
            yield f"{part.key} is said to be under {expression}, {part.pinned_by} says {told}"
    for key in sorted({*licences.expressions, *licences.reasons} - keys):
        yield f"supply/licences.toml names {key}, which nothing installs or builds: remove it"
    yield from _contradictions(every, licences, installed)


def licence_of(part: Part, licences: Licences, npm: Mapping[str, str]) -> str:
    """Return a part's licence as an SPDX expression; "" where nobody wrote it down."""
    return licences.expressions.get(part.key) or npm.get(part.key, "")


def _contradictions(parts: tuple[Part, ...], licences: Licences, installed: Iterable[Installed]) -> Iterator[str]:
    here = {one.name: one for one in installed}
    for part in parts:
        one = here.get(part.name) if part.kind == "pypi" else None
        if one is None or one.version != part.version:
            continue  # of another lock, or for another Python
        expression = licences.expressions.get(part.key, "")
        if expression and one.contradicts(expression):
            yield f"{part.key} is said to be under {expression}, the installed package says {one.said}"
