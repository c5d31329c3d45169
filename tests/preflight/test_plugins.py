"""Third parties' checks take part, and a broken plug-in stops every run instead of vanishing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from preflight.errors import RegistryError
from preflight.model import Status
from preflight.plugins import GROUP, Plugin, find_plugins, with_plugins
from preflight.registry import Registry
from preflight.testing import run_check
from tests.preflight.sample_plugin.sample_preflight_plugin import MaintenanceCheck

SAMPLE = Path(__file__).parent / "sample_plugin"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip has installed the sample plug-in."""
    source = shutil.copytree(SAMPLE, tmp_path_factory.mktemp("plugin") / "source")
    target = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--target", str(target), str(source)], check=True, capture_output=True, timeout=100)
    return target


def _preflight(*argv: str, site: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "preflight", *argv],
        env={"PATH": os.environ["PATH"], "HOME": str(cwd), "PYTHONPATH": f"{site}:{Path(__file__).parents[2]}"},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_an_installed_plugin_is_listed_and_run(installed: Path, tmp_path: Path) -> None:
    """Pip install is all it takes: the check is listed, runs, and its FAIL fails."""
    (tmp_path / "maintenance").touch()

    listed = _preflight("list", site=installed, cwd=tmp_path)
    run = _preflight("--env", "paper", "--only", "sample_maintenance", "--format", "json", site=installed, cwd=tmp_path)

    assert "sample_maintenance" in listed.stdout, listed.stderr
    checks = {check["id"]: check for check in json.loads(run.stdout)["checks"]}
    assert set(checks) == {"environment", "sample_maintenance"}
    assert checks["sample_maintenance"]["status"] == "skip"
    assert checks["sample_maintenance"]["summary"] == "needs environment"


@pytest.mark.parametrize("file", ["import nothing_of_this_name", "raise SystemExit(0)", "CHECKS = ('redis',)"])
def test_a_broken_plugin_stops_every_run(installed: Path, tmp_path: Path, file: str) -> None:
    """A plug-in that cannot be loaded is exit 2 with the name of its distribution, and nothing runs."""
    site = shutil.copytree(installed, tmp_path / "site")
    (site / "sample_preflight_plugin.py").write_text(file)

    run = _preflight("--env", "paper", site=site, cwd=tmp_path)

    assert run.returncode == 2, run.stderr
    assert "distribution 'sample-preflight-plugin'" in run.stderr
    assert run.stdout == ""


def _plugin(*checks: MaintenanceCheck) -> Plugin:
    return Plugin(distribution="some-plugin", name="x", checks=checks)


@pytest.mark.parametrize(
    ("checks", "says"),
    [
        ((MaintenanceCheck(id="taken", requires=()),), "'taken' is registered twice"),
        ((MaintenanceCheck(requires=("no_such_check",)),), "requires 'no_such_check'"),
        ((MaintenanceCheck(id="Capital", requires=()),), "'Capital' is not lower case"),
        (
            (MaintenanceCheck(id="one", requires=("two",)), MaintenanceCheck(id="two", requires=("one",))),
            "in a circle",
        ),
    ],
    ids=["duplicate", "unknown requires", "bad id", "circle"],
)
def test_a_plugin_that_does_not_fit_is_named(checks: tuple[MaintenanceCheck, ...], says: str) -> None:
    """A duplicate id, an unknown requirement or a circle is the plug-in's, and the message says so."""
    own = Registry((MaintenanceCheck(id="taken", requires=()),))

    with pytest.raises(RegistryError, match="distribution 'some-plugin'") as caught:
        with_plugins(own, [_plugin(*checks)])

    assert says in str(caught.value)


def test_the_order_is_stable() -> None:
    """Plug-ins come after the gate's own checks, whatever order they are found in."""
    point = EntryPoint(name="sample", group=GROUP, value="tests.preflight.sample_plugin.sample_preflight_plugin:CHECKS")

    plugins = find_plugins([point])
    registry = with_plugins(Registry((MaintenanceCheck(id="environment", requires=()),)), plugins)

    assert [check.id for check in registry.checks] == ["environment", "sample_maintenance"]


def test_the_testing_helper_runs_a_check_with_fakes(tmp_path: Path) -> None:
    """`run_check` gives the outcome that the gate would receive."""
    assert run_check(MaintenanceCheck(), cwd=tmp_path).status is Status.PASS
    (tmp_path / "maintenance").touch()
    assert run_check(MaintenanceCheck(), cwd=tmp_path).status is Status.FAIL
