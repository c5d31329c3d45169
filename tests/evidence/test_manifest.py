from __future__ import annotations

from pathlib import Path

import pytest

from evidence import errors, manifest


def test_a_bundle_without_manifest_is_incomplete(tmp_path: Path) -> None:
    """A run that died left no manifest, and that is what is said."""
    with pytest.raises(errors.BundleIncompleteError, match=r"INCOMPLETE: it has no manifest\.json"):
        manifest.read(tmp_path)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", "\xff", '{"schema_version": 1}'])
def test_a_manifest_that_is_none_is_not_read(tmp_path: Path, content: str) -> None:
    """Half a manifest, one of an older program, or something else under its name, is not believed."""
    (tmp_path / "manifest.json").write_text(content, encoding="latin-1")
    with pytest.raises(errors.DocumentError, match=r"manifest\.json"):
        manifest.read(tmp_path)


def test_a_link_or_folder_is_not_a_manifest(tmp_path: Path, sealed: Path) -> None:
    """What leads elsewhere is not read, even if a good manifest is there."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a/manifest.json").symlink_to(sealed / "manifest.json")
    (tmp_path / "b/manifest.json").mkdir(parents=True)
    for folder in ("a", "b"):
        with pytest.raises(errors.DocumentError, match="not a regular file"):
            manifest.read(tmp_path / folder)


def test_no_folder_is_said_with_a_way_on(tmp_path: Path) -> None:
    """A bundle that is not there is told apart from one that is incomplete."""
    with pytest.raises(errors.BundleMissingError, match="make acceptance"):
        manifest.read(tmp_path / "gone")


def test_times_are_utc(sealed: Path) -> None:
    """Start and end are written in UTC to the millisecond, and differ by the duration."""
    document = manifest.read(sealed)
    assert (document["start"], document["end"]) == ("2026-01-02T03:04:05.250Z", "2026-01-02T03:12:25.250Z")
    assert document["duration_seconds"] == 500.0
