"""`preflight init` writes a settings file that is understood as it is, and line by line."""

from __future__ import annotations

import re
import stat
import tomllib
from pathlib import Path

import pytest

from preflight.cli import main
from preflight.commands.init import SECRETS, template
from preflight.config.sections import Section
from preflight.config.settings import Settings
from preflight.config.sources import load


def test_the_file_is_private_and_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It has mode 0600, and a run with it has the same settings as one without it."""
    path = tmp_path / "preflight.toml"

    assert main(["init", "--output", str(path)]) == 0

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert str(path) in capsys.readouterr().out
    flags = {"env": "paper"}
    assert load(flags, environ={}, cwd=tmp_path) == load(flags, environ={}, cwd=tmp_path / "elsewhere")


def test_every_line_can_be_switched_on(tmp_path: Path) -> None:
    """With the # of every setting taken away it is a configuration that a run accepts; defaults stay what they were."""
    text = re.sub(r"^#(?=\w+ =)", "", template(), flags=re.MULTILINE).replace(SECRETS, str(tmp_path))
    for name in re.findall(rf'_file = "{tmp_path}/(\w+)"', text):
        (tmp_path / name).write_text(f"the {name}")
        (tmp_path / name).chmod(0o600)
    (tmp_path / "preflight.toml").write_text(text)

    whole = load({"env": "live"}, environ={}, cwd=tmp_path)
    plain = load({"env": "live"}, environ={}, cwd=tmp_path / "elsewhere")

    assert (whole.ledger, whole.spool_dir) == (plain.ledger, plain.spool_dir)
    assert (whole.redis.port, whole.min_free_mb, whole.clock) == (6379, 100, plain.clock)
    assert {name: one.symbols for name, one in whole.exchanges.items()} == {
        name: one.symbols for name, one in plain.exchanges.items()
    }
    assert len(whole.secret_values()) == 8
    assert whole.exchanges["upbit"].no_withdraw_attested_on is not None


def test_every_setting_is_there() -> None:
    """No key of any table is left out, but for secrets, which belong in files; none has no value to show."""
    values = tomllib.loads(re.sub(r"^#(?=\w+ =)", "", template(), flags=re.MULTILINE))
    for name, field in Settings.model_fields.items():
        if isinstance(field.default, Section):
            fields = type(field.default).model_fields
            keys = {key for key in fields if f"{key}_file" not in fields}
            aside = {key for key in keys if fields[key].json_schema_extra}
            assert set(values[name]) == keys - aside
            assert [key for key in aside if f": {key} = " not in template()] == []
    assert set(values) == set(Settings.model_fields) - {"env"}


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
