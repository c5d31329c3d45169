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
from tests.preflight.sample_plugin import sample_preflight_plugin
from tests.preflight.sample_plugin.sample_preflight_plugin import MaintenanceCheck

SAMPLE = Path(__file__).parent / "sample_plugin"
SAMPLE_POINT = EntryPoint(
    name="sample", group=GROUP, value="tests.preflight.sample_plugin.sample_preflight_plugin:CHECKS"
)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip has installed the sample plug-in."""
    source = shutil.copytree(SAMPLE, tmp_path_factory.mktemp("plugin") / "source")
    target = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--target", str(target), str(source)], check=True, capture_output=True, timeout=100)
    return target


# All that `environment` asks for, so that what requires it runs.
NEEDED = {
    "PREFLIGHT_REDIS__HOST": "127.0.0.1",
    "PREFLIGHT_POSTGRES__HOST": "127.0.0.1",
    "PREFLIGHT_POSTGRES__USER": "bot",
    "PREFLIGHT_POSTGRES__DATABASE": "bot",
}


def _preflight(*argv: str, site: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    own = {"PATH": os.environ["PATH"], "HOME": str(cwd), "PYTHONPATH": f"{site}:{Path(__file__).parents[2]}"}
    return subprocess.run(
        [sys.executable, "-m", "preflight", *argv],
        env={**own, **NEEDED, "PREFLIGHT_TEXTFILE_DIR": str(cwd)},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_an_installed_plugin_is_listed_and_run(installed: Path, tmp_path: Path) -> None:
    """Pip install is all it takes: the check is listed, runs in the gate, passes, and its FAIL is the gate's exit 1."""

    def run() -> tuple[int, dict[str, tuple[str, str]]]:
        argv = ("--env", "live", "--only", "sample_maintenance", "--format", "json")
        done = _preflight(*argv, site=installed, cwd=tmp_path)
        checks = json.loads(done.stdout)["checks"]
        return done.returncode, {check["id"]: (check["status"], check["summary"]) for check in checks}

    listed = _preflight("list", site=installed, cwd=tmp_path)
    assert "sample_maintenance" in listed.stdout, listed.stderr

    environment = ("pass", "env live, needed keys present")
    well = {"environment": environment, "sample_maintenance": ("pass", "no maintenance window is announced")}
    assert run() == (3, well)  # a part of the checks is never GO
    (tmp_path / "maintenance").touch()
    ill = {"environment": environment, "sample_maintenance": ("fail", "a maintenance window is announced")}
    assert run() == (1, ill)


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("import nothing_of_this_name", "ModuleNotFoundError: No module named 'nothing_of_this_name'"),
        ("raise SystemExit(0)", "SystemExit: 0"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("CHECKS = ('redis',)", "it gives 'redis', which is no check"),
        ("import os; os._exit(0)", "its process ended in the middle of it"),
        ("import os; os.abort()", "its process was ended by SIGABRT"),
        ("import os; os.execvp('true', ['true'])", "its process ended in the middle of it"),
        ("import threading; threading.Event().wait()", "it does not end within 0.5 s"),
        ("TIMEOUT", "timeout is '5', not seconds above 0"),
    ],
)
def test_a_broken_plugin_stops_every_run(installed: Path, tmp_path: Path, file: str, says: str) -> None:
    """A plug-in that cannot be loaded, whatever it does, is exit 2 with its distribution's name; nothing runs."""
    site = shutil.copytree(installed, tmp_path / "site")
    module = site / "sample_preflight_plugin.py"
    module.write_text(module.read_text().replace("float = 2.0", "float = '5'") if file == "TIMEOUT" else file)
    if "wait" in file:
        (site / "sitecustomize.py").write_text("import preflight.plugins\npreflight.plugins.LOAD_SECONDS = 0.5\n")

    run = _preflight("--env", "paper", site=site, cwd=tmp_path)

    assert run.returncode == 2, run.stderr
    assert "distribution 'sample-preflight-plugin'" in run.stderr
    assert says in run.stderr
    assert run.stdout == ""


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("timeout", True),
        ("timeout", float("nan")),
        ("timeout", 0),
        ("timeout", 601),
        ("network", 1),
        ("id", 7),
        ("requires", "environment"),
        ("imports", ["json"]),
        ("imports", (None,)),
    ],
)
def test_a_check_with_fields_of_other_types_is_refused(
    field: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the gate would calculate with is looked at when the plug-in is loaded."""
    monkeypatch.setattr(sample_preflight_plugin, "CHECKS", MaintenanceCheck(**{field: value}))  # type: ignore[arg-type]

    with pytest.raises(RegistryError, match=f"distribution 'unknown'.*{field}"):
        find_plugins([SAMPLE_POINT])


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
    plugins = find_plugins([SAMPLE_POINT])
    registry = with_plugins(Registry((MaintenanceCheck(id="environment", requires=()),)), plugins)

    assert [check.id for check in registry.checks] == ["environment", "sample_maintenance"]


def test_the_testing_helper_runs_a_check_with_fakes(tmp_path: Path) -> None:
    """`run_check` gives the outcome that the gate would receive."""
    assert run_check(MaintenanceCheck(), cwd=tmp_path).status is Status.PASS
    (tmp_path / "maintenance").touch()
    assert run_check(MaintenanceCheck(), cwd=tmp_path).status is Status.FAIL
