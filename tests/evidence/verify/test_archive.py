from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import shutil
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner

from evidence import errors
from evidence.bundle import snapshot
from evidence.bundle.snapshot import read_folder
from evidence.verify import archive, read_bundle, verify
from tests.evidence.genuine import START


@pytest.mark.parametrize("kind", ["zip", "tar", "gztar", "bztar", "xztar"])
def test_an_archive_is_as_good_as_the_folder(kind: str, sealed: Path, signer: CryptoSigner, tmp_path: Path) -> None:
    """Each format that people send around verifies, and nothing is unpacked onto the disk."""
    file = Path(shutil.make_archive(str(tmp_path / "sent"), kind, sealed.parent, sealed.name))
    before = sorted(tmp_path.rglob("*"))
    report = verify(file, key=signer.public_key, clock=lambda: START + 1000)
    assert (report.violations, report.exit_code) == ((), 0)
    assert report.snapshot is not None
    assert report.snapshot == read_folder(sealed)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_zip_made_on_windows_is_one(sealed: Path, signer: CryptoSigner, tmp_path: Path) -> None:
    """There the upper bits are no mode."""
    file = tmp_path / "sent.zip"
    with zipfile.ZipFile(file, "w") as made:
        for path in sorted(path for path in sealed.rglob("*") if path.is_file()):
            member = zipfile.ZipInfo(path.relative_to(sealed.parent).as_posix())
            member.create_system, member.external_attr = 0, 0o120777 << 16
            made.writestr(member, path.read_bytes())
    assert verify(file, key=signer.public_key, clock=lambda: START + 1000).violations == ()


def in_tar(*members: tuple[str, bytes | str, bytes]) -> bytes:
    """Make a tar file of (name, content or link target, type)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as file:
        for name, content, kind in members:
            member = tarfile.TarInfo(name)
            member.type = kind
            data = content if isinstance(content, bytes) else b""
            member.linkname = content if isinstance(content, str) else ""
            member.size = len(data)
            file.addfile(member, io.BytesIO(data))
    return out.getvalue()


def in_zip(*members: tuple[str, bytes, int]) -> bytes:
    """Make a zip file of (name, content, Unix mode)."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content, mode in members:
            member = zipfile.ZipInfo(name)
            member.create_system = 3
            member.external_attr = mode << 16
            file.writestr(member, content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


FILE = tarfile.REGTYPE
HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "tar: out of the folder": (lambda: in_tar(("b/../../x", b"x", FILE)), "'b/../../x' is not a path inside a bundle"),
    "tar: absolute": (lambda: in_tar(("/etc/x", b"x", FILE)), "is not a path inside a bundle"),
    "tar: a folder outside": (lambda: in_tar(("../x", b"", tarfile.DIRTYPE)), "is not a path inside a bundle"),
    "tar: a link": (lambda: in_tar(("b/a", "/etc/passwd", tarfile.SYMTYPE)), "b/a is a link, a device or a pipe"),
    "tar: a hard link": (lambda: in_tar(("b/a", "b/b", tarfile.LNKTYPE)), "b/a is a link, a device or a pipe"),
    "tar: a pipe": (lambda: in_tar(("b/a", b"", tarfile.FIFOTYPE)), "b/a is a link, a device or a pipe"),
    "tar: a device": (lambda: in_tar(("b/a", b"", tarfile.CHRTYPE)), "b/a is a link, a device or a pipe"),
    "tar: a name twice": (lambda: in_tar(("b/a", b"1", FILE), ("b/a", b"2", FILE)), "b/a is in the archive twice"),
    "tar: two folders": (lambda: in_tar(("a/x", b"", FILE), ("b/x", b"", FILE)), "holds more than one folder"),
    "tar: no folder": (lambda: in_tar(("manifest.json", b"{}", FILE)), "lies beside the bundle's folder"),
    "tar: empty": (in_tar, "holds no file"),
    "zip: out of the folder": (lambda: in_zip(("b/../x", b"x", 0o100644)), "is not a path inside a bundle"),
    "zip: a drive": (lambda: in_zip(("C:/x", b"x", 0o100644)), "is not a path inside a bundle"),
    "zip: backslashes": (lambda: in_zip(("b\\..\\x", b"x", 0o100644)), "is not a path inside a bundle"),
    "zip: a link": (lambda: in_zip(("b/a", b"/etc/passwd", 0o120777)), "b/a is a link or a device"),
    "zip: a name twice": (
        lambda: in_zip(("b/a", b"1", 0o100644), ("b/a", b"2", 0o100644)),
        "b/a is in the archive twice",
    ),
    "zip: cut off": (lambda: in_zip(("b/a", b"1" * 99, 0o100644))[:-9], "not a folder, tar or zip file"),
    "neither": (lambda: b"hello", "not a folder, tar or zip file"),
    "nothing": (lambda: b"", "not a folder, tar or zip file"),
    "gzip of nothing": (lambda: b"\x1f\x8b\x08\x00", "not a folder, tar or zip file"),
}


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")  # of zipfile, while the hostile file is made
@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_archive_is_refused(what: str, tmp_path: Path) -> None:
    """One sentence, the code for invalid, and no file outside."""
    make, sentence = HOSTILE[what]
    file = tmp_path / "sent"
    file.write_bytes(make())
    with pytest.raises(errors.BundleRefusedError) as caught:
        read_bundle(file)
    assert sentence in str(caught.value)
    report = verify(file)
    assert (report.exit_code, len(report.violations)) == (1, 1)
    assert list(tmp_path.iterdir()) == [file]


