"""`make grafana`: an archive that the user names becomes a program, or one sentence and nothing."""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import os
import re
import shutil
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from acceptance.stack.binaries import grafana_archive, grafana_source
from acceptance.stack.binaries.component import ComponentError
from evidence.grafana import GrafanaKind

PROGRAM = b"#!/bin/sh\necho 'grafana version 12.4.4'\n"
TREE: Mapping[str, bytes] = {
    "grafana-12.4.4/bin/grafana": PROGRAM,
    "grafana-12.4.4/conf/defaults.ini": b"[paths]\n",
    "grafana-12.4.4/public/index.html": b"<html>\n",
}


def archive(files: Mapping[str, bytes], *more: tarfile.TarInfo) -> bytes:
    """Pack files, those in bin/ executable, and members as they are."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o755 if "/bin/" in name else 0o644
            tar.addfile(member, io.BytesIO(content))
        for member in more:
            tar.addfile(member)
    return packed.getvalue()


def damaged(content: bytes) -> bytes:
    """Cut it in the midst of its program, and exchange gzip's own checksum of what is left."""
    plain = gzip.decompress(content)
    return gzip.compress(plain[: plain.index(PROGRAM) + 5])[:-8] + bytes(8)


def member(name: str, kind: bytes, leads: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, leads
    return made


@pytest.fixture(autouse=True)
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The component cache of this test."""
    monkeypatch.setenv("ARBITRAGE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.delenv("GRAFANA_HOME", raising=False)
    return tmp_path / "cache" / "components"


@pytest.fixture
def install(tmp_path: Path) -> Callable[..., None]:
    """Install what these bytes are, with their own sum or another one."""

    def run(content: bytes, *, sha256: str = "") -> None:
        path = tmp_path / "grafana.tar.gz"
        path.write_bytes(content)
        grafana_archive.install(str(path), sha256 or hashlib.sha256(content).hexdigest(), tell=lambda _: None)

    return run


def left(shelf: Path) -> list[str]:
    """What lies in the cache, its locks apart."""
    return sorted(path.name for path in shelf.iterdir() if path.suffix != ".lock") if shelf.is_dir() else []


def test_an_archive_becomes_the_grafana_that_is_used(install: Callable[..., None], shelf: Path) -> None:
    """It answers with its version, and the next stack takes it."""
    install(archive(TREE))

    (folder,) = left(shelf)
    found = grafana_source.newest_archive()
    assert found is not None
    assert (found.version, found.source, found.binary.is_relative_to(shelf / folder)) == ("12.4.4", "archive", True)
    assert grafana_source.used(found).label == "Grafana 12.4.4 (unpacked archive)"
    lines: list[str] = []
    assert grafana_source.choose("auto", tell=lines.append) == found
    assert lines[-1] == "grafana: 12.4.4, unpacked by `make grafana`"


def test_the_newest_of_two_is_used(install: Callable[..., None]) -> None:
    """Versions are compared as numbers: 9 is not above 12."""
    install(archive(TREE))
    install(archive({**TREE, "grafana-12.4.4/bin/grafana": PROGRAM.replace(b"12.4.4", b"10.2.0")}))

    newest = grafana_source.newest_archive()
    assert newest is not None
    assert newest.version == "12.4.4"


def test_an_archive_from_an_address(httpserver: HTTPServer, shelf: Path) -> None:
    """Served on loopback, as Grafana Labs would."""
    content = archive(TREE)
    httpserver.expect_request("/grafana.tar.gz").respond_with_data(content)
    record = grafana_archive.install(
        httpserver.url_for("/grafana.tar.gz"), hashlib.sha256(content).hexdigest().upper(), tell=lambda _: None
    )

    assert (record.programs["grafana"].version, len(left(shelf))) == ("12.4.4", 1)


def test_an_address_that_has_nothing(httpserver: HTTPServer, shelf: Path) -> None:
    """Its status is told; a login in the address, and a signature behind it, are not."""
    httpserver.expect_request("/none").respond_with_data("gone", status=404)
    address = httpserver.url_for("/none").replace("//", "//user:a-password@") + "?signature=a-secret"
    with pytest.raises(ComponentError, match="answers HTTP 404") as caught:
        grafana_archive.install(address, "0" * 64, tell=lambda _: None)

    assert not {"a-password", "a-secret"} & set(re.split(r"[^\w-]+", str(caught.value)))
    assert left(shelf) == []


def test_a_connection_that_ends_early(httpserver: HTTPServer, shelf: Path) -> None:
    """Half an archive is not unpacked."""
    content = archive(TREE)
    httpserver.expect_request("/half").respond_with_data(content[:100])
    with pytest.raises(ComponentError, match="truncated, changed, or another release"):
        grafana_archive.install(httpserver.url_for("/half"), hashlib.sha256(content).hexdigest(), tell=lambda _: None)

    assert left(shelf) == []


HOME = {name: content for name, content in TREE.items() if "/bin/" not in name}
OLD = {**TREE, "grafana-12.4.4/bin/grafana": PROGRAM.replace(b"12.4.4", b"9.5.0")}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param(archive(TREE)[:-30], "cannot be unpacked", id="truncated"),
        pytest.param(gzip.compress(b"no tar"), "cannot be unpacked", id="no tar"),
        pytest.param(damaged(archive(TREE)), "cannot be unpacked", id="damaged"),
        pytest.param(b"plain", "cannot be unpacked", id="no archive"),
        pytest.param(archive({**TREE, "../../escaped": b"x"}), "lies outside of it", id="climbs out"),
        pytest.param(archive({**TREE, "/tmp/escaped": b"x"}), "lies outside of it", id="absolute"),
        pytest.param(archive(TREE, member("a", tarfile.SYMTYPE, "/etc")), "out of itself by a link", id="link to /etc"),
        pytest.param(archive(TREE, member("a", tarfile.SYMTYPE, "../..")), "out of itself by a link", id="link up"),
        pytest.param(archive(TREE, member("a", tarfile.LNKTYPE, "/etc/passwd")), "no file or folder", id="hard link"),
        pytest.param(archive(TREE, member("a", tarfile.CHRTYPE)), "no file or folder", id="device"),
        pytest.param(archive(TREE, member("a", tarfile.FIFOTYPE)), "no file or folder", id="pipe"),
        pytest.param(
            archive(TREE, tarfile.TarInfo("grafana-12.4.4/bin/grafana")), "in the place of another", id="file twice"
        ),
        pytest.param(
            archive(TREE, tarfile.TarInfo("grafana-12.4.4/conf")), "in the place of another", id="file for a folder"
        ),
        pytest.param(
            archive(TREE, member("x", tarfile.SYMTYPE, "y"), member("x", tarfile.SYMTYPE, "y")),
            "in the place of another",
            id="link twice",
        ),
        pytest.param(
            archive({**TREE, "grafana-12.4.4/bin/grafana/x": b""}), "in the place of another", id="folder for a file"
        ),
        pytest.param(archive(HOME), "holds no bin/grafana", id="no program"),
        pytest.param(archive({"x/bin/grafana": PROGRAM}), "holds no bin/grafana", id="no home"),
        pytest.param(
            archive({**TREE, "grafana-12.4.4/bin/grafana": b"\x7fELF"}), "does not run on this machine", id="other CPU"
        ),
        pytest.param(archive(OLD), "9.5.0 is older than 10", id="too old"),
    ],
)
def test_what_is_refused(content: bytes, sentence: str, install: Callable[..., None], shelf: Path) -> None:
    """One sentence, and nothing is left behind: not in the cache, and not beside it."""
    with pytest.raises(ComponentError, match=sentence) as caught:
        install(content)

    assert "\n" not in str(caught.value)
    assert (left(shelf), grafana_source.newest_archive()) == ([], None)
    assert not (shelf.parents[1] / "escaped").exists()


def test_a_link_that_stays_inside_is_taken(install: Callable[..., None], shelf: Path) -> None:
    """Archives may have them; what is written through one stays inside too."""
    install(archive(TREE, member("grafana-12.4.4/latest", tarfile.SYMTYPE, "public")))

    assert (shelf / left(shelf)[0] / "grafana-12.4.4" / "latest" / "index.html").is_file()


def test_another_sum(install: Callable[..., None], shelf: Path) -> None:
    """The sum that the content has is told, and nothing of it is looked into."""
    with pytest.raises(ComponentError, match="not the one that was given"):
        install(archive(TREE), sha256="0" * 64)

    assert left(shelf) == []


@pytest.mark.parametrize("sha256", ["abc", "g" * 64, "0" * 63])
def test_what_is_no_sum(sha256: str, install: Callable[..., None]) -> None:
    """A sum that cannot be one is refused before anything is read."""
    with pytest.raises(ComponentError, match="64 hexadecimal digits"):
        install(b"", sha256=sha256)


def test_more_than_a_release_holds(install: Callable[..., None], shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive that unpacks to too much is stopped."""
    monkeypatch.setattr(grafana_archive, "UNPACKED", 1000)
    with pytest.raises(ComponentError, match="more than any release"):
        install(archive({**TREE, "grafana-12.4.4/public/zeros": b"\0" * 2000}))

    assert left(shelf) == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk(code: int, install: Callable[..., None], shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is called that, with what to do, and what had been written is gone."""

    def full(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(ComponentError, match="the disk is full: free 2 GB"):
        install(archive(TREE))

    assert left(shelf) == []


def test_a_file_that_is_not_there(shelf: Path) -> None:
    """It is named."""
    with pytest.raises(ComponentError, match=r"/no/such/file cannot be read: No such file"):
        grafana_archive.install("/no/such/file", "0" * 64, tell=lambda _: None)

    assert left(shelf) == []


def test_without_arguments_it_says_how(capsys: pytest.CaptureFixture[str]) -> None:
    """Where archive and sum are published, and the two lines to type; nothing is fetched."""
    assert grafana_archive.main([]) == 0
    said = capsys.readouterr().out
    assert "make grafana ARCHIVE=" in said
    assert "make acceptance GRAFANA=real" in said
    assert "SHA256" in said


@pytest.mark.parametrize("argv", [["--archive", "x"], ["--sha256", "0" * 64]])
def test_one_without_the_other(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """An archive without a sum is not taken on trust."""
    assert grafana_archive.main(argv) == 2
    assert "ARCHIVE and SHA256 together" in capsys.readouterr().err


# ---- which one is chosen


def test_without_a_grafana_the_standin_serves() -> None:
    """And says why."""
    lines: list[str] = []
    chosen = grafana_source.choose("auto", tell=lines.append)

    assert (chosen.source, grafana_source.used(chosen).kind) == ("stand-in", GrafanaKind.STANDIN)
    assert lines == ["grafana: the stand-in, since there is no Grafana on this machine"]


def test_real_without_a_grafana_is_an_error() -> None:
    """The sentence has the ways to get one; nothing is fetched."""
    with pytest.raises(ComponentError, match=r"PATH.*GRAFANA_HOME.*make grafana"):
        grafana_source.choose("real", tell=lambda _: None)


def test_the_standin_where_it_is_asked_for(install: Callable[..., None]) -> None:
    """Even beside a real one."""
    install(archive(TREE))

    assert grafana_source.choose("standin", tell=lambda _: None).source == "stand-in"


def test_a_grafana_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, install: Callable[..., None]) -> None:
    """A folder that the user names comes before what was unpacked; one that is of no use is told."""
    install(archive(TREE))
    for name, content in TREE.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.replace(b"12.4.4", b"13.2.0"))
        path.chmod(0o755)
    monkeypatch.setenv("GRAFANA_HOME", str(tmp_path / "grafana-12.4.4"))
    chosen = grafana_source.choose("real", tell=lambda _: None)
    assert (chosen.version, grafana_source.used(chosen).label) == ("13.2.0", "Grafana 13.2.0 (program on this machine)")

    monkeypatch.setenv("GRAFANA_HOME", str(tmp_path / "empty"))
    lines: list[str] = []
    assert grafana_source.choose("real", tell=lines.append).source == "archive"
    assert "empty/bin/grafana passed over" in lines[0]
