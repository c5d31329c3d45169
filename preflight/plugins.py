"""Checks of third parties: found by the entry-point group `arbitrage_preflight.checks`, trusted with nothing.

Their code never runs in the process that judges: what it imports could change the judgement itself. A process of its
own says which checks a plug-in has, as data that is checked here; each check then runs in its worker, which imports
the plug-in again. A plug-in that cannot be loaded is an error that names its distribution. It is never passed over: a
check that vanished because its import failed would be a gate with a hole in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from preflight.check import Check, Context
from preflight.errors import RegistryError
from preflight.message import BadMessageError, cleaned, from_data, joined, message, to_data
from preflight.model import Outcome
from preflight.redaction import scrub
from preflight.registry import Registry
from preflight.system.fork import ForkFailedError, answer_of

GROUP = "arbitrage_preflight.checks"
LOAD_SECONDS = 10.0  # for the import of one plug-in
MAX_TIMEOUT = 600.0  # seconds; as for those in the settings
_MAX_BYTES = 64 * 1024  # of what a plug-in says about its checks
_MAX_TEXT = 500  # characters of one text
_MAX_REASON = 1000  # characters of why one cannot be loaded
_WRONG = "wrong"  # under this name `_describe` says why there is no list
_FIELDS = ("id", "proves", "requires", "timeout", "network", "imports")


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginCheck:
    """A third party's check as the judging process knows it: what was said about it, and where its code is.

    Only a worker may call `run`: it is what imports the plug-in.
    """

    point: EntryPoint
    index: int  # its place among the plug-in's checks
    id: str
    proves: str
    requires: tuple[str, ...]
    timeout: float
    network: bool
    imports: tuple[str, ...]

    def run(self, ctx: Context) -> Outcome:
        """Import the plug-in and ask its check.

        Raises:
            LookupError: The plug-in gives other checks than it did when it was asked for them.
        """
        checks = _checks_of(self.point)
        if len(checks) <= self.index or checks[self.index].id != self.id:
            message = f"{_where(self.point)} no longer gives {self.id!r}: its checks must be the same in each process"
            raise LookupError(message)
        return checks[self.index].run(ctx)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """What one entry point gives."""

    distribution: str
    name: str
    checks: tuple[Check, ...]


def find_plugins(found: Iterable[EntryPoint] | None = None, *, secrets: Sequence[str] = ()) -> tuple[Plugin, ...]:
    """Ask every plug-in for its checks, in the order of distribution and name; without plug-ins no process is made.

    Args:
        found: Entry points; None for those that are installed.
        secrets: What may not be in a message: a plug-in may raise anything.

    Raises:
        RegistryError: One cannot be imported, or gives something that is no check; names its distribution.
    """
    points = entry_points(group=GROUP) if found is None else found
    return tuple(_ask(point, secrets) for point in sorted(points, key=lambda point: (_distribution(point), point.name)))


def with_plugins(registry: Registry, plugins: Iterable[Plugin]) -> Registry:
    """Return a registry that has the plug-ins' checks after its own.

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
                raise RegistryError(message("{plugin}: {wrong}", plugin=_blame(plugin), wrong=str(alone))) from alone
        raise RegistryError(
            message("{plugin}: {wrong}", plugin=joined(map(_blame, known), ", "), wrong=str(together))
        ) from together


def _ask(point: EntryPoint, secrets: Sequence[str]) -> Plugin:
    try:
        checks = _read(point, answer_of(partial(_describe, point), LOAD_SECONDS, limit=_MAX_BYTES))
    except (ForkFailedError, TypeError) as e:
        told = cleaned(str(e), lambda text: _printable(scrub(text, secrets))[:_MAX_REASON])
        raise RegistryError(
            message("{where} cannot be loaded: {told}; repair or uninstall it", where=_where(point), told=told)
        ) from e
    return Plugin(distribution=_distribution(point), name=point.name, checks=checks)


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _describe(point: EntryPoint) -> bytes:
    """Return which checks an entry point gives. Only for a process whose end harms nobody.

    Raises:
        TypeError: It gives something that is no check, or a field that is none.
    """
    told: list[dict[str, Any]] = []
    try:
        for check in _checks_of(point):
            fields = {name: getattr(check, name) for name in _FIELDS}
            _must_be_sound(fields)
            told.append(fields)
    except TypeError as e:
        wrong = to_data(str(e))
        if wrong is None:  # the plug-in's own
            raise
        return json.dumps({_WRONG: wrong}).encode()
    return json.dumps(told).encode()


