"""The map in CONTRIBUTING.md is what a listing of folders shows, and imports go along its arrows only."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import TopologicalSorter

import pytest

from tests.rooms import PACKAGES, ROOT, Room, folders, imports, room_of, rooms_of_map, sources

_TESTS_OF_THEIR_OWN = {"preflight.faults", "preflight.sample_plugin"}  # what is broken, and a plugin to be installed


@pytest.fixture(scope="module")
def rooms() -> tuple[Room, ...]:
    return rooms_of_map((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))


def arrows(modules: Mapping[str, str], rooms: tuple[Room, ...]) -> dict[tuple[str, str], list[str]]:
    """From room to room: the imports that go there."""
    found: dict[tuple[str, str], list[str]] = {}
    for importer, imported in imports(modules):
        ends = room_of(importer, rooms), room_of(imported, rooms)
        if ends[0] != ends[1]:
            found.setdefault(ends, []).append(f"{importer} imports {imported}")
    return found


def forbidden(modules: Mapping[str, str], rooms: tuple[Room, ...]) -> list[str]:
    """Every import that no arrow of the map allows."""
    allowed = {(room.name, other) for room in rooms for other in room.imports}
    return sorted(line for ends, lines in arrows(modules, rooms).items() if ends not in allowed for line in lines)


def test_the_map_is_what_a_listing_of_folders_shows(rooms: tuple[Room, ...]) -> None:
    """Each folder with modules has its line, and each line its folder."""
    assert sorted(folders()) == sorted({room.package for room in rooms})


def test_each_room_has_one_line(rooms: tuple[Room, ...]) -> None:
    """No room is told twice, and no module that a line names is missing or in two rooms."""
    names = [room.name for room in rooms]
    named = [f"{room.package}.{module}" for room in rooms for module in room.modules]
    assert sorted(set(names)) == sorted(names)
    assert sorted(set(named)) == sorted(named)
    assert sorted(set(named) - set(sources())) == []


def test_imports_go_along_the_arrows(rooms: tuple[Room, ...]) -> None:
    """An import that the map does not allow is named with both of its modules."""
    assert forbidden(sources(), rooms) == []


def test_no_arrow_is_drawn_for_nothing(rooms: tuple[Room, ...]) -> None:
    """An arrow along which nothing is imported any more leaves the map."""
    used = set(arrows(sources(), rooms))
    assert (
        sorted((room.name, other) for room in rooms for other in room.imports if (room.name, other) not in used) == []
    )


def test_arrows_point_one_way(rooms: tuple[Room, ...]) -> None:
    """No room can be reached from itself (`graphlib` names the circle)."""
    TopologicalSorter({room.name: room.imports for room in rooms}).prepare()


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("preflight.model", "from preflight.gate import run"),
        ("preflight.record.state", "import preflight.alerts.alert"),
        ("evidence.manifest", "def late():\n    from acceptance.stack import ports"),
        ("acceptance.stack.wait", "from acceptance.stack.compose.stack import ComposeStack"),
        ("engine.loop", "from preflight.model import Env"),
    ],
    ids=["up_in_a_package", "across", "package_above_in_a_function", "implementation_from_its_seam", "engine_alone"],
)
def test_an_import_against_the_arrows_is_found(module: str, line: str, rooms: tuple[Room, ...]) -> None:
    """Wherever it is in the file, and however it is written."""
    modules = sources()
    found = forbidden({**modules, module: f"{modules[module]}\n{line}\n"}, rooms)
    assert [each for each in found if each.startswith(f"{module} imports ")] != []


def test_tests_mirror_the_rooms(rooms: tuple[Room, ...]) -> None:
    """A folder of tests is called after the room that it tests."""
    tests = ROOT / "tests"
    mirrored = {
        ".".join(file.relative_to(tests).parent.parts) for top in PACKAGES for file in (tests / top).rglob("*.py")
    }
    assert sorted(mirrored - {room.package for room in rooms} - _TESTS_OF_THEIR_OWN) == []
