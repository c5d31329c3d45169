"""`preflight init` writes a settings file that is understood as it is, and line by line."""

from __future__ import annotations

import re
import stat
import tomllib
from pathlib import Path

import pytest

from preflight.cli import main
from preflight.commands.init import template
from preflight.sources import load


def test_the_file_is_private_and_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It has mode 0600, and a run with it has the same settings as one without it."""
    path = tmp_path / "preflight.toml"

    assert main(["init", "--output", str(path)]) == 0

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert str(path) in capsys.readouterr().out
    flags = {"env": "paper"}
    assert load(flags, environ={}, cwd=tmp_path) == load(flags, environ={}, cwd=tmp_path / "elsewhere")


def test_every_line_can_be_switched_on() -> None:
    """Taking away the # of every setting leaves TOML; those with a default of their own give just that default."""
    text = re.sub(r"^#(?=\w+ =)", "", template(), flags=re.MULTILINE)

    values = tomllib.loads(text)

    assert values["redis"]["port"] == 6379
    assert values["min_free_mb"] == 100
    assert {"redis", "postgres"} <= values.keys()


def test_a_file_that_is_there_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An existing file is refused with exit 2 and not touched."""
    path = tmp_path / "preflight.toml"
    path.write_text("mine")

    assert main(["init", "--output", str(path)]) == 2

    assert path.read_text() == "mine"
    assert f"{path}: is there already" in capsys.readouterr().err


def test_a_folder_that_is_missing_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A path that cannot be written exits 2 and says which."""
    path = tmp_path / "missing" / "preflight.toml"

    assert main(["init", "--output", str(path)]) == 2
    assert f"{path}: cannot be written: No such file or directory" in capsys.readouterr().err
