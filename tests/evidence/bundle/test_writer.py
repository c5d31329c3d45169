from __future__ import annotations

import json
from pathlib import Path

import pytest

from evidence import errors
from evidence.bundle import Bundle, layout
from evidence.bundle.seal import seal
from evidence.errors import EvidenceError
from tests.conftest import stable_id

SECRET = "s3cret/value"


def test_every_way_in_redacts(opened: Bundle, tmp_path: Path) -> None:
    """Text, JSON, a copied file and an adopted file all lose the secret, in a view of a folder too."""
    opened.know_secret(SECRET)
    source = tmp_path / "source.log"
    source.write_text(f"a {SECRET} b")
    (opened.path / "tool.log").write_text(f"a {SECRET} b")
    opened.add_text("text.txt", f"a {SECRET} b")
    opened.inside("e2e/compose").add_json("deep/document.json", {"a": [SECRET]})
    opened.add_file("copy.log", source)
    opened.adopt("tool.log")
    assert {(opened.path / name).read_text() for name in ("text.txt", "copy.log", "tool.log")} == {"a *** b"}
    assert json.loads((opened.path / "e2e/compose/deep/document.json").read_text()) == {"a": ["***"]}


def test_a_view_shares_the_secrets_that_come_later(opened: Bundle) -> None:
    """A secret that the stack makes known through its view is taken out of the whole bundle."""
    opened.inside("e2e/compose").know_secret(SECRET)
    opened.add_text("a.log", SECRET)
    assert (opened.path / "a.log").read_text() == "***"


@pytest.mark.parametrize(
    "name",
    [
        "../x", "/x", "a/../../x", "a//b", "", ".", "a/./b", "a/../b", "a\\b", "a\0b",
        layout.MANIFEST, layout.STATEMENT, layout.JOURNAL,
    ],
)  # fmt: skip
def test_names_that_leave_the_bundle_or_are_reserved_are_refused(opened: Bundle, name: str) -> None:
    """No file is written outside the folder, and none in place of what sealing writes."""
    before = sorted(opened.path.parent.parent.rglob("*"))
    with pytest.raises(errors.NameRefusedError):
        opened.add_text(name, "x", replace=True)
    assert sorted(opened.path.parent.parent.rglob("*")) == before


def test_a_symlink_does_not_lead_out(opened: Bundle, tmp_path: Path) -> None:
    """A linked folder or file inside the bundle is no way out of it."""
    (opened.path / "out").symlink_to(tmp_path)
    with pytest.raises(errors.NameRefusedError, match="symlink"):
        opened.add_text("out/x", "x")
    (opened.path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(errors.NameRefusedError, match="symlink"):
        opened.adopt("link")


def test_a_name_is_taken_once_unless_replaced(opened: Bundle) -> None:
    """Evidence is not overwritten by accident."""
    opened.add_text("a.txt", "1")
    with pytest.raises(errors.NameRefusedError, match="replace=True"):
        opened.add_text("a.txt", "2")
    opened.add_text("a.txt", "3", replace=True)
    assert (opened.path / "a.txt").read_text() == "3"


def test_a_document_with_a_schema_is_checked_at_the_door(opened: Bundle) -> None:
    """A wrong document does not enter, whichever way it comes; the message names file and place."""
    wrong = {"schema_version": 1, "selected": ["a", 5], "deselected": []}
    name = layout.gate_collection("core")
    with pytest.raises(errors.DocumentError, match=r"core\.collection\.json .*\$\.selected\[1\]"):
        opened.add_json(name, wrong)
    with pytest.raises(errors.DocumentError, match=r"collection\.json"):
        opened.add_text(name, json.dumps(wrong))
    with pytest.raises(errors.DocumentError, match=r"collection\.json is not JSON"):
        opened.add_text(name, "{")
    assert not opened.has(name)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object()], ids=stable_id)
def test_what_json_cannot_hold_is_refused(opened: Bundle, value: object) -> None:
    """NaN and infinity are not JSON, and are not written as if they were."""
    with pytest.raises(errors.DocumentError, match=r"x\.json"):
        opened.add_json("x.json", {"a": value})


def test_an_unreadable_source_is_named(opened: Bundle, tmp_path: Path) -> None:
    """A file that is not there gives one sentence with its name."""
    with pytest.raises(EvidenceError, match=r"gone\.log cannot be read"):
        opened.add_file("a.log", tmp_path / "gone.log")


def test_a_sealed_bundle_takes_nothing_more(opened: Bundle) -> None:
    """Nothing enters after the manifest, and nobody joins."""
    seal(opened.path)
    with pytest.raises(errors.BundleClosedError, match="is sealed"):
        opened.add_text("late.txt", "x")
    with pytest.raises(errors.BundleClosedError, match="is sealed"):
        Bundle.join(opened.path)


def test_what_is_not_a_bundle_is_not_joined(tmp_path: Path) -> None:
    """A gate that is given a wrong path says so, and what to do."""
    with pytest.raises(errors.BundleMissingError, match=r"no run\.json; open one by"):
        Bundle.join(tmp_path)


def test_a_secret_known_too_late_is_found_on_leaving(opened: Bundle) -> None:
    """The scan names the file and not the value; the value goes, and the bundle can no longer be sealed."""
    opened.add_text("early.log", f"a {SECRET} b")
    opened.add_text("clean.log", "x")
    opened.know_secret(SECRET)
    with pytest.raises(errors.SecretFoundError, match=r"early\.log") as caught:
        opened.leave()
    assert SECRET not in str(caught.value)
    assert "clean.log" not in str(caught.value)
    assert (opened.path / "early.log").read_text() == "a *** b"
    with pytest.raises(errors.SecretFoundError, match=r"early\.log"):
        seal(opened.path)
    assert not (opened.path / layout.MANIFEST).exists()


def test_a_secret_in_another_gates_file_is_found_too(opened: Bundle) -> None:
    """Each process knows its own secrets and looks for them in what all have written."""
    opened.add_text("theirs.log", SECRET)
    with pytest.raises(errors.SecretFoundError, match=r"theirs\.log"), Bundle.join(opened.path, secrets=[SECRET]):
        opened.add_text("more.log", "x")
    assert (opened.path / "theirs.log").read_text() == "***"


def test_one_leaves_while_another_writes(opened: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """What another process writes beside a name is renamed under the eyes of the one that looks through the files."""
    beside = opened.path / ".tmp-another"
    beside.write_text("x")
    opened.add_text("mine.log", SECRET)
    read = Path.read_bytes

    def renamed_first(path: Path) -> bytes:
        if path.name == beside.name:
            path.replace(opened.path / "theirs.log")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", renamed_first)
    opened.know_secret(SECRET)
    with pytest.raises(errors.SecretFoundError, match=r"mine\.log"):
        opened.leave()
    assert not beside.exists()


def test_writing_is_atomic(opened: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that fails leaves the old file whole and nothing beside it."""
    opened.add_text("logs/a.txt", "old")

    def fail(*_: object) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(EvidenceError, match=r"a\.txt cannot be written into .*No space left"):
        opened.add_text("logs/a.txt", "new", replace=True)
    assert [(path.name, path.read_text()) for path in (opened.path / "logs").iterdir()] == [("a.txt", "old")]
