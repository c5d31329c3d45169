from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_HEALTHY = {
    "PREFLIGHT_REDIS__HOST": "127.0.0.1",
    "PREFLIGHT_REDIS__PORT": "1",
    "PREFLIGHT_POSTGRES__HOST": "127.0.0.1",
    "PREFLIGHT_POSTGRES__PORT": "1",
    "PREFLIGHT_POSTGRES__USER": "bot",
    "PREFLIGHT_POSTGRES__DATABASE": "bot",
    "PREFLIGHT_BOT__READ_ONLY": "true",
}


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    """All that the gate needs of its machine; no server answers."""
    tmp_path.chmod(0o755)
    made = {**_HEALTHY, "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    for name, digit in (("REDIS", "7c1e5a90d3"), ("POSTGRES", "b84f02e6c9")):
        path = tmp_path / f"{name.lower()}_password"
        path.write_text(digit * 4, encoding="utf-8")
        path.chmod(0o400)
        made[f"PREFLIGHT_{name}__PASSWORD_FILE"] = str(path)
    for name, key in (("textfile", "TEXTFILE_DIR"), ("spool", "SPOOL_DIR"), ("state", "LEDGER")):
        (tmp_path / name).mkdir(mode=0o755)
        made[f"PREFLIGHT_{key}"] = str(tmp_path / name / "ledger.sqlite" if key == "LEDGER" else tmp_path / name)
    return made


def _doctor(folder: Path, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    argv = (sys.executable, "-m", "preflight", "doctor", "--env", "paper")
    return subprocess.run(argv, cwd=folder, env=variables, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where nothing but the variables configures it; every folder above lets others through."""
    for each in (tmp_path, *tmp_path.parents):
        if each.stat().st_uid == os.geteuid() and each.stat().st_mode & 0o055 != 0o055:
            each.chmod(each.stat().st_mode | 0o055)
    return tmp_path


def test_nothing_is_in_the_way(folder: Path, variables: dict[str, str]) -> None:
    """Exit 0 though no server answers, nothing recorded, and no word that could be taken for a GO."""
    done = _doctor(folder, variables)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "doctor: nothing is in the way" in done.stdout
    assert "GO:" not in done.stdout
    assert not [*(folder / "textfile").iterdir(), *(folder / "state").iterdir()]


@pytest.mark.parametrize(
    ("key", "value", "wanted"),
    [
        ("PREFLIGHT_SPOOL_DIR", "/nowhere/spool", "-> mount it, or create it"),
        ("PREFLIGHT_REDIS__HOST", "", "-> set PREFLIGHT_REDIS__HOST"),
    ],
)
def test_what_is_in_the_way_has_its_remedy(
    folder: Path, variables: dict[str, str], key: str, value: str, wanted: str
) -> None:
    """Exit 1, the check and what mends it."""
    done = _doctor(folder, {**variables, key: value})
    assert done.returncode == 1, done.stdout + done.stderr
    assert wanted in done.stdout
    assert "doctor: in the way: " in done.stdout


def test_a_configuration_that_is_refused(folder: Path, variables: dict[str, str]) -> None:
    """The sentence that a run would give, and its exit code 2."""
    done = _doctor(folder, {**variables, "PREFLIGHT_NONSENSE": "1"})
    assert (done.returncode, "NONSENSE" in done.stderr) == (2, True)
