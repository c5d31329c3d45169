"""Which services a stack runs, where their programs come from, and which versions they are."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from importlib import metadata

from acceptance.stack.binaries.component import Component, ComponentError
from acceptance.stack.binaries.progress import Progress
from acceptance.stack.binaries.resolve import DISPLAY, resolve_all
from acceptance.stack.embedded.services import BUILDERS, COMPONENT_OF, NEEDS
from acceptance.stack.interface import SERVICES, GrafanaChoice, StackError


def available_services() -> tuple[str, ...]:
    """Every service this checkout can run: all, the engine only where its package is there."""
    has_engine = importlib.util.find_spec("engine") is not None
    return tuple(name for name in SERVICES if name != "engine" or has_engine)


def check(names: Sequence[str]) -> None:
    """Refuse services that cannot be run.

    Raises:
        StackError: One is unknown, or lacks what it needs.
    """
    if unknown := [each for each in names if each not in BUILDERS]:
        message = f"unknown service {', '.join(unknown)}; there are: {', '.join(BUILDERS)}"
        raise StackError(message)
    for each in names:
        if missing := [need for need in NEEDS.get(each, ()) if need not in names]:
            message = f"{each} needs {' and '.join(missing)}; name it too"
            raise StackError(message, service=each)


def resolve(
    names: Sequence[str], *, grafana: GrafanaChoice = "auto", progress: Progress | None = None
) -> Mapping[str, Component]:
    """Find the programs, making those that are missing.

    Args:
        names: Component names.
        grafana: Which Grafana to take.
        progress: Told what is chosen and what is being made; standard error by default.

    Raises:
        StackError: One cannot be had; the sentence says what to do.
    """
    try:
        found = resolve_all(tuple(names), grafana=grafana, progress=progress)
        if "grafana" in found and found["grafana"].source == "stand-in":  # its pages show what Grafana would
            found |= resolve_all(DISPLAY, progress=progress)
        return found
    except ComponentError as error:
        raise StackError(str(error)) from error


def versions(names: Sequence[str], components: Mapping[str, Component]) -> dict[str, dict[str, str]]:
    """Service name -> its component's facts: ``{"version": ..., "source": ..., "binary": ...}``."""
    found = {}
    for each in names:
        if each == "engine":
            found[each] = {"version": _own_version(), "source": "checkout"}
        else:
            found[each] = components[COMPONENT_OF[each]].facts()
    return found


def _own_version() -> str:
    try:
        return metadata.version("arbitrage-preflight")
    except metadata.PackageNotFoundError:
        return "checkout"
