from __future__ import annotations

from pathlib import Path

import pytest

from evidence import errors
from evidence.cli import main
from evidence.compare.shelf import entries, prune
from tests.evidence.genuine import START, Genuine

DAY = 86_400.0


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """Three bundles: sealed, never sealed, sealed; and what is none."""
    root = tmp_path / "artifacts"
    Genuine(start=START, gates=("fast",)).seal(root)
    Genuine(start=START + DAY, gates=("fast",)).write(root)
    Genuine(start=START + 2 * DAY, gates=("fast",)).seal(root)
    (root / "notes").mkdir()
    (root / "20260101T000000Z-linked").symlink_to(root / "notes")
    return root


def names(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir())


def test_bundles_are_listed_the_oldest_first(shelf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Result, signature, size, which gates; other folders and links are passed over."""
    assert main(["list", "--dir", str(shelf)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:3] for line in lines] == [
        ["20260102T030405Z-0123456", "PARTIAL", "UNSIGNED"],
        ["20260103T030405Z-0123456", "INCOMPLETE", "UNSIGNED"],
        ["20260104T030405Z-0123456", "PARTIAL", "UNSIGNED"],
    ]
    assert lines[0].endswith("MB  fast only")


def test_a_manifest_that_is_none_is_said(shelf: Path) -> None:
    """It does not keep the others from being listed."""
    (shelf / "20260102T030405Z-0123456" / "manifest.json").write_text("{")
    assert entries(shelf)[0].result == "UNREADABLE"


def test_the_newest_stay(shelf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And whatever is no bundle."""
    assert main(["prune", "--dir", str(shelf), "--keep", "2"]) == 0
    assert capsys.readouterr().out == "deleted 20260102T030405Z-0123456\n"
    kept = ["20260103T030405Z-0123456", "20260104T030405Z-0123456"]
    assert names(shelf) == sorted(["20260101T000000Z-linked", *kept, "latest", "notes"])


def test_a_bundle_that_may_still_be_written_to_stays(shelf: Path) -> None:
    """It was never sealed, and is younger than a day; an older one is what a crash has left."""
    running = shelf / "20260103T030405Z-0123456"
    now = running.stat().st_mtime
    assert [path.name for path in prune(shelf, keep=1, clock=lambda: now + 60)] == ["20260102T030405Z-0123456"]
    assert [path.name for path in prune(shelf, keep=1, clock=lambda: now + 2 * DAY)] == [running.name]


def test_latest_stays(shelf: Path) -> None:
    """Whatever its age: `evidence show` without a name shows it."""
    (shelf / "latest").unlink()
    (shelf / "latest").symlink_to("20260102T030405Z-0123456")
    assert prune(shelf, keep=1, clock=lambda: shelf.stat().st_mtime + 2 * DAY) == (shelf / "20260103T030405Z-0123456",)
    assert (shelf / "20260102T030405Z-0123456").is_dir()


def test_fewer_than_may_stay_all_stay(shelf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Twenty by default."""
    before = names(shelf)
    assert main(["prune", "--dir", str(shelf)]) == 0
    assert (capsys.readouterr().out, names(shelf)) == ("nothing to delete\n", before)


@pytest.mark.parametrize("keep", ["0", "-1", "all", "1.5"])
def test_at_least_one_stays(keep: str, shelf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Bad usage deletes nothing."""
    before = names(shelf)
    assert main(["prune", "--dir", str(shelf), f"--keep={keep}"]) == 2
    assert "is not a number of bundles" in capsys.readouterr().err
    assert names(shelf) == before


def test_no_folder_is_bad_usage(tmp_path: Path) -> None:
    """With what to do."""
    assert main(["list", "--dir", str(tmp_path / "gone")]) == 2
    with pytest.raises(errors.BundleMissingError, match="make acceptance"):
        entries(tmp_path / "gone")
