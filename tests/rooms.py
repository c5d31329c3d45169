"""The map of rooms in CONTRIBUTING.md, and the imports that are really there, in the same words.

A room is a folder with modules. The top folder of a package may hold several: such rows name their modules.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("engine", "preflight", "evidence", "acceptance", "bench", "supply")
_ROW = re.compile(r"^\| `(?P<room>[\w./]+)` \| (?P<what>[^|]+) \| (?P<imports>[^|]*) \|$", re.MULTILINE)
_MODULES = re.compile(r"^(?P<modules>(?:`\w+`,? ?)+): ")
_NAME = re.compile(r"`([\w./]+)`")


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """One row of the map."""

    name: str  # dotted: `preflight.record`; where a folder has several rooms, `preflight/gate`
    modules: frozenset[str]  # of that folder, without ending; empty: all that no other row names
    imports: frozenset[str]  # names of rooms, absolute

    @property
    def package(self) -> str:
        """Dotted name of its folder."""
        return self.name.partition("/")[0]


def rooms_of_map(text: str) -> tuple[Room, ...]:
    """Read the table; a room in the third column is named from its own package, or in full."""
    rows = list(_ROW.finditer(text))
    names = {row["room"] for row in rows}
    return tuple(_room(row, names) for row in rows)


def _room(row: re.Match[str], names: set[str]) -> Room:
    top = re.split(r"[./]", row["room"])[0]
    modules = _MODULES.match(row["what"])
    wanted = _NAME.findall(row["imports"])
    return Room(
        name=row["room"],
        modules=frozenset(_NAME.findall(modules["modules"]) if modules else ()),
        imports=frozenset(
            next((full for full in (f"{top}.{name}", f"{top}/{name}") if full in names), name) for name in wanted
        ),
    )


def folders() -> frozenset[str]:
    """Every folder of the packages that holds a module, dotted."""
    return frozenset(
        ".".join(file.relative_to(ROOT).parent.parts) for top in PACKAGES for file in (ROOT / top).rglob("*.py")
    )


def imports(sources: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each module with each module of ours that it imports, wherever in the file it does.

    Args:
        sources: Dotted name -> text.
    """
    for name, text in sources.items():
        for wanted in _wanted(text):
            at = wanted.rpartition(".")[0]
            places = (wanted, f"{wanted}.__init__", at, f"{at}.__init__")
            found = next((each for each in places if each in sources), name)
            if found != name:
                yield name, found


@functools.cache  # of a thousand modules, a test changes one
def _wanted(text: str) -> tuple[str, ...]:
    return tuple(name for node in ast.walk(ast.parse(text)) for name in _imported(node))


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


@functools.cache
def sources() -> Mapping[str, str]:
    """Every module of the packages: dotted name -> text. A package's own is the name of its `__init__`."""
    files = (file for top in PACKAGES for file in sorted((ROOT / top).rglob("*.py")))
    return {".".join(file.relative_to(ROOT).with_suffix("").parts): file.read_text(encoding="utf-8") for file in files}


def room_of(module: str, rooms: tuple[Room, ...]) -> str:
    """The room in which a module is.

    Raises:
        LookupError: No row of the map has it.
    """
    folder, _, last = module.rpartition(".")
    rows = [room for room in rooms if room.package == folder]
    named = [room for room in rows if last in room.modules]
    rest = [room for room in rows if not room.modules]
    for room in (*named, *rest):
        return room.name
    raise LookupError(f"no room of CONTRIBUTING.md's map has {module}")
