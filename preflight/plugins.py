"""Checks of third parties: found by the entry-point group `arbitrage_preflight.checks`, trusted with nothing.

A plug-in that cannot be loaded is an error that names its distribution. It is never passed over: a check that
vanished because its import failed would be a gate with a hole in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

from preflight.check import Check
from preflight.errors import RegistryError
from preflight.registry import Registry

GROUP = "arbitrage_preflight.checks"


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
    blame = f"plug-in {point.name!r} of distribution {_distribution(point)!r}"
    try:
        value = point.load()
    except (Exception, SystemExit) as e:
        raise RegistryError(f"{blame} cannot be loaded: {type(e).__name__}: {e}; repair or uninstall it") from e
    checks = value if isinstance(value, tuple) else (value,)
    for check in checks:
        if isinstance(check, type) or not isinstance(check, Check):
            raise RegistryError(
                f"{blame} gives {check!r}, which is no check: it takes an instance with id, proves, requires, "
                "timeout, network, imports and run, or a tuple of them"
            )
    return Plugin(distribution=_distribution(point), name=point.name, checks=checks)


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "unknown"


def _blame(plugin: Plugin) -> str:
    return f"plug-in {plugin.name!r} of distribution {plugin.distribution!r}"
