"""What one look at a dashboard is: its time range, its variables, and what each panel shows then. No HTML."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from acceptance.dashboards.model import Panel, list_panels
from acceptance.dashboards.template import ALL, Value, Window, default_values
from acceptance.dashboards.variables import fill_variables
from acceptance.probes.errors import PanelError, ProbeError
from acceptance.proof.sweep import WITHOUT_DATA, PanelOutcome
from acceptance.world.grafana.pages.ask import SiteAsked, ask_panel
from acceptance.world.grafana.queries import QueryRefusedError, instant
from acceptance.world.grafana.seam import PageRequest, Site

__all__ = ["Choice", "Range", "View", "chosen_values", "look", "read_range", "window_of"]

_LATEST = "now"
_HOUR_AGO = "now-1h"
_WORKERS = 8
_LONGEST = 366 * 86_400.0  # seconds: a longer range would ask for steps of days


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A time range as it was asked for, and in Unix milliseconds."""

    asked_from: str
    asked_to: str
    from_ms: int
    to_ms: int
    refused: str = ""  # why what the address asked for is not shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One variable that can be chosen."""

    name: str
    label: str
    options: tuple[tuple[str, str], ...]  # value, text
    selected: tuple[str, ...]  # values
    multi: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One dashboard at one moment."""

    dashboard: Mapping[str, Any]
    range: Range
    choices: tuple[Choice, ...]
    panels: tuple[Panel, ...]
    outcomes: Mapping[int, PanelOutcome]  # place in panels -> what it showed; none for texts
    failure: str  # why variables or panels could not be read; "" where they could


def read_range(request: PageRequest, dashboard: Mapping[str, Any]) -> Range:
    """Read ``from`` and ``to``; what cannot be used is said, and the last hour is shown."""
    default = dashboard.get("time") or {}
    asked_from = _first(request, "from") or str(default.get("from") or _HOUR_AGO)
    asked_to = _first(request, "to") or str(default.get("to") or _LATEST)
    now = time.time()
    try:
        start, end = instant(asked_from, now), instant(asked_to, now)
    except (OverflowError, QueryRefusedError, ValueError):
        what = f"the time range {asked_from!r} to {asked_to!r} cannot be read; give now-1h or Unix milliseconds"
    else:
        if 0 <= start < end <= 253_402_300_799_000 and (end - start) / 1000 <= _LONGEST:
            return Range(asked_from=asked_from, asked_to=asked_to, from_ms=start, to_ms=end)
        what = f"the time range {asked_from!r} to {asked_to!r} is empty, or longer than a year"
    return Range(
        asked_from=_HOUR_AGO,
        asked_to=_LATEST,
        from_ms=instant(_HOUR_AGO, now),
        to_ms=instant(_LATEST, now),
        refused=what,
    )


def _first(request: PageRequest, name: str) -> str:
    return next(iter(request.params.get(name, ())), "")


def chosen_values(request: PageRequest, dashboard: Mapping[str, Any]) -> dict[str, Value]:
    """Give each variable's value: what the address chooses, else what the dashboard opens with."""
    values = default_values(dashboard)
    for variable in _variables(dashboard):
        name = str(variable.get("name", ""))
        given = request.params.get(f"var-{name}")
        if not given or variable.get("type") == "constant":
            continue
        if ALL in given:
            values[name] = str(variable.get("allValue") or ".*")
        else:
            values[name] = tuple(given) if variable.get("multi") else given[0]
    return values


def _variables(dashboard: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = (dashboard.get("templating") or {}).get("list") or ()
    return found


def look(site: Site, request: PageRequest, dashboard: Mapping[str, Any]) -> View:
    """Ask for the variables' options and for every panel, several at once."""
    span = read_range(request, dashboard)
    window = window_of(site, span)
    failures: list[str] = []
    values: dict[str, Value] = {}
    panels: tuple[Panel, ...] = ()
    options: dict[str, tuple[str, ...]] = {}
    try:
        values = chosen_values(request, dashboard)
        panels = list_panels(dashboard)
        options = fill_variables(SiteAsked(site), dashboard, window, values=values)
    except (PanelError, ProbeError) as error:
        failures.append(str(error))
    except re.error as error:
        failures.append(f"the regex of a variable cannot be read: {error}")
    asked = {index: panel for index, panel in enumerate(panels) if panel.type not in WITHOUT_DATA}
    with ThreadPoolExecutor(max_workers=_WORKERS) as pool:
        outcomes = dict(
            zip(asked, pool.map(lambda panel: ask_panel(site, panel, values, window), asked.values()), strict=True)
        )
    return View(
        dashboard=dashboard,
        range=span,
        choices=tuple(_choices(request, dashboard, options)),
        panels=panels,
        outcomes=outcomes,
        failure="; ".join(failures),
    )


def window_of(site: Site, span: Range) -> Window:
    """Give the window that a range is for the probes."""
    return Window(start=span.from_ms / 1000, end=span.to_ms / 1000, scrape_interval=site.scrape_interval())


def _choices(request: PageRequest, dashboard: Mapping[str, Any], options: Mapping[str, Sequence[str]]) -> list[Choice]:
    choices = []
    for variable in _variables(dashboard):
        if variable.get("type") == "constant" or variable.get("hide") == 2:
            continue
        name = str(variable.get("name", ""))
        current = (variable.get("current") or {}).get("value") or ""
        opened = (current,) if isinstance(current, str) else tuple(str(one) for one in current)
        selected = tuple(request.params.get(f"var-{name}", ())) or opened
        own = [str(one.get("value", "")) for one in variable.get("options") or ()]
        known = dict.fromkeys([*options.get(name, own), *(one for one in selected if one)])
        known.pop(ALL, None)
        offered = [(one, one) for one in known]
        if variable.get("includeAll"):
            offered.insert(0, (ALL, "All / 전부"))
        choices.append(
            Choice(
                name=name,
                label=str(variable.get("label") or name),
                options=tuple(offered),
                selected=selected,
                multi=bool(variable.get("multi")),
            )
        )
    return choices
