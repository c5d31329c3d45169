from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from acceptance.stack.compose import secrets
from acceptance.stack.compose.secrets import NAMES, SecretsError
from acceptance.stack.docker import env_file


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_every_secret_is_made_and_is_its_own(tmp_path: Path) -> None:
    """Each file holds a long value, and no two are alike."""
    made = secrets.make(tmp_path / "secrets")
    values = secrets.read(tmp_path / "secrets")
    assert set(made) == set(NAMES) == set(values)
    assert len(set(values.values())) == len(NAMES)
    assert all(len(value) >= 32 for value in values.values())


def test_containers_can_read_them_and_other_users_cannot_get_there(tmp_path: Path) -> None:
    """The folder is its owner's alone; inside it the files are readable by whatever uid a container has."""
    folder = tmp_path / "secrets"
    secrets.make(folder)
    assert _mode(folder) == 0o700
    assert {_mode(path) for path in folder.iterdir() if path.is_file()} == {0o444}
    assert _mode(folder / secrets.OPERATOR) == 0o755


def test_what_is_there_is_kept(tmp_path: Path) -> None:
    """A second run changes no value: the servers' volumes know the first ones."""
    secrets.make(tmp_path)
    before = secrets.read(tmp_path)
    assert secrets.make(tmp_path) == ()
    assert secrets.read(tmp_path) == before


def test_modes_are_put_right(tmp_path: Path) -> None:
    """A folder that others could enter is closed, a file that containers could not read is opened."""
    secrets.make(tmp_path)
    tmp_path.chmod(0o755)
    (tmp_path / "redis_password").chmod(0o600)
    secrets.make(tmp_path)
    assert (_mode(tmp_path), _mode(tmp_path / "redis_password")) == (0o700, 0o444)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    """An empty secret would be an empty password: it is named, with what to do."""
    (tmp_path / "redis_password").touch()
    with pytest.raises(SecretsError, match=r"redis_password .* remove it, then run 'make secrets'"):
        secrets.make(tmp_path)


def test_missing_secrets_say_what_to_run(tmp_path: Path) -> None:
    """Reading what was never made names the command that makes it."""
    with pytest.raises(SecretsError, match="make secrets"):
        secrets.read(tmp_path)


def test_command_needs_nothing_but_python_and_prints_no_value(tmp_path: Path) -> None:
    """`make secrets` works without our virtual environment, fills docker/.env, and shows names only."""
    docker = tmp_path / "docker"
    docker.mkdir()
    root = Path(secrets.__file__).parents[3]
    argv = [sys.executable, "-S", "-m", "acceptance.stack.compose.secrets", "--docker-dir", str(docker)]
    done = subprocess.run(argv, cwd=root, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert env_file.read(docker / ".env") == {"SECRETS_DIR": "./secrets"}
    values = secrets.read(docker / "secrets")
    assert [value for value in values.values() if value in done.stdout] == []
    assert "redis_password" in done.stdout


def test_command_ends_with_one_sentence_where_it_cannot_write(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder that is no folder ends with 1 and a sentence, not with a traceback."""
    (tmp_path / "secrets").touch()
    assert secrets.main(["--docker-dir", str(tmp_path)]) == 1
    assert "cannot be written" in capsys.readouterr().err
