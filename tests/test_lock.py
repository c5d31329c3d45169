from __future__ import annotations

from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from acceptance.stack.compose.images.wheelhouse import lock_blocks

LOCK = Path(__file__).parents[1] / "requirements.lock"
_LATER = "3.14"  # newer than what the lock is made with, and allowed by requires-python


def _asked(version: str, blocks: dict[str, str]) -> set[str]:
    """What the locked packages ask for on this version of Python."""
    environment = {"python_version": version, "python_full_version": f"{version}.0", "extra": ""}
    installed = {canonicalize_name(each.name) for each in metadata.distributions()}
    requirements = [Requirement(text) for name in installed & {*blocks} for text in metadata.requires(name) or ()]
    wanted: set[str] = {
        canonicalize_name(each.name)
        for each in requirements
        if each.marker is None or each.marker.evaluate({**environment})
    }
    return wanted


def test_the_oldest_python_finds_all_that_it_needs() -> None:
    """A package that only older Pythons than the lock's maker need is there: Debian bookworm has 3.11.2."""
    blocks = lock_blocks(LOCK.read_text(encoding="utf-8"))
    assert _asked("3.11", blocks) - {*blocks} == set()


def test_what_a_later_python_does_not_need_is_marked() -> None:
    """A package that is asked for on older Pythons only may not exist for a newer one: its pin says so."""
    blocks = lock_blocks(LOCK.read_text(encoding="utf-8"))
    left_out = (_asked("3.11", blocks) - _asked(_LATER, blocks)) & {*blocks}
    assert left_out
    assert [name for name in sorted(left_out) if ";" not in blocks[name].splitlines()[0]] == []
