"""The set of checks: collected without I/O, ordered by what they require, selected by id."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from preflight.check import Check
from preflight.checks import checks_for
from preflight.config.sections import DEFAULT_EXCHANGES
from preflight.config.settings import Settings
from preflight.errors import RegistryError, UsageError
from preflight.message import message

_ID = re.compile(r"[a-z][a-z0-9_]{0,62}")


@dataclass(frozen=True, slots=True)
class Registry:
    """An ordered, closed set of checks; building it proves that ids are unique and that `requires` adds up."""

    checks: tuple[Check, ...]

    def __post_init__(self) -> None:
        ids = [check.id for check in self.checks]
        for check in self.checks:
            if not _ID.fullmatch(check.id):
                raise RegistryError(
                    message("check id {id!r} is not lower case letters, digits and underscores", id=check.id)
                )
            if ids.count(check.id) > 1:
                raise RegistryError(message("check id {id!r} is registered twice: ids must be unique", id=check.id))
            for needed in check.requires:
                if needed not in ids:
                    raise RegistryError(
                        message(
                            "check {id!r} requires {needed!r}, which no module registers: known are {known}",
                            id=check.id,
                            needed=needed,
                            known=", ".join(sorted(ids)),
                        )
                    )
        try:
            TopologicalSorter({check.id: check.requires for check in self.checks}).prepare()
        except CycleError as e:
            raise RegistryError(
                message("checks require each other in a circle: {circle}", circle=" -> ".join(e.args[1]))
            ) from e

    @property
    def ids(self) -> frozenset[str]:
        """The id of every check."""
        return frozenset(check.id for check in self.checks)

    def select(self, only: Sequence[str]) -> tuple[Check, ...]:
        """Return the checks named in `only` and all that they require, in registered order; empty means all.

        Raises:
            UsageError: An id is unknown.
        """
        self.must_know(only, "--only")
        by_id = {check.id: check for check in self.checks}
        wanted: set[str] = set()
        queue = list(only or by_id)
        while queue:
            check_id = queue.pop()
            if check_id not in wanted:
                wanted.add(check_id)
                queue.extend(by_id[check_id].requires)
        return tuple(check for check in self.checks if check.id in wanted)

    def must_know(self, ids: Iterable[str], where: str) -> None:
        """Refuse ids that no check has.

        Raises:
            UsageError: An id is unknown; the message names `where` it stood.
        """
        for check_id in ids:
            if check_id not in self.ids:
                raise UsageError(
                    message(
                        "{where}: there is no check {check_id!r}; `preflight list` names them: {known}",
                        where=where,
                        check_id=check_id,
                        known=", ".join(sorted(self.ids)),
                    )
                )


def default_registry(settings: Settings | None = None) -> Registry:
    """Return the registry of the checks that come with the gate.

    Args:
        settings: Which exchanges are configured; without them those that are there by default.
    """
    if settings is None:
        return Registry(checks_for(DEFAULT_EXCHANGES))
    return Registry(checks_for(name for name, one in settings.exchanges.items() if one.enabled))
