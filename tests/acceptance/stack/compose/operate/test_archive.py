from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from acceptance.stack.compose.operate import archive
from acceptance.stack.compose.operate.archive import ArchiveError, Manifest

KNOWN = ("postgres-data", "redis-data")
FILES = {"redis-data/kept": b"value", "postgres-data/PG_VERSION": b"17\n"}


def _tar(path: Path, files: Mapping[str, bytes], *more: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for each in more:
            tar.addfile(each)
    return path


def _sealed(path: Path, files: Mapping[str, bytes], *, volumes: Sequence[str] = KNOWN) -> Path:
    _tar(path, files)
    with path.open("rb") as file:
        entries = archive.entries_of(file)
    made = Manifest(
        made_at="2026-11-26T00:00:00Z",
        project="arbitrage",
        postgres=archive.postgres_version(path),
        volumes=tuple(volumes),
        entries=entries,
    )
    archive.seal(path, made)
    return path


def test_what_was_sealed_is_read_back(tmp_path: Path) -> None:
    """Volumes, Postgres' version, and every entry with mode, owner, size and digest."""
    manifest = archive.verify(_sealed(tmp_path / "a.tar", FILES), KNOWN)
    assert (manifest.volumes, manifest.postgres, {*manifest.entries}) == (KNOWN, "17", {*FILES})
    assert manifest.entries["redis-data/kept"].startswith("file 0644 0:0 5 cd42404d52ad55cc")


@pytest.mark.parametrize("size", [0, 100, 512, 700, 1024, 1536, 2048, 3000])
def test_a_file_that_was_cut_off_anywhere_is_refused(tmp_path: Path, size: int) -> None:
    """Also where an entry ends, which alone looks like a whole tar."""
    path = _sealed(tmp_path / "a.tar", FILES)
    with path.open("r+b") as file:
        file.truncate(size)
    with pytest.raises(ArchiveError):
        archive.verify(path, KNOWN)


def _member(name: str, kind: bytes) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type = kind
    return member


@pytest.mark.parametrize(
    ("member", "said"),
    [
        (_member("/etc/cron.d/x", tarfile.REGTYPE), "outside every volume"),
        (_member("redis-data/../../x", tarfile.REGTYPE), "outside every volume"),
        (_member("redis-data/disk", tarfile.BLKTYPE), "neither file, folder nor link"),
        (_member("redis-data/pipe", tarfile.FIFOTYPE), "neither file, folder nor link"),
    ],
    ids=["absolute", "climbing", "device", "pipe"],
)
def test_an_entry_that_no_volume_holds_is_refused(tmp_path: Path, member: tarfile.TarInfo, said: str) -> None:
    """Such a tar is not unpacked as root."""
    path = _tar(tmp_path / "a.tar", FILES, member)
    with pytest.raises(ArchiveError, match=said):
        archive.verify(path, KNOWN)


@pytest.mark.parametrize(
    ("files", "volumes", "said"),
    [
        ({**FILES, "elsewhere/x": b""}, KNOWN, "it holds elsewhere"),
        (FILES, (*KNOWN, "grafana-data"), "it holds grafana-data"),
        ({}, (), "it holds nothing"),
    ],
    ids=["undeclared", "unknown", "empty"],
)
def test_other_volumes_than_can_be_restored_are_refused(
    tmp_path: Path, files: Mapping[str, bytes], volumes: Sequence[str], said: str
) -> None:
    """The manifest and the content name the same volumes, all of them known."""
    path = _sealed(tmp_path / "a.tar", files, volumes=volumes)
    with pytest.raises(ArchiveError, match=said):
        archive.verify(path, KNOWN)


def test_an_entry_beside_the_manifest_s_is_refused(tmp_path: Path) -> None:
    """Something added afterwards is as wrong as something missing."""
    path = _sealed(tmp_path / "a.tar", FILES)
    with tarfile.open(path, "a") as tar:
        tar.addfile(tarfile.TarInfo("redis-data/added"))
    with pytest.raises(ArchiveError, match="'redis-data/added' in it is not what its manifest says"):
        archive.verify(path, KNOWN)
