from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from evidence import errors
from evidence.bundle import snapshot
from evidence.bundle.snapshot import Snapshot, read_folder


def test_links_and_pipes_are_named_and_not_opened(tmp_path: Path) -> None:
    """A pipe would hang, a link leads outside: neither is read."""
    folder = tmp_path / "bundle"
    (folder / "logs").mkdir(parents=True)
    (folder / "logs/a.log").write_text("a")
    (tmp_path / "secret").write_text("s")
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "folder").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe")
    found = read_folder(folder)
    assert (found.name, dict(found.files)) == ("bundle", {"logs/a.log": b"a"})
    assert found.odd == {"link": "a link", "folder": "a link", "pipe": "a pipe"}


@pytest.mark.parametrize(
    ("limit", "value", "sentence"),
    [
        ("MAX_FILES", 2, "more than 2 files"),
        ("MAX_BYTES", 5, "larger than a bundle may be"),
        ("MAX_DEPTH", 1, "deeper"),
    ],
)
def test_what_is_larger_than_a_bundle_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int, sentence: str
) -> None:
    """Nobody fills the memory of the machine that verifies."""
    for name in ("a", "b/c", "b/d/e"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1234")
    monkeypatch.setattr(snapshot, limit, value)
    with pytest.raises(errors.BundleRefusedError, match=sentence):
        read_folder(tmp_path)


def test_a_packed_file_is_found_under_its_own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """`.gz` is unpacked, within bounds; what is damaged is an error and not an empty file."""
    files = {
        "a.log.gz": gzip.compress(b"a"),
        "p.json.gz": gzip.compress(b"[1]"),
        "bad.gz": b"x",
        "cut.gz": gzip.compress(b"abc")[:-6],
    }
    found = Snapshot(name="b", files=files)
    assert [found.content(name) for name in ("a.log", "p.json", "none")] == [b"a", b"[1]", None]
    assert found.json("p.json") == [1]
    assert {"a.log", "p.json"} < found.names()
    for name in ("bad", "cut"):
        with pytest.raises(errors.DocumentError, match=f"{name}.gz cannot be unpacked"):
            found.content(name)
    monkeypatch.setattr(snapshot, "MAX_FILE_BYTES", 10)
    bomb = Snapshot(name="b", files={"a.gz": gzip.compress(b"\0" * 1000)})
    with pytest.raises(errors.DocumentError, match="unpacks to more"):
        bomb.content("a")


def test_nan_is_not_json() -> None:
    """A number that is none does not enter a comparison, where it would differ from itself."""
    with pytest.raises(errors.DocumentError, match="NaN is not a number"):
        Snapshot(name="b", files={"a.json": b'{"a": NaN}'}).json("a.json")
    with pytest.raises(errors.DocumentError, match="is not JSON"):
        Snapshot(name="b", files={"a.json": b"[" * 100_000}).json("a.json")
