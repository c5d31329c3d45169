from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from evidence import Bundle, Counts, EvidenceError, errors, manifest
from tests.conftest import stable_id

SECRET = "s3cret/value"
RUN = manifest.Run(
    counts=Counts(collected=2, run=2, passed=2),
    gates=("e2e",),
    command=("pytest", "acceptance", "--token", SECRET),
    exit_status=0,
)


def test_the_folder_is_named_by_time_and_commit(opened: Bundle) -> None:
    """The name gives the start in UTC and the commit's first seven digits."""
    assert opened.path.name == "20260102T030405Z-0123456"


def test_two_bundles_of_one_second_do_not_share_a_folder(opened: Bundle) -> None:
    """A second run in the same second gets a folder of its own."""
    root = opened.path.parent
    second = Bundle.create(root, commit="unknown", dirty=True, clock=lambda: opened.start)
    third = Bundle.create(root, commit="unknown", dirty=True, clock=lambda: opened.start)
    assert [second.name, third.name] == ["20260102T030405Z-unknown", "20260102T030405Z-unknown-2"]


def test_latest_points_to_the_newest_bundle_from_its_first_moment(opened: Bundle) -> None:
    """A run that dies leaves `latest` on its own incomplete bundle, not on an older one that passed."""
    root = opened.path.parent
    opened.close(RUN)
    assert (root / "latest").readlink() == Path(opened.name)
    newer = Bundle.create(root, commit="unknown", dirty=True, clock=lambda: opened.start + 60)
    assert (root / "latest").readlink() == Path(newer.name)
    with pytest.raises(errors.BundleIncompleteError, match="INCOMPLETE"):
        manifest.read(root / "latest")
    assert {path.name for path in root.iterdir()} == {"latest", opened.name, newer.name}


def test_a_folder_named_latest_is_an_error_that_names_it(tmp_path: Path) -> None:
    """What cannot be replaced by a symlink is named."""
    (tmp_path / "latest" / "x").mkdir(parents=True)
    with pytest.raises(EvidenceError, match="latest cannot be pointed to"):
        Bundle.create(tmp_path, commit="unknown", dirty=True)


def test_a_root_that_is_a_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    """A place where no folder can be made is named, with a way on."""
    (tmp_path / "file").write_text("")
    with pytest.raises(EvidenceError, match=r"file: .*--evidence-dir"):
        Bundle.create(tmp_path / "file", commit="unknown", dirty=True)


def test_every_way_in_redacts(opened: Bundle, tmp_path: Path) -> None:
    """Text, JSON, a copied file and an adopted file all lose the secret."""
    opened.know_secret(SECRET)
    source = tmp_path / "source.log"
    source.write_text(f"a {SECRET} b")
    (opened.path / "tool.log").write_text(f"a {SECRET} b")
    opened.add_text("text.txt", f"a {SECRET} b")
    opened.add_json("deep/document.json", {"a": [SECRET]})
    opened.add_file("copy.log", source)
    opened.adopt("tool.log")
    assert {(opened.path / name).read_text() for name in ("text.txt", "copy.log", "tool.log")} == {"a *** b"}
    assert json.loads((opened.path / "deep/document.json").read_text()) == {"a": ["***"]}


@pytest.mark.parametrize(
    "name", ["../x", "/x", "a/../../x", "a//b", "", ".", "a/./b", "a/../b", "a\\b", "a\0b", "manifest.json"]
)
def test_names_that_leave_the_bundle_or_are_reserved_are_refused(opened: Bundle, name: str) -> None:
    """No file is written outside the folder, and none in place of the manifest."""
    before = sorted(opened.path.parent.parent.rglob("*"))
    with pytest.raises(errors.NameRefusedError):
        opened.add_text(name, "x")
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
    with pytest.raises(errors.DocumentError, match=r"collection\.json .*\$\.selected\[1\]"):
        opened.add_json("collection.json", wrong)
    with pytest.raises(errors.DocumentError, match=r"collection\.json"):
        opened.add_text("collection.json", json.dumps(wrong))
    with pytest.raises(errors.DocumentError, match=r"collection\.json is no JSON"):
        opened.add_text("collection.json", "{")
    assert list(opened.path.iterdir()) == []


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object()], ids=stable_id)
def test_what_json_cannot_hold_is_refused(opened: Bundle, value: object) -> None:
    """NaN and infinity are no JSON, and are not written as if they were."""
    with pytest.raises(errors.DocumentError, match=r"x\.json"):
        opened.add_json("x.json", {"a": value})


def test_an_unreadable_source_is_named(opened: Bundle, tmp_path: Path) -> None:
    """A file that is not there gives one sentence with its name."""
    with pytest.raises(EvidenceError, match=r"gone\.log cannot be read"):
        opened.add_file("a.log", tmp_path / "gone.log")


def test_closing_lists_every_file_with_checksum_and_size(opened: Bundle) -> None:
    """The manifest lists what lies there, and itself is redacted too."""
    opened.know_secret(SECRET)
    opened.add_text("logs/redis.log", "ready\n")
    document = opened.close(RUN)
    digest = hashlib.sha256(b"ready\n").hexdigest()
    assert document["files"] == {"logs/redis.log": {"sha256": digest, "size": 6}}
    assert document["command"] == ["pytest", "acceptance", "--token", "***"]
    assert document == json.loads((opened.path / "manifest.json").read_text())
    assert SECRET not in (opened.path / "manifest.json").read_text()
    assert (document["result"], document["complete"]) == ("PASSED", False)
    assert document["git"] == {"commit": opened.commit.sha, "short": "0123456", "dirty": False}


def test_a_closed_bundle_takes_nothing_more(opened: Bundle) -> None:
    """Nothing is added after the manifest, and it is not written twice."""
    opened.close(RUN)
    with pytest.raises(errors.BundleClosedError):
        opened.add_text("late.txt", "x")
    with pytest.raises(errors.BundleClosedError):
        opened.close(RUN)


def test_a_secret_known_too_late_is_found_before_closing(opened: Bundle) -> None:
    """The scan names the file and not the value; the value goes, and no manifest is written."""
    opened.add_text("early.log", f"a {SECRET} b")
    opened.add_text("clean.log", "x")
    opened.know_secret(SECRET)
    with pytest.raises(errors.SecretFoundError, match=r"early\.log") as caught:
        opened.close(RUN)
    assert SECRET not in str(caught.value)
    assert "clean.log" not in str(caught.value)
    assert (opened.path / "early.log").read_text() == "a *** b"
    assert not (opened.path / "manifest.json").exists()


def test_a_file_that_came_past_the_door_is_an_error(opened: Bundle) -> None:
    """What was not redacted at the door is not sealed."""
    (opened.path / "stray.log").write_text("x")
    with pytest.raises(errors.StrayFileError, match=r"stray\.log"):
        opened.close(RUN)


def test_writing_is_atomic(opened: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that fails leaves the old file whole and nothing beside it."""
    opened.add_text("a.txt", "old")

    def fail(*_: object) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(EvidenceError, match=r"a\.txt cannot be written into .*No space left"):
        opened.add_text("a.txt", "new", replace=True)
    assert [(path.name, path.read_text()) for path in opened.path.iterdir()] == [("a.txt", "old")]
