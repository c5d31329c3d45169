"""Third parties' checks take part, and a broken plug-in stops every run instead of vanishing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from preflight import plugins
from preflight.errors import RegistryError
from preflight.model import Status
from preflight.plugins import GROUP, Plugin, find_plugins, with_plugins
from preflight.registry import Registry
from preflight.testing import run_check
from tests import program_server
from tests.preflight.sample_plugin import sample_preflight_plugin
from tests.preflight.sample_plugin.sample_preflight_plugin import MaintenanceCheck
from tests.program_server import PREFLIGHT

ROOT = Path(__file__).parents[2]
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
    return _run(PREFLIGHT, *argv, site=site, cwd=cwd)


def _run(program: str, *argv: str, site: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    own = {"PATH": os.environ["PATH"], "HOME": str(cwd), "PYTHONPATH": f"{site}:{ROOT}"}
    environ = {**own, **NEEDED, "PREFLIGHT_TEXTFILE_DIR": str(cwd)}
    return program_server.run(program, *argv, env=environ, cwd=cwd)


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
        ("CHECKS = ('redis',)", "it gives 'redis', which is not a check"),
        ("import os; os._exit(0)", "its process ended in the middle of it"),
        ("import os; os.abort()", "its process was ended by SIGABRT"),
        ("import os; os.execvp('true', ['true'])", "its process ended in the middle of it"),
        ("import threading; threading.Event().wait()", "it does not end within 0.5 s"),
        ("TIMEOUT", "timeout is '5', not seconds above 0"),
        ("CHECKS = ()", "it gives no check"),
    ],
)
def test_a_broken_plugin_stops_every_run(installed: Path, tmp_path: Path, file: str, says: str) -> None:
    """A plug-in that cannot be loaded, whatever it does, is exit 2 with its distribution's name; nothing runs."""
    site = shutil.copytree(installed, tmp_path / "site")
    module = site / "sample_preflight_plugin.py"
    module.write_text(module.read_text().replace("float = 2.0", "float = '5'") if file == "TIMEOUT" else file)
    patience = "import preflight.plugins\npreflight.plugins.LOAD_SECONDS = 0.5\n" if "wait" in file else ""

    run = _run(patience + PREFLIGHT, "--env", "paper", site=site, cwd=tmp_path)

    assert run.returncode == 2, run.stderr
    assert "distribution 'sample-preflight-plugin'" in run.stderr
    assert says in run.stderr
    assert run.stdout == ""


def test_what_is_wrong_with_a_plugin_in_korean(installed: Path, tmp_path: Path) -> None:
    """The sentence is found in another process, and still can be said in the reader's language."""
    site = shutil.copytree(installed, tmp_path / "site")
    (site / "sample_preflight_plugin.py").write_text("CHECKS = ('redis',)")
    run = _preflight("--env", "paper", "--lang", "ko", site=site, cwd=tmp_path)
    assert run.returncode == 2, run.stderr
    assert "점검이 아닌 것을 줍니다: 'redis'" in run.stderr


@pytest.mark.parametrize("wrong", [None, "text", {"template": "{a.b}", "values": {}}, {"template": "no", "values": 3}])
def test_a_plugin_that_forges_what_is_wrong(wrong: Any) -> None:
    """A reason that is no message is refused as any other answer that is no list of checks."""
    with pytest.raises(TypeError, match="not a list of checks"):
        plugins._read(SAMPLE_POINT, json.dumps({"wrong": wrong}).encode())


