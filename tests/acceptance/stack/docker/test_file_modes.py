from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest

from acceptance.stack.compose.images import choose
from acceptance.stack.docker.file_modes import MOUNTED, open_configuration
from acceptance.stack.interface import StackError

COMPOSE = (choose.ROOT / "docker" / "docker-compose.yml").read_text(encoding="utf-8")


def _strict(root: Path) -> Path:
    """A checkout as a clone under umask 077 leaves it."""
    for name in (*MOUNTED, "docker/secrets"):
        (root / name / "below").mkdir(parents=True)
        (root / name / "below" / "file").write_text("x", encoding="utf-8")
    for path in (root, *root.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
    return root


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_mounted_is_opened_and_secrets_stay_closed(tmp_path: Path) -> None:
    """Every user can read the mounted folders afterwards; nothing else of the checkout has changed."""
    root = _strict(tmp_path)
    opened = open_configuration(root)
    assert len(opened) == 3 * len(MOUNTED)
    for name in MOUNTED:
        assert [_mode(root / name / each) for each in (".", "below", "below/file")] == [0o755, 0o755, 0o644]
    for name in (".", "docker", "docker/secrets", "docker/secrets/below"):
        assert _mode(root / name) == 0o700
    assert _mode(root / "docker/secrets/below/file") == 0o600
    assert open_configuration(root) == ()


def test_what_a_link_names_elsewhere_is_left_alone(tmp_path: Path) -> None:
    """A target file that is a link to a private one does not open that one."""
    root = _strict(tmp_path / "checkout")
    private = tmp_path / "private"
    private.write_text("x", encoding="utf-8")
    private.chmod(0o600)
    (root / MOUNTED[0] / "link").symlink_to(private)
    open_configuration(root)
    assert _mode(private) == 0o600


def test_what_cannot_be_opened_is_named(tmp_path: Path) -> None:
    """A folder that is not there, or is another user's: one sentence with the folder and what to type."""
    root = _strict(tmp_path)
    (root / MOUNTED[1]).rename(root / "away")
    with pytest.raises(StackError, match=rf"{MOUNTED[1]}.*chmod -R a\+rX {re.escape(os.fspath(root / MOUNTED[1]))}'"):
        open_configuration(root)


def test_the_folders_are_those_that_the_compose_file_mounts() -> None:
    """A new mount of the checkout's configuration cannot be forgotten."""
    given = set(re.findall(r"\$\{(?:\w+_CONFIG_DIR|\w+_INIT_DIR):-([^}]+)\}", COMPOSE))
    assert {os.path.normpath(Path("docker", each)) for each in given} == set(MOUNTED)
