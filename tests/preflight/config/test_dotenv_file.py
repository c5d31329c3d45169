from __future__ import annotations

from pathlib import Path

import pytest

from preflight.config.dotenv_file import UnreadableError, read_dotenv
from preflight.system.io import read_text


def test_reads_what_a_bot_would(tmp_path: Path) -> None:
    """Quotes, `export` and comments are understood; nothing is expanded."""
    path = tmp_path / ".env.paper"
    path.write_text("# a\nexport A='1 2'\nB=${A}\nC=\nD\n", encoding="utf-8")
    assert read_dotenv(path, read_text) == {"A": "1 2", "B": "${A}", "C": ""}


@pytest.mark.parametrize("error", [FileNotFoundError(2, "No such file"), NotADirectoryError(20, "Not a directory")])
def test_no_file_is_no_error(error: OSError) -> None:
    """A file that is not there is None, not an empty one."""

    def missing(_: Path) -> str:
        raise error

    assert read_dotenv(Path("x"), missing) is None


@pytest.mark.parametrize(
    ("content", "text"),
    [
        pytest.param(b"A=1\nK='half-Canary\n", ".env.live line 2 is not KEY=VALUE", id="half a line"),
        pytest.param(b"A=\xff\n", ".env.live is not UTF-8 text (byte 2)", id="no text"),
    ],
)
def test_what_cannot_be_read_is_said(content: bytes, text: str, tmp_path: Path) -> None:
    """The message names file and line, and holds nothing of what stands there."""
    path = tmp_path / ".env.live"
    path.write_bytes(content)
    with pytest.raises(UnreadableError) as caught:
        read_dotenv(path, read_text)
    assert str(caught.value) == text


def test_forbidden_file() -> None:
    """A file that may not be read is not the same as none."""

    def forbidden(_: Path) -> str:
        raise PermissionError(13, "Permission denied")

    with pytest.raises(UnreadableError, match=r"^\.env\.live cannot be read: Permission denied$"):
        read_dotenv(Path(".env.live"), forbidden)