def _checks_of(point: EntryPoint) -> tuple[Check, ...]:
    """Import what an entry point names. Whatever the import raises comes out.

    Raises:
        TypeError: It gives something that is no check.
    """
    value = point.load()
    checks = value if isinstance(value, tuple) else (value,)
    for check in checks:
        if isinstance(check, type) or not isinstance(check, Check):
            raise TypeError(
                message(
                    "it gives {check}, which is not a check: it takes an instance with {fields} and run, "
                    "or a tuple of them",
                    check=repr(check)[:_MAX_TEXT],
                    fields=", ".join(_FIELDS),
                )
            )
    return checks


def _read(point: EntryPoint, line: bytes) -> tuple[Check, ...]:
    """Read what `_describe` wrote in a process that may have been made to write anything.

    Raises:
        TypeError: It is no list of checks.
    """
    try:
        told = json.loads(line)
    except (ValueError, RecursionError) as e:
        raise TypeError(message("what it says about its checks is not JSON")) from e
    if isinstance(told, dict) and told.keys() == {_WRONG}:
        try:
            wrong = from_data(told[_WRONG])
        except BadMessageError as e:
            raise TypeError(message("what it says about its checks is not a list of checks")) from e
        raise TypeError(wrong)
    if not isinstance(told, list) or not all(isinstance(each, dict) and set(each) == {*_FIELDS} for each in told):
        raise TypeError(message("what it says about its checks is not a list of checks"))
    if not told:
        raise TypeError(message("it gives no check"))
    for fields in told:
        for name in ("requires", "imports"):
            fields[name] = tuple(fields[name]) if isinstance(fields[name], list) else None
        _must_be_sound(fields)
        fields["imports"] = (point.module, *fields["imports"])  # so that loading it is not part of its time
    return tuple(PluginCheck(point=point, index=index, **fields) for index, fields in enumerate(told))


def _must_be_sound(fields: dict[str, Any]) -> None:
    """Look at what the gate itself will calculate with and show: a check's type annotations promise nothing.

    Raises:
        TypeError: A field has another type, `timeout` is no usable number of seconds, or a text is not plain.
    """
    texts = (fields["id"], fields["proves"], *_texts(fields["requires"]), *_texts(fields["imports"]))
    if not all(isinstance(text, str) for text in texts):
        raise TypeError(
            message(
                "check {id}: id and proves are text, requires and imports tuples of text",
                id=repr(fields["id"])[:_MAX_TEXT],
            )
        )
    if not all(text.isprintable() and len(text) <= _MAX_TEXT for text in texts):
        raise TypeError(
            message(
                "check {id!r}: id, proves, requires and imports are one line of at most {count} printable "
                "characters each",
                id=fields["id"][:_MAX_TEXT],
                count=_MAX_TEXT,
            )
        )
    timeout, network = fields["timeout"], fields["network"]
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 < timeout <= MAX_TIMEOUT:
        raise TypeError(
            message(
                "check {id!r}: timeout is {timeout}, not seconds above 0 and at most {most:g}",
                id=fields["id"],
                timeout=repr(timeout)[:_MAX_TEXT],
                most=MAX_TIMEOUT,
            )
        )
    if not isinstance(network, bool):
        raise TypeError(
            message(
                "check {id!r}: network is {network}, not True or False",
                id=fields["id"],
                network=repr(network)[:_MAX_TEXT],
            )
        )


def _texts(value: Any) -> tuple[Any, ...]:
    """Return what is in a tuple; for anything else something that is no text."""
    return value if isinstance(value, tuple) else (None,)


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "unknown"


def _where(point: EntryPoint) -> str:
    return message(
        "plug-in {name!r} of distribution {distribution!r}", name=point.name, distribution=_distribution(point)
    )


def _blame(plugin: Plugin) -> str:
    return message(
        "plug-in {name!r} of distribution {distribution!r}", name=plugin.name, distribution=plugin.distribution
    )
