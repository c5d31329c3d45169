"""Checks of third parties: found by the entry-point group `arbitrage_preflight.checks`, trusted with nothing.

A plug-in that cannot be loaded is an error that names its distribution. It is never passed over: a check that
vanished because its import failed would be a gate with a hole in it. Each is loaded in a fork first: an import that
ends its process, crashes or hangs must not do so to the gate, whose exit code it would then have chosen.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from preflight.check import Check
from preflight.errors import RegistryError
from preflight.probe import trouble_of
from preflight.registry import Registry

GROUP = "arbitrage_preflight.checks"
LOAD_SECONDS = 10.0  # for the import of one plug-in
MAX_TIMEOUT = 600.0  # seconds; as for those in the settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """What one entry point gives."""

    distribution: str
    name: str
    checks: tuple[Check, ...]


def find_plugins(found: Iterable[EntryPoint] | None = None) -> tuple[Plugin, ...]:
    """Load every plug-in, in the order of distribution and name.

    Args:
        found: Entry points; None for those that are installed.

    Raises:
        RegistryError: One cannot be imported, or gives something that is no check; names its distribution.
    """
    points = entry_points(group=GROUP) if found is None else found
    return tuple(_load(point) for point in sorted(points, key=lambda point: (_distribution(point), point.name)))


def with_plugins(registry: Registry, plugins: Iterable[Plugin]) -> Registry:
    """Give a registry that has the plug-ins' checks after its own.

    Raises:
        RegistryError: An id is taken, or a requirement is unknown or circular; names the distribution.
    """
    known = tuple(plugins)
    try:
        return Registry((*registry.checks, *(check for plugin in known for check in plugin.checks)))
    except RegistryError as together:
        for plugin in known:
            try:
                Registry((*registry.checks, *plugin.checks))
            except RegistryError as alone:
                raise RegistryError(f"{_blame(plugin)}: {alone}") from alone
        raise RegistryError(f"{', '.join(map(_blame, known))}: {together}") from together


def _load(point: EntryPoint) -> Plugin:
    trouble = trouble_of(partial(_take, point), LOAD_SECONDS)
    if trouble is not None:
        raise RegistryError(
            f"plug-in {point.name!r} of distribution {_distribution(point)!r} cannot be loaded: {trouble}; "
            "repair or uninstall it"
        )
    return _take(point)


def _take(point: EntryPoint) -> Plugin:
    """Import what an entry point names. Whatever the import raises comes out.

    Raises:
        TypeError: It gives something that is no check.
    """
    value = point.load()
    checks = value if isinstance(value, tuple) else (value,)
    for check in checks:
        if isinstance(check, type) or not isinstance(check, Check):
            raise TypeError(
                f"it gives {check!r}, which is no check: it takes an instance with id, proves, requires, "
                "timeout, network, imports and run, or a tuple of them"
            )
        _must_have_sound_fields(check)
    return Plugin(distribution=_distribution(point), name=point.name, checks=checks)


def _must_have_sound_fields(check: Check) -> None:
    """Look at what the gate itself will calculate with: a check's type annotations promise nothing.

    Raises:
        TypeError: A field has another type, or `timeout` is no usable number of seconds.
    """
    texts: tuple[Any, ...] = (check.id, check.proves, *_texts(check.requires), *_texts(check.imports))
    if not all(isinstance(text, str) for text in texts):
        raise TypeError(f"check {check.id!r}: id and proves are text, requires and imports tuples of text")
    timeout: Any = check.timeout
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 < timeout <= MAX_TIMEOUT:
        raise TypeError(f"check {check.id!r}: timeout is {timeout!r}, not seconds above 0 and at most {MAX_TIMEOUT:g}")
    if not isinstance(check.network, bool):
        raise TypeError(f"check {check.id!r}: network is {check.network!r}, not True or False")


def _texts(value: Any) -> tuple[Any, ...]:
    """Give what is in a tuple; for anything else something that is no text."""
    return value if isinstance(value, tuple) else (None,)


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "unknown"


def _blame(plugin: Plugin) -> str:
    return f"plug-in {plugin.name!r} of distribution {plugin.distribution!r}"
