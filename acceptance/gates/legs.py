"""A pytest plug-in: which leg of the core gate a test belongs to, and a run of some legs only.

    pure      in a file that knows of no process, server or socket: part of the fast gate as well
    servers   all others that need nothing installed
    system    marked so: each of its tests starts a whole stack, a suite, a gate in env live, or many processes that are
              killed, which takes seconds
    browser   needs Chromium
    docker    needs a Docker engine, or programs that only root on Debian gets installed
    alone     needs one on which nobody else makes or removes networks: it asks what they keep apart
    engine    restarts that engine, so nothing else may run beside it

`--leg` selects; `--list-tests` writes every test with its leg. Both ask the same function, so that the list and the
runs cannot disagree. `@pytest.mark.leg("pure")`, `("servers")` or `("system")` overrides what the words of
a file suggest.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest

LEGS: Final = ("pure", "servers", "system", "browser", "docker", "alone", "engine")
_MARKS: Final = {"engine": "engine", "browser": "browser", "alone": "alone", "compose": "docker", "debian": "docker"}
# Words by which a file shows that its tests start something, wait for something, or try hundreds of examples.
_BUSY: Final = re.compile(
    r"subprocess|Popen|socket|fork|multiprocessing|threading|Thread|signal\.|pytester|httpserver|playwright"
    r"|EmbeddedStack|ComposeStack|Standin|Server\(|serve|promtool|run_command|hypothesis|stateful|genuine"
)
_OVERRIDE: Final = "mark.leg("
# What is said of a whole file.
_WHOLE: Final = re.compile(
    rf"""^pytestmark = \[?\s*pytest\.mark\.(?:leg\(["'](\w+)["']\)|(?:{"|".join(_MARKS)})\b)""", re.MULTILINE
)
_FIXTURES: Final = frozenset({"postgres", "pytester", "httpserver", "no_child_left", "ctrl_c"})


def leg_of(item: pytest.Item) -> str:
    """The leg of a test: by its marks, else by what its file and its fixtures show."""
    marks = {mark.name for mark in item.iter_markers()}
    for mark, leg in _MARKS.items():
        if mark in marks:
            return leg
    if (override := item.get_closest_marker("leg")) is not None:
        return str(override.args[0])
    fixtures = set(getattr(item, "fixturenames", ()))
    return "servers" if fixtures & _FIXTURES or _busy(item.path) else "pure"


@cache
def _busy(path: Path) -> bool:
    return _BUSY.search(_text(path)) is not None


@cache
def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--leg` and `--list-tests`."""
    group = parser.getgroup("gates")
    group.addoption("--leg", action="append", choices=LEGS, help="run the tests of this leg only; may be repeated")
    group.addoption("--list-tests", metavar="FILE", type=Path, help="write every test's id and leg to FILE, as JSON")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not even import a file that cannot have a test of the legs that are wanted: collecting all takes a minute."""
    chosen = config.getoption("leg")
    if not chosen or collection_path.suffix != ".py" or not collection_path.name.startswith("test_"):
        return None
    return None if any(_may_have(leg, _text(collection_path)) for leg in chosen) else True


def _may_have(leg: str, text: str) -> bool:
    if marks := [mark for mark, its in _MARKS.items() if its == leg]:
        return any(f"mark.{mark}" in text for mark in marks)
    whole = _WHOLE.search(text)
    if whole is not None and (whole[1] is None or text.count(_OVERRIDE) == 1):  # no test says otherwise of itself
        return whole[1] == leg
    if leg == "pure":
        return _OVERRIDE in text or not _BUSY.search(text)
    return leg == "servers" or _OVERRIDE in text


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Write the list, then leave out what is of another leg."""
    legs = {item.nodeid: leg_of(item) for item in items}
    if file := config.getoption("list_tests"):
        file.write_text(json.dumps(legs), encoding="utf-8")
    if chosen := config.getoption("leg"):
        left_out = [item for item in items if legs[item.nodeid] not in chosen]
        items[:] = [item for item in items if legs[item.nodeid] in chosen]
        config.hook.pytest_deselected(items=left_out)
