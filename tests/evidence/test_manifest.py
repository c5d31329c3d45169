from __future__ import annotations

import json
from pathlib import Path

import pytest

from evidence import errors, manifest


def test_a_bundle_without_manifest_is_incomplete(tmp_path: Path) -> None:
    """A run that died left no manifest, and that is what is said."""
    with pytest.raises(errors.BundleIncompleteError, match=r"INCOMPLETE: it has no manifest\.json"):
        manifest.read(tmp_path)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", "\xff"])
def test_a_manifest_that_is_none_is_incomplete(tmp_path: Path, content: str) -> None:
    """Half a manifest, or something else under its name, is not believed."""
    (tmp_path / "manifest.json").write_text(content, encoding="latin-1")
    with pytest.raises(errors.BundleIncompleteError, match="INCOMPLETE"):
        manifest.read(tmp_path)


def test_no_folder_is_said_with_a_way_on(tmp_path: Path) -> None:
    """A bundle that is not there is told apart from one that is incomplete."""
    with pytest.raises(errors.BundleMissingError, match="make acceptance"):
        manifest.read(tmp_path / "gone")


@pytest.mark.parametrize(
    ("gates", "complete", "reason"),
    [
        (("fast", "core", "e2e"), True, None),
        (("e2e",), False, "only e2e ran into this bundle; missing: fast, core"),
        ((), False, "only no gate ran into this bundle; missing: fast, core, e2e"),
    ],
)
def test_a_bundle_of_one_gate_says_so(gates: tuple[str, ...], complete: bool, reason: str | None) -> None:
    """Only all gates together make a bundle complete; what is missing is named."""
    assert manifest.completeness(gates) == (complete, reason)


def test_times_are_utc(sealed: Path) -> None:
    """Start and end are written in UTC to the millisecond."""
    document = manifest.read(sealed)
    assert document["start"] == document["end"] == "2026-01-02T03:04:05.250Z"


def test_a_manifest_says_what_the_run_was(sealed: Path) -> None:
    """Gates, stack, versions, Python and result stand in it, and follow from the counts."""
    document = json.loads((sealed / "manifest.json").read_text())
    assert (document["gates"], document["stack"], document["result"]) == (["e2e"], "embedded", "PASSED")
    assert document["versions"]["redis"] == {"version": "7.0.15", "source": "path"}
    assert manifest.result_of(document) == ("PASSED", ())


def test_a_link_to_a_folder_counts_as_a_file(tmp_path: Path) -> None:
    """Nothing behind a link is taken for part of the bundle, and the link itself is seen."""
    (tmp_path / "bundle" / "logs").mkdir(parents=True)
    (tmp_path / "bundle" / "logs" / "b.log").write_text("")
    (tmp_path / "bundle" / "out").symlink_to(tmp_path)
    assert list(manifest.files(tmp_path / "bundle")) == ["logs/b.log", "out"]
