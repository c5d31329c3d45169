from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from evidence import errors, git, manifest
from evidence.bundle import Bundle, layout, open_run
from evidence.bundle.run import started
from evidence.errors import EvidenceError
from tests.evidence.genuine import SHA, START

UNKNOWN = git.Facts(commit=git.Commit(sha="unknown", dirty=True))


def test_the_folder_is_named_by_time_and_commit(opened: Bundle) -> None:
    """The name gives the start in UTC and the commit's first seven digits, and run.json says the same."""
    assert opened.path.name == "20260102T030405Z-0123456"
    said = started(opened.path)
    assert (said["bundle"], said["started_at"]) == (opened.name, "2026-01-02T03:04:05.250Z")
    assert (said["git"]["commit"], said["git"]["branch"], said["git"]["pushed"]) == (SHA, "main", True)


def test_two_bundles_of_one_second_do_not_share_a_folder(opened: Bundle) -> None:
    """A second run in the same second gets a folder of its own."""
    root = opened.path.parent
    paths = [open_run(root, project=root, clock=lambda: START, facts=UNKNOWN) for _ in range(2)]
    assert [path.name for path in paths] == ["20260102T030405Z-unknown", "20260102T030405Z-unknown-2"]


def test_latest_points_to_the_newest_bundle_from_its_first_moment(opened: Bundle) -> None:
    """A run that dies leaves `latest` on its own incomplete bundle, not on an older one that passed."""
    root = opened.path.parent
    newer = open_run(root, project=root, clock=lambda: START + 60, facts=UNKNOWN)
    assert (root / "latest").readlink() == Path(newer.name)
    with pytest.raises(errors.BundleIncompleteError, match="INCOMPLETE"):
        manifest.read(root / "latest")
    assert {path.name for path in root.iterdir()} == {"latest", opened.name, newer.name}


def test_a_folder_named_latest_is_an_error_that_names_it(tmp_path: Path) -> None:
    """What cannot be replaced by a symlink is named."""
    (tmp_path / "latest" / "x").mkdir(parents=True)
    with pytest.raises(EvidenceError, match="latest cannot be pointed to"):
        open_run(tmp_path, project=tmp_path, facts=UNKNOWN)


def test_a_root_that_is_a_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    """A place where no folder can be made is named, with a way on."""
    (tmp_path / "file").write_text("")
    with pytest.raises(EvidenceError, match=r"file: .*--evidence-dir"):
        open_run(tmp_path / "file", project=tmp_path, facts=UNKNOWN)


def test_processes_write_side_by_side(opened: Bundle) -> None:
    """Gates that run at the same time lose none of each other's entries."""
    program = (
        "import sys; from pathlib import Path; from evidence.bundle import Bundle\n"
        "bundle = Bundle.join(Path(sys.argv[1]))\n"
        "for number in range(40): bundle.add_text(f'{sys.argv[2]}/{number}.log', 'x')\n"
    )
    here = Path(__file__).parents[3]
    writers = [
        subprocess.Popen([sys.executable, "-c", program, str(opened.path), name], cwd=here) for name in ("a", "b", "c")
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    lines = [json.loads(line) for line in (opened.path / layout.JOURNAL).read_text().splitlines()]
    assert len(lines) == 2 + 3 * 40
