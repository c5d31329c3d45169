from __future__ import annotations

import io
from pathlib import Path

import pytest

from evidence import errors
from evidence.show import show


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Yes."""
        return True


def test_plain_text_away_from_a_terminal(sealed: Path) -> None:
    """Result, signature, gates, commit, versions and files stand in lines that a script can cut."""
    out = io.StringIO()
    assert show(sealed, out)
    lines = out.getvalue().splitlines()
    assert "result:    PASSED (all gates)" in lines
    assert "complete:  yes" in lines
    assert "core:      FULL, passed; 4 passed" in lines
    assert "commit:    0123456 on main, pushed" in lines
    assert any(line.startswith("compose:   ") and "redis 7.0.15 (path)" in line for line in lines)
    assert any(line.startswith("signature: SIGNED (key ") for line in lines)
    assert any(line.endswith("e2e/compose/logs/redis.log") for line in lines)
    assert out.getvalue().isascii()


def test_a_table_on_a_terminal(sealed: Path) -> None:
    """The same facts, drawn."""
    out = Terminal()
    assert show(sealed, out)
    assert "│" in out.getvalue()
    for fact in ("PASSED", "SIGNED", "0123456", "fast_gate.log"):
        assert fact in out.getvalue()


def test_an_incomplete_bundle_is_shown_as_such(tmp_path: Path) -> None:
    """Its files are listed, and nothing is claimed."""
    (tmp_path / "e2e.log").write_text("")
    out = io.StringIO()
    assert not show(tmp_path, out)
    assert "INCOMPLETE" in out.getvalue()
    assert "files: e2e.log" in out.getvalue()


def test_no_folder_is_an_error(tmp_path: Path) -> None:
    """What is not there cannot be shown."""
    with pytest.raises(errors.BundleMissingError):
        show(tmp_path / "gone", io.StringIO())
