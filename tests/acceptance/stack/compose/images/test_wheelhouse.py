from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from acceptance.stack.compose.images import wheelhouse
from acceptance.stack.interface import StackError

LOCK = """\
filelock==4.0 \\
    --hash=sha256:aa
    # via us
Typing_Extensions==4.1 \\
    --hash=sha256:bb
pytest==9.0 \\
    --hash=sha256:cc
"""


def _checkout(folder: Path, dependencies: str, lock: str = LOCK) -> Path:
    (folder / "pyproject.toml").write_text(
        "[build-system]\nrequires = ['setuptools']\nbuild-backend = 'setuptools.build_meta'\n"
        f"[project]\nname = 'made-up'\nversion = '1.2.3'\ndependencies = {dependencies}\n"
        "[tool.setuptools]\npackages = ['preflight', 'engine', 'acceptance', 'acceptance.stack']\n",
        encoding="utf-8",
    )
    (folder / "requirements.lock").write_text(lock, encoding="utf-8")
    return folder


def test_a_lock_is_cut_into_packages() -> None:
    """Each pin comes with its hashes and comments, under its canonical name."""
    blocks = wheelhouse.lock_blocks(LOCK)
    assert set(blocks) == {"filelock", "typing-extensions", "pytest"}
    assert blocks["filelock"] == "filelock==4.0 \\\n    --hash=sha256:aa\n    # via us\n"


def test_only_what_the_gate_needs_is_taken(tmp_path: Path) -> None:
    """Test tools of the same lock stay out of the images."""
    root = _checkout(tmp_path, "['filelock>=3']")
    locked = wheelhouse.locked(root, wheelhouse.gate_needs(root))
    assert "filelock==4.0" in locked
    assert "pytest" not in locked


def test_dependencies_of_dependencies_come_along(tmp_path: Path) -> None:
    """What a dependency needs is needed too: a lock that lacks it is refused by name."""
    root = _checkout(tmp_path, "['requests']", "requests==2.0 --hash=sha256:aa\n")
    with pytest.raises(StackError, match=r"certifi.*urllib3.*make the lock anew"):
        wheelhouse.locked(root, wheelhouse.gate_needs(root))


def test_a_pin_for_some_pythons_is_held_against_the_images(tmp_path: Path) -> None:
    """A pin that this Python leaves out, and has not installed, is taken where the images' Python needs it."""
    lock = 'not-here==1.0 ; python_version <= "3.13" \\\n    --hash=sha256:aa\n    # via us\n'
    root = _checkout(tmp_path, "[]", lock)
    assert wheelhouse.locked(root, ["not-here"]) == "not-here==1.0 \\\n    --hash=sha256:aa\n    # via us\n"


def test_what_is_not_installed_is_named(tmp_path: Path) -> None:
    """A dependency that this Python does not have ends in one sentence."""
    with pytest.raises(StackError, match="no-such-package is not installed"):
        wheelhouse.locked(_checkout(tmp_path, "[]"), ["no-such-package"])


def test_own_wheel_holds_gate_and_data_but_no_harness(tmp_path: Path) -> None:
    """The wheel has preflight, engine and the files beside their code; the checkout stays untouched."""
    root = _checkout(tmp_path, "[]")
    for name in ("preflight", "engine", "acceptance"):
        (root / name).mkdir()
        (root / name / "__init__.py").write_text('"""x"""\n', encoding="utf-8")
    (root / "engine" / "migrations").mkdir()
    (root / "engine" / "migrations" / "1.sql").write_text("SELECT 1;", encoding="utf-8")
    before = sorted(path for path in root.rglob("*"))
    wheel = wheelhouse.project_wheel(root, tmp_path / "out")
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if ".dist-info/" not in name]
    assert sorted(names) == ["engine/__init__.py", "engine/migrations/1.sql", "preflight/__init__.py"]
    assert sorted(path for path in root.rglob("*") if "out" not in path.parts) == before
    assert wheelhouse.project_version(root) == "1.2.3"


def test_a_wheel_that_does_not_build_is_an_error(tmp_path: Path) -> None:
    """Pip's own words are in the message."""
    root = _checkout(tmp_path, "['=nonsense']")
    for name in ("preflight", "engine"):
        (root / name).mkdir()
    with pytest.raises(StackError, match="wheel could not be built"):
        wheelhouse.project_wheel(root, tmp_path / "out")