# What a hostile plug-in does when it is imported. The gate's own verdict without servers is NO_GO.
_FORGED_GO = """
import preflight.conclusion, preflight.model, preflight.plugins, preflight.runner, preflight.system.fork
import preflight.worker
def forged(*_, **__):
    return preflight.model.Decision(verdict=preflight.model.Verdict.GO, exit_code=0, reasons=(), ready_for_live=True)
preflight.conclusion.decide = preflight.model.decide = forged
preflight.worker.decode = preflight.runner.decode = lambda *_: preflight.model.Outcome(status="pass", summary="")
"""
ATTACKS = {
    "patches the judgement": (_FORGED_GO, 1),
    "starts a timer": (
        """
import os, signal
signal.signal(signal.SIGALRM, lambda *_: os._exit(0))
signal.setitimer(signal.ITIMER_REAL, 0.3)
""",
        1,
    ),
    "starts a thread": ("import os, threading\nthreading.Timer(0.3, os._exit, [0]).start()", 1),
    "takes SIGTERM": ("import os, signal\nsignal.signal(signal.SIGTERM, lambda *_: os._exit(0))", 1),
    "prints": ("print('GO: ready for live', flush=True)\nimport sys\nsys.stderr.write('GO')", 1),
    "forks": ("import os\nos.fork()", 1),
    "closes files": ("import os\nos.closerange(0, 4096)", 2),
    "leaves something for the end": ("import atexit, os\natexit.register(os._exit, 0)", 1),
    "traces": ("import os, sys\nsys.setprofile(lambda *_: None)\nsys.exit = lambda *_: os._exit(0)", 1),
    "unloads the gate": (
        "import sys\nfor name in [n for n in sys.modules if n[:9] == 'preflight']: del sys.modules[name]",
        1,
    ),
}
_EXITING = """
import os
class Exiting:
    id, proves, requires, timeout, network, imports = "x", "x", (), 1.0, False, ()
    {name} = property(lambda self: os._exit(0))
    def run(self, ctx):
        os._exit(0)
CHECKS = Exiting()
"""


def _line(**fields: object) -> bytes:
    sound = {"id": "x", "proves": "x", "requires": [], "timeout": 1.0, "network": False, "imports": []}
    return json.dumps([{**sound, **fields}]).encode()


def _with_module(installed: Path, tmp_path: Path, text: str) -> Path:
    site = shutil.copytree(installed, tmp_path / "site")
    (site / "sample_preflight_plugin.py").write_text(text)
    return site


def _after_future(installed: Path, code: str) -> str:
    """Give the sample plug-in's text with more code at its beginning."""
    future = "from __future__ import annotations\n"
    return (installed / "sample_preflight_plugin.py").read_text().replace(future, f"{future}{code}\n")


@pytest.mark.parametrize("attack", ATTACKS)
def test_g19_what_a_plugin_does_at_import_moves_no_verdict(installed: Path, tmp_path: Path, attack: str) -> None:
    """NO_GO stays NO_GO, exit 1, in words of the gate alone; or the plug-in is named and nothing runs."""
    code, exit_code = ATTACKS[attack]
    site = _with_module(installed, tmp_path, _after_future(installed, code))

    run = _preflight("--env", "paper", site=site, cwd=tmp_path)

    assert run.returncode == exit_code, (run.stdout, run.stderr)
    if exit_code == 1:
        assert "NO_GO" in run.stdout
        assert not run.stdout.startswith("GO")
        prom = (tmp_path / "arbitrage_preflight_paper.prom").read_text()
        assert 'last_success{env="paper"} 0.0' in prom
    else:
        assert "distribution 'sample-preflight-plugin' cannot be loaded: " in run.stderr
        assert run.stdout == ""


@pytest.mark.parametrize("name", ["id", "timeout", "network", "imports"])
def test_g19_a_property_that_exits_is_a_plugin_that_cannot_be_loaded(
    installed: Path, tmp_path: Path, name: str
) -> None:
    """Reading a check's fields is running its code: that too happens elsewhere."""
    run = _preflight("--env", "paper", site=_with_module(installed, tmp_path, _EXITING.format(name=name)), cwd=tmp_path)

    assert (run.returncode, run.stdout) == (2, ""), run.stderr
    assert "its process ended in the middle of it" in run.stderr