def test_a_lying_zip_directory_is_not_believed(tmp_path: Path) -> None:
    """A member that says it is small and is not, is refused by what comes out of it."""
    data = in_zip(("b/a", b"\0" * 1_000_000, 0o100644))
    size = struct.pack("<I", 1_000_000)
    assert data.count(size) == 2
    (tmp_path / "sent.zip").write_bytes(data.replace(size, struct.pack("<I", 10)))
    with pytest.raises(errors.BundleRefusedError):
        read_bundle(tmp_path / "sent.zip")


@pytest.mark.parametrize("kind", ["zip", "gztar", "bztar", "xztar", "tar"])
def test_a_bomb_is_refused_before_it_fills_the_memory(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What unpacks to more than a bundle may hold ends at that size."""
    monkeypatch.setattr(archive, "MAX_BYTES", 100_000)
    monkeypatch.setattr(archive, "MAX_FILE_BYTES", 100_000)
    monkeypatch.setattr(archive, "_TAR_HEADERS", 20_000)
    (tmp_path / "b").mkdir()
    (tmp_path / "b/zeros").write_bytes(b"\0" * 1_000_000)
    file = Path(shutil.make_archive(str(tmp_path / "sent"), kind, tmp_path, "b"))
    with pytest.raises(
        errors.BundleRefusedError, match=r"more than a bundle may|larger than a (file of a )?bundle may"
    ):
        read_bundle(file)


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_one_byte_too_many(pack: Callable[[bytes], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What just fits is read; with a byte less of room it is refused for its size, not cut off."""
    data = in_tar(("b/a", b"12345", FILE))
    (tmp_path / "sent").write_bytes(pack(data))
    monkeypatch.setattr(archive, "_TAR_HEADERS", 0)
    monkeypatch.setattr(archive, "MAX_BYTES", len(data))
    assert read_bundle(tmp_path / "sent").files == {"a": b"12345"}
    monkeypatch.setattr(archive, "MAX_BYTES", len(data) - 1)
    with pytest.raises(errors.BundleRefusedError, match=r"larger than a bundle may be|more than a bundle may hold"):
        read_bundle(tmp_path / "sent")


def test_many_small_files_are_a_bomb_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither their number nor their sum passes."""
    (tmp_path / "sent").write_bytes(in_tar(*((f"b/{number}", b"12345", FILE) for number in range(9))))
    for limit, value in (("MAX_FILES", 8), ("MAX_BYTES", 44)):
        with monkeypatch.context() as patch:
            patch.setattr(archive, limit, value if limit == "MAX_FILES" else 44)
            patch.setattr(archive, "_file", lambda path: path.read_bytes())
            with pytest.raises(errors.BundleRefusedError, match="holds more than a bundle may"):
                read_bundle(tmp_path / "sent")


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_folders_are_counted_too(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred thousand empty folders end at the first that is too many, and not in the memory."""
    monkeypatch.setattr(archive, "_MEMBERS", 300)
    tar = in_tar(*((f"b/{number}", b"", tarfile.DIRTYPE) for number in range(301)))
    zipped = in_zip(*((f"b/{number}/", b"", 0o040755) for number in range(301)))
    (tmp_path / "sent").write_bytes(tar if kind == "tar" else zipped)
    with pytest.raises(errors.BundleRefusedError, match="lists more than a bundle may hold"):
        read_bundle(tmp_path / "sent")


def test_a_pipe_or_device_is_not_read(tmp_path: Path) -> None:
    """A pipe in place of the archive would hang for ever."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path(os.devnull)):
        with pytest.raises(errors.BundleRefusedError, match="neither a folder nor a regular file"):
            read_bundle(path)


def test_nothing_is_said_to_be_nothing(tmp_path: Path) -> None:
    """A path at which there is nothing is a question of usage."""
    with pytest.raises(errors.BundleMissingError, match="no bundle at"):
        read_bundle(tmp_path / "gone")


def test_the_limits_leave_room_for_a_real_bundle() -> None:
    """A bundle is under 5 MB; what is refused is far beyond."""
    assert snapshot.MAX_FILE_BYTES > 5_000_000
    assert snapshot.MAX_BYTES > 5 * 5_000_000
