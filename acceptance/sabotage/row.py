"""What a sabotage is, and how its file is read."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from acceptance.sabotage.edits import DashboardEdit, Edit, EditError, FileEdit, PanelEdit

STACK = "the stack"
"""In the place of a test's id: the stack does not even start, and says so in these words."""

ROWS = Path(__file__).with_name("rows")


class RowError(Exception):
    """A sabotage's file cannot be used; the text names the file and what is wrong with it."""


class Place(StrEnum):
    """What the named tests of a sabotage run on."""

    SHARED = "shared"  # an embedded stack that runs already
    OWN = "own"  # an embedded stack that the broken copy starts itself: what is broken is how a server is started
    FILES = "files"  # no server: the tests read the files of the copy, or start what they need


@dataclass(frozen=True, slots=True, kw_only=True)
class Sabotage:
    """One way to break the system."""

    name: str  # of its file, without `.toml`
    hop: str  # of the folder that its file is in
    breaks: str  # what happened, as an operator would tell it
    place: Place
    together: str = ""  # sabotages of the same place and word share one copy and one run; "": alone
    edits: tuple[Edit, ...] = ()
    textfiles: Mapping[str, str] = field(default_factory=dict)  # name -> content, put where node_exporter reads
    caught: Mapping[str, tuple[str, ...]]  # id of a test (or `STACK`) that must fail -> words of its failure

    @property
    def path(self) -> str:
        """Where its file is, below `rows` and without `.toml`: what it is called."""
        return f"{self.hop}/{self.name}"

    def apply(self, checkout: Path) -> None:
        """Break a copy of the checkout.

        Raises:
            EditError: There is nothing to break where an edit looks: the code has moved on, and it must follow.
        """
        for edit in self.edits:
            edit.apply(checkout)


def read_rows(folder: Path = ROWS) -> tuple[Sabotage, ...]:
    """Read every sabotage of a folder, sorted by hop and name.

    Raises:
        RowError: A file cannot be used.
    """
    return tuple(read_row(path) for path in sorted(folder.glob("*/*.toml")))


def read_row(path: Path) -> Sabotage:
    """Read one sabotage.

    Raises:
        RowError: It is no TOML, or a key is missing, unknown or of another form.
    """
    try:
        return _row(path, tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, EditError, TypeError, ValueError, KeyError) as error:
        what = f"the key {error} is missing" if isinstance(error, KeyError) else str(error)
        raise RowError(f"{path.parent.name}/{path.name}: {what}") from error


def _row(path: Path, data: dict[str, Any]) -> Sabotage:
    breaks, caught = data.pop("breaks"), data.pop("caught")
    place, together = Place(data.pop("place", Place.SHARED)), data.pop("together", "")
    textfiles = data.pop("textfiles", {})
    edits: tuple[Edit, ...] = (
        *(FileEdit(**each) for each in data.pop("file", ())),
        *(PanelEdit(**each) for each in data.pop("panel", ())),
        *(DashboardEdit(**each) for each in data.pop("dashboard", ())),
    )
    if data:
        raise ValueError(f"unknown key {', '.join(sorted(data))}")
    if not edits and not textfiles:
        raise ValueError("it breaks nothing: give [[file]], [[panel]], [[dashboard]] or [textfiles]")
    if textfiles and (place is not Place.SHARED):
        raise ValueError("[textfiles] are put on the shared stack only")
    if not caught or not all(isinstance(words, list) and words for words in caught.values()):
        raise ValueError("[caught] has to name a test, and for each a list of words that its failure must contain")
    return Sabotage(
        name=path.stem,
        hop=path.parent.name,
        breaks=breaks,
        place=place,
        together=together,
        edits=edits,
        textfiles=textfiles,
        caught={test: tuple(words) for test, words in caught.items()},
    )