def test_g19_a_plugin_is_never_imported_where_the_verdict_is_found(installed: Path, tmp_path: Path) -> None:
    """Each process that imports it leaves its id: none of them is the gate's own."""
    note = "import os\nwith open('imported', 'a') as notes: notes.write(f'{os.getpid()}\\n')\n"
    site = _with_module(installed, tmp_path, _after_future(installed, note))
    program = (
        "import os, sys\nfrom preflight.cli import main\n"
        "main(['--env', 'paper', '--only', 'sample_maintenance', '--format', 'json'])\n"
        "sys.stderr.write(f\"{os.getpid()} {'sample_preflight_plugin' in sys.modules}\")"
    )
    done = _run(program, site=site, cwd=tmp_path)
    assert done.returncode == 0, done.stderr

    pid, loaded = done.stderr.splitlines()[-1].split()
    ran = {check["id"]: check["status"] for check in json.loads(done.stdout)["checks"]}
    imported = (tmp_path / "imported").read_text().split()
    assert (ran["sample_maintenance"], loaded) == ("pass", "False")
    assert len(imported) == 2  # once to say what it has, once to run it
    assert pid not in imported


def test_g19_a_plugin_whose_checks_change_cannot_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A check that is another one when it is to run gives no outcome in the first one's name."""
    (check,) = find_plugins([SAMPLE_POINT])[0].checks
    monkeypatch.setattr(sample_preflight_plugin, "CHECKS", MaintenanceCheck(id="another"))

    with pytest.raises(LookupError, match="no longer gives 'sample_maintenance'"):
        run_check(check, cwd=tmp_path)


def test_g19_without_plugins_no_process_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has no plug-in pays for none."""
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("a process was made"))

    assert find_plugins([]) == ()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"", "not JSON"),
        (b"[" * 50_000, "not JSON"),
        (b"{}", "not a list of checks"),
        (b"[1]", "not a list of checks"),
        (b'[{"id": "x"}]', "not a list of checks"),
        (_line(id="a\nb"), "printable"),
        (_line(proves="\x1b[2J"), "printable"),
        (_line(proves="x" * 501), "printable"),
        (_line(proves="\ud800"), "printable"),
        (_line(timeout=float("nan")), "timeout"),
        (_line(timeout=10**400), "timeout"),
        (_line(network=0), "network"),
        (_line(requires="environment"), "requires"),
        (_line(imports=[None]), "imports"),
        (_line(more=1), "not a list of checks"),
        (b"[" + b" " * 70_000 + b"]", "longer than"),
    ],
)
def test_g19_what_the_other_process_says_is_checked(line: bytes, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plug-in can make its own process say anything; what is no sound description is refused here."""
    monkeypatch.setattr(plugins, "_describe", lambda _: line)

    with pytest.raises(RegistryError, match=says) as caught:
        find_plugins([SAMPLE_POINT])
    assert len(str(caught.value)) < 1200


def test_g19_what_a_plugin_raises_is_shown_without_secrets(installed: Path, tmp_path: Path) -> None:
    """Its message is foreign text: secrets and control characters are taken out."""
    site = _with_module(installed, tmp_path, "raise RuntimeError('token hunter2-hunter2 \\x1b[2J')")
    (tmp_path / ".env.paper").write_text("PREFLIGHT_TELEGRAM__TOKEN=hunter2-hunter2\n")

    run = _preflight("--env", "paper", site=site, cwd=tmp_path)

    assert run.returncode == 2
    assert "RuntimeError: token " in run.stderr
    assert "hunter2" not in run.stderr
    assert "\x1b" not in run.stderr


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
    found = find_plugins([SAMPLE_POINT])
    registry = with_plugins(Registry((MaintenanceCheck(id="environment", requires=()),)), found)

    assert [check.id for check in registry.checks] == ["environment", "sample_maintenance"]


def test_the_testing_helper_runs_a_check_with_fakes(tmp_path: Path) -> None:
    """`run_check` gives the outcome that the gate would receive."""
    assert run_check(MaintenanceCheck(), cwd=tmp_path).status is Status.PASS
    (tmp_path / "maintenance").touch()
    assert run_check(MaintenanceCheck(), cwd=tmp_path).status is Status.FAIL
