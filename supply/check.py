"""What is wrong with the supply: found offline, from the locks, the table and what is installed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from supply.installed import Installed
from supply.licences import Licences, Standing, standing, symbols
from supply.part import HASHED, Part


def faults(parts: Iterable[Part], licences: Licences, installed: Iterable[Installed]) -> Iterator[str]:
    """Yield a sentence for each fault.

    Args:
        parts: all that is installed or built.
        licences: the committed table.
        installed: the packages of this environment; those that no lock pins are not looked at.
    """
    every = tuple(parts)
    keys = {part.key for part in every}
    if not every:
        yield "no part was found: run from a whole checkout"
    for part in every:
        yield from _unpinned(part)
        yield from _licence_faults(part, licences)
    for key in sorted({*licences.expressions, *licences.reasons} - keys):
        yield f"supply/licences.toml names {key}, which nothing installs or builds: remove it"
    yield from _contradictions(every, licences, installed)


def _unpinned(part: Part) -> Iterator[str]:
    if part.kind in HASHED and not part.version:
        yield f"{part.key} has no exact version in {part.pinned_by}"
    if part.kind in HASHED and not part.hashes:
        yield f"{part.key} {part.version} has no hash in {part.pinned_by}"


def _licence_faults(part: Part, licences: Licences) -> Iterator[str]:
    expression = licence_of(part, licences)
    if not expression:
        yield f"{part.key} has no licence: read its text, then write it into supply/licences.toml"
        return
    judged = standing(expression, part.kind)
    if judged is Standing.REFUSED:
        yield f"{part.key} is under {expression}, which may not be here: do without it"
    elif judged is Standing.NAMED and part.key not in licences.reasons:
        yield f"{part.key} is under {expression} and no reason is given: name it in supply/licences.toml"
    elif judged is Standing.PERMISSIVE and part.key in licences.reasons:
        yield f"{part.key} is permissive, and still has a reason in supply/licences.toml: remove that"
    if part.licence and symbols(part.licence) != symbols(expression):
        yield f"{part.key} is said to be under {expression}, {part.pinned_by} says {part.licence}"


def licence_of(part: Part, licences: Licences) -> str:
    """Return a part's licence as an SPDX expression; "" where nobody wrote it down."""
    return licences.expressions.get(part.key) or part.licence


def _contradictions(parts: tuple[Part, ...], licences: Licences, installed: Iterable[Installed]) -> Iterator[str]:
    here = {one.name: one for one in installed}
    for part in parts:
        one = here.get(part.name) if part.kind == "pypi" else None
        if one is None or one.version != part.version:
            continue  # of another lock, or for another Python
        expression = licences.expressions.get(part.key, "")
        if expression and one.contradicts(expression):
            yield f"{part.key} is said to be under {expression}, the installed package says {one.said}"
