from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from acceptance.sabotage.edits import DASHBOARDS, DashboardEdit, Edit, EditError, FileEdit, PanelEdit

TARGETS = [{"refId": "A", "expr": "up == 1"}, {"refId": "B", "expr": "down"}]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "file").write_text("one two two\n", encoding="utf-8")
    folder = tmp_path / DASHBOARDS
    folder.mkdir(parents=True)
    inner = {"title": "Inner", "type": "stat", "targets": TARGETS}
    panels = [{"title": "Outer", "type": "stat", "targets": TARGETS}, {"title": "R", "type": "row", "panels": [inner]}]
    (folder / "board.json").write_text(json.dumps({"uid": "board", "panels": panels}), encoding="utf-8")
    return tmp_path


def board(checkout: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((checkout / DASHBOARDS / "board.json").read_text(encoding="utf-8"))
    return data


def test_a_text_is_replaced(checkout: Path) -> None:
    """As often as it is said to be there."""
    FileEdit(path="file", old="two", new="2", count=2).apply(checkout)

    assert (checkout / "file").read_text(encoding="utf-8") == "one 2 2\n"


def test_a_copy_that_shares_the_file_stays_as_it_is(checkout: Path) -> None:
    """An edit puts a new file in its place."""
    (checkout / "shared").hardlink_to(checkout / "file")

    FileEdit(path="file", old="one", new="1").apply(checkout)

    assert (checkout / "shared").read_text(encoding="utf-8") == "one two two\n"


def test_a_file_is_made_and_deleted(checkout: Path) -> None:
    """A new one in a folder of its own; one that was there is gone."""
    FileEdit(path="new/file", create="x").apply(checkout)
    FileEdit(path="file", delete=True).apply(checkout)

    assert (checkout / "new" / "file").read_text(encoding="utf-8") == "x"
    assert not (checkout / "file").exists()


def test_panels_and_targets_are_changed_wherever_they_are(checkout: Path) -> None:
    """Also those of a collapsed row."""
    PanelEdit(dashboard="board", title="Inner", set={"type": "gauge"}).apply(checkout)
    PanelEdit(dashboard="board", title="Inner", target="A", old="up", new="vector(1)").apply(checkout)
    PanelEdit(dashboard="board", title="Inner", target="B", remove=True).apply(checkout)
    PanelEdit(dashboard="board", title="Outer", remove=True).apply(checkout)

    (row,) = board(checkout)["panels"]
    (inner,) = row["panels"]
    assert inner == {"title": "Inner", "type": "gauge", "targets": [{"refId": "A", "expr": "vector(1) == 1"}]}


def test_a_dashboard_is_changed_as_a_whole(checkout: Path) -> None:
    """A key of it, or the wrapper around it."""
    DashboardEdit(uid="board", set={"uid": "other"}).apply(checkout)
    DashboardEdit(uid="board", wrap=True).apply(checkout)

    assert board(checkout)["dashboard"]["uid"] == "other"


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (FileEdit(path="file", old="two", new="2"), "holds 2 times, and not 1 times, 'two'"),
        (FileEdit(path="file", old="three", new="3"), "holds 0 times"),
        (FileEdit(path="gone", old="x"), "gone is not there any more"),
        (FileEdit(path="gone", delete=True), "gone is not there any more"),
        (FileEdit(path="file", create="x"), "file is there already"),
        (PanelEdit(dashboard="gone", title="Outer"), "dashboard gone cannot be read: FileNotFoundError"),
        (PanelEdit(dashboard="board", title="Gone"), "has no panel 'Gone' any more"),
        (PanelEdit(dashboard="board", title="Outer", target="C"), "has no target C any more"),
        (PanelEdit(dashboard="board", title="Outer", target="A", old="down"), "does not hold 'down' any more"),
        (PanelEdit(dashboard="board", title="Outer", set={"type": "stat"}), "already as the edit would make it"),
        (DashboardEdit(uid="board", set={"uid": "board"}), "already as the edit would make it"),
    ],
    ids=str,
)
def test_an_edit_that_finds_nothing_to_change_says_so(edit: Edit, words: str, checkout: Path) -> None:
    """The code has moved on, and the sabotage must follow: it breaks nothing any more."""
    with pytest.raises(EditError, match=words.replace("(", r"\(")):
        edit.apply(checkout)
