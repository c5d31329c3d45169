from __future__ import annotations

import base64
import gzip
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from evidence import manifest
from evidence.bundle import layout
from evidence.bundle.files import listed
from evidence.bundle.run import open_run
from evidence.bundle.seal import seal
from evidence.verify import Kind, verify

pytest_plugins = ["pytester"]

pytestmark = pytest.mark.leg("system")

ROOT = Path(__file__).parents[2]
SECRET = "pa'ss&<w\"rd/+한"
CONFTEST = """
from pathlib import Path
import pytest
from acceptance import evidence_plugin as plugin_module

def pytest_addoption(parser, pluginmanager):
    plugin_module.add_options(parser, pluginmanager)

@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    plugin_module.register(config, suite=Path(__file__).parent)
"""
PASSING = "def test_one(): pass\ndef test_two(): pass\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A finished pytest run in a project of its own."""

    status: int
    lines: list[str]  # standard output
    project: Path

    @property
    def bundle(self) -> Path:
        """The bundle that `latest` points to."""
        return self.project / "artifacts" / "latest"

    @property
    def manifest(self) -> dict[str, Any]:
        """Its manifest."""
        return manifest.read(self.bundle)


Runner = Callable[..., Run]
OPTIONS = ("-p", "pytest_reportlog.plugin", "-p", "no:cacheprovider", "-W", "error")


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the plug-in and no other third-party one than the report log."""
    for variable in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeconftest(CONFTEST)
    pytester.makeini("[pytest]\n")
    return pytester.path


@pytest.fixture
def run(project: Path, pytester: pytest.Pytester) -> Runner:
    """Runs pytest in this process on a test file."""

    def run_here(content: str, *options: str, **files: str) -> Run:
        for name, text in {"test_a": content, **files}.items():
            (project / f"{name}.py").write_text(text)
        done = pytester.runpytest_inprocess(*OPTIONS, *options, no_reraise_ctrlc=True)
        return Run(status=int(done.ret), lines=[*done.outlines, *done.errlines], project=project)

    return run_here


@pytest.fixture
def spawn(project: Path) -> Runner:
    """Runs pytest in a process of its own, for what a process does not survive."""

    def run_apart(content: str, *options: str) -> Run:
        (project / "test_a.py").write_text(content)
        argv = [sys.executable, "-m", "pytest", *OPTIONS, *options]
        done = subprocess.run(argv, cwd=project, capture_output=True, text=True, check=False, timeout=60)
        return Run(status=done.returncode, lines=(done.stdout + done.stderr).splitlines(), project=project)

    return run_apart


def holds(folder: Path, *texts: str) -> list[str]:
    """Names of the files that hold one of the texts."""
    found = []
    for name in listed(folder):
        data = (folder / name).read_bytes()
        data = gzip.decompress(data) if name.endswith(layout.PACKED) else data
        found += [name for text in texts if text.encode() in data]
    return found


def sound(folder: Path) -> bool:
    """Tell whether the bundle is as it was sealed, whatever its result."""
    return not [one for one in verify(folder).violations if one.kind is Kind.INVALID]


def gate(done: Run) -> dict[str, Any]:
    """What the manifest says of the only gate."""
    facts: dict[str, Any]
    (facts,) = done.manifest["gates"].values()
    return facts


def test_a_run_that_passes(run: Runner) -> None:
    """Its bundle says how the gate went, that it is one gate only, and holds the records; its path is the last line."""
    done = run(PASSING)
    assert done.status == 0
    assert done.lines[-2] == (
        "evidence PASSED (tests only): 2 of 2 passed; "
        "grafana: none that answered; UNSIGNED (there is no commit that a statement could be about). The bundle:"
    )
    assert done.lines[-1] == f"artifacts/{done.bundle.resolve().name}"
    assert (gate(done)["result"], gate(done)["passed"], gate(done)["counts"]["passed"]) == ("FULL", True, 2)
    assert done.manifest["result"] == "PASSED"
    assert set(done.manifest["files"]) == {
        "run.json", "sbom.cdx.json", "gates/tests.json", "gates/tests.collection.json", "gates/tests.junit.xml.gz",
        "gates/tests.reportlog.jsonl.gz", "tests.log", "tests/docker_status.txt", "report.html",
    }  # fmt: skip
    assert sound(done.bundle)


def test_a_bundle_of_several_gates_is_joined_and_not_sealed(
    run: Runner, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With EVIDENCE_BUNDLE the run writes its part, says so, and leaves the sealing to whoever opened it."""
    path = open_run(project / "artifacts", project=project, command=("make", "test"))
    monkeypatch.setenv(layout.VARIABLE, str(path))
    done = run(PASSING)
    assert (done.status, done.bundle.resolve()) == (0, path)
    assert done.lines[-2] == (
        "evidence tests FULL, passed: 2 of 2 passed; grafana: none that answered; not sealed yet. The bundle:"
    )
    assert not (path / layout.MANIFEST).exists()
    assert seal(path).manifest["gates"]["tests"]["passed"]


def test_in_a_bundle_of_several_gates_less_is_a_failure(
    run: Runner, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What may be left out by hand may not be left out of `make test`."""
    monkeypatch.setenv(layout.VARIABLE, str(open_run(project / "artifacts", project=project)))
    assert run(PASSING, "-k", "one").status == 1


@pytest.mark.parametrize("path", ["gone", "."])
def test_a_bundle_that_is_none_stops_the_run(run: Runner, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """No tests without a place for the evidence; the sentence names it."""
    monkeypatch.setenv(layout.VARIABLE, path)
    done = run(PASSING)
    assert done.status == 4
    assert "is not a bundle" in "\n".join(done.lines)


def test_a_list_of_tests_is_compared(run: Runner, project: Path) -> None:
    """With a list a run of anything else is PARTIAL, and the list as it was used is in the bundle."""
    (project / "expected.txt").write_text("test_a.py::test_one\ntest_a.py::test_two\n")
    assert gate(run(PASSING, "--expect-tests", "expected.txt"))["result"] == "FULL"
    done = run("def test_one(): pass\n", "--expect-tests", "expected.txt")
    assert gate(done)["reasons"] == ["1 had to run and did not: test_a.py::test_two"]
    assert (done.bundle / layout.gate_expected("tests")).read_bytes() == (project / "expected.txt").read_bytes()
    assert json.loads((done.bundle / layout.gate_record("tests")).read_text())["expected_file"] == "expected.txt"


@pytest.mark.parametrize(
    ("content", "options", "result", "status", "count"),
    [
        ("def test_x(): assert 0\n", [], "FAILED", 1, {"failed": 1}),
        ("import no_such_module\n", [], "FAILED", 2, {"error": 1}),
        ("import pytest\n@pytest.fixture\ndef f(): raise OSError\ndef test_x(f): pass\n", [], "FAILED", 1,
         {"error": 1, "failed": 0}),
        ("import pytest\n@pytest.fixture\ndef f():\n yield\n raise OSError\ndef test_x(f): pass\n", [],
         "FAILED", 1, {"error": 1, "passed": 0}),
        ("import pytest\n@pytest.fixture\ndef f():\n yield\n raise OSError\ndef test_x(f): assert 0\n", [],
         "FAILED", 1, {"error": 0, "failed": 1}),
        (PASSING + "import pytest\n@pytest.mark.skip\ndef test_x(): pass\n", [], "PARTIAL", 1, {"skipped": 1}),
        (PASSING + "import pytest\n@pytest.mark.xfail\ndef test_x(): assert 0\n", [], "PARTIAL", 1,
         {"xfailed": 1}),
        ("import pytest\npytest.skip('no', allow_module_level=True)\n", [], "PARTIAL", 5,
         {"skipped": 1}),
        (PASSING, ["-k", "one"], "PARTIAL", 0, {"passed": 1}),
        (PASSING, ["--deselect", "test_a.py::test_one"], "PARTIAL", 0, {}),
        (PASSING, ["-k", "nothing"], "FAILED", 5, {}),
        ("", [], "FAILED", 5, {}),
        (PASSING, ["test_a.py::test_one"], "PARTIAL", 0, {"passed": 1}),
        (PASSING, ["test_a.py"], "PARTIAL", 0, {}),
        (PASSING, ["--setup-only"], "INCOMPLETE", 1, {}),
        ("def test_x(): assert 0\n" + PASSING, ["-x"], "FAILED", 1, {}),
        ("def test_one(): pass\ndef test_x(): raise KeyboardInterrupt\ndef test_y(): pass\n", [],
         "INCOMPLETE", 2, {"passed": 1}),
        ("import pytest\ndef test_x(): pytest.exit('enough', returncode=0)\n" + PASSING, [],
         "INCOMPLETE", 1, {}),
        ("def test_x(subtests):\n with subtests.test():\n  assert 0\n", [], "FAILED", 1,
         {"failed": 1}),
    ],
    ids=[
        "fail", "import", "setup", "teardown", "fail and teardown", "skip", "xfail", "module skip", "-k",
        "--deselect", "-k nothing", "no tests", "one id", "one file", "--setup-only", "-x", "ctrl-c",
        "pytest.exit 0", "subtest",
    ],
)  # fmt: skip
def test_anything_less_is_not_passed(
    *, run: Runner, content: str, options: list[str], result: str, status: int, count: dict[str, int]
) -> None:
    """Each way of proving less has its honest result, a closed bundle that checks, and the path last."""
    done = run(content, *options)
    said = done.manifest
    assert (said["result"], done.status) == (result, status)
    assert {name: said["counts"][name] for name in count} == count
    assert done.lines[-2].startswith(f"evidence {result} (tests only): ")
    assert done.lines[-1] == f"artifacts/{done.bundle.resolve().name}"
    assert not gate(done)["passed"]
    assert sound(done.bundle)


def test_an_ignored_file_makes_it_partial(run: Runner) -> None:
    """What pytest passes over without reporting is seen from the options."""
    done = run(PASSING, "--ignore", "test_b.py", test_b=PASSING)
    assert gate(done)["result"] == "PARTIAL"
    assert "ignored: " in done.lines[-2]


def test_secrets_are_in_no_file(run: Runner) -> None:
    """Printed, logged, asserted, raised, warned, handed in and in ids: the value is nowhere in the bundle."""
    done = run(
        f"SECRET = {SECRET!r}\n"
        "import base64, json, pytest\n"
        "@pytest.fixture(autouse=True, scope='session')\n"
        "def stack(evidence_plugin, bundle):\n"
        "    evidence_plugin.know_secrets([SECRET])\n"
        "    yield\n"
        "    evidence_plugin.add_service_log('redis', 'auth ' + SECRET)\n"
        "    evidence_plugin.set_stack_status('redis ' + SECRET)\n"
        "    evidence_plugin.set_versions({'redis': {'version': SECRET, 'source': 'path'}})\n"
        "    bundle.add_json('settings.json', {'dsn': SECRET})\n"
        "def test_print():\n"
        "    print(SECRET, json.dumps(SECRET), base64.b64encode(b'user:' + SECRET.encode()).decode())\n"
        "    assert SECRET == 'other'\n"
        "@pytest.mark.parametrize('value', [SECRET])\n"
        "def test_raise(value):\n"
        "    raise ValueError(f'cannot reach redis://:{SECRET}@host')\n"
        "@pytest.mark.filterwarnings('default')\n"
        "def test_warn(record_property):\n"
        "    import warnings\n"
        "    warnings.warn(SECRET)\n"
        "    record_property('dsn', SECRET)\n"
    )
    assert (done.status, done.manifest["result"]) == (1, "FAILED")
    spellings = [SECRET, json.dumps(SECRET)[1:-1], "pa'ss&amp;&lt;w", "pa\\'ss", 'w\\\\"rd', 'w\\\\\\"rd']
    encoded = base64.b64encode(b"user:" + SECRET.encode()).decode()
    assert holds(done.bundle, *spellings, encoded) == []
    assert set(holds(done.bundle, "***")) >= {
        "tests/docker_status.txt", "tests.log", "gates/tests.junit.xml.gz", "tests/logs/redis.log",
        "tests/settings.json", "tests/versions.json",
    }  # fmt: skip
    log = gzip.decompress((done.bundle / "gates/tests.reportlog.jsonl.gz").read_bytes())
    assert b"***" in log
    assert [text for text in (*spellings, encoded) if text.encode() in log] == []
    assert sound(done.bundle)


def test_a_secret_known_too_late_fails_the_run(run: Runner) -> None:
    """A run whose evidence would have leaked does not end with 0, and its bundle stays INCOMPLETE."""
    done = run(
        "def test_late(bundle):\n"
        "    bundle.add_text('early.log', 'opensesame-1')\n"
        "    bundle.know_secret('opensesame-1')\n"
    )
    assert done.status == 1
    assert done.lines[-2].startswith("evidence INCOMPLETE: a known secret stood in tests/early.log")
    assert done.lines[-1].startswith("artifacts/")
    assert holds(done.bundle, "opensesame-1") == []
    assert not (done.bundle / "manifest.json").exists()


def test_a_killed_run_is_incomplete(run: Runner, spawn: Runner) -> None:
    """After kill -9: no manifest, `latest` is that bundle, no secret in it, and its log says how far it came."""
    run(PASSING)
    done = spawn(
        "import os, signal\n"
        "def test_one(evidence_plugin):\n"
        "    evidence_plugin.know_secrets(['opensesame-1'])\n"
        "    print('opensesame-1')\n"
        "    assert 'opensesame-1' == 'other'\n"
        "def test_x(): os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert done.status == -signal.SIGKILL
    assert not (done.bundle / "manifest.json").exists()
    assert "FAILED  test_a.py::test_one" in (done.bundle / "tests.log").read_text()
    assert "test_a.py::test_one" in (done.bundle / "gates/tests.reportlog.jsonl").read_text()
    assert holds(done.bundle, "opensesame-1") == []
    assert len(json.loads((done.bundle / "gates/tests.collection.json").read_text())["selected"]) == 2


def test_a_recorded_stack(run: Runner) -> None:
    """States, versions and logs of a stack are taken down; a log that cannot be read hides no other."""
    done = run(
        "from acceptance.stack.interface import ServiceState, StackError\n"
        "from evidence.grafana import GrafanaKind, GrafanaUsed\n"
        "class Stack:\n"
        "    name = 'embedded'\n"
        "    secrets = ('opensesame-1',)\n"
        "    grafana = GrafanaUsed(kind=GrafanaKind.STANDIN, version='0.0.0-standin')\n"
        "    def versions(self): return {'redis': {'version': '7.0.15', 'source': 'path'}}\n"
        "    def services(self):\n"
        "        return [ServiceState(name=n, running=True, healthy=n == 'redis', version='7', detail='pid 7')\n"
        "            for n in ('grafana', 'redis')]\n"
        "    def logs(self, service):\n"
        "        if service == 'grafana': raise StackError('gone')\n"
        "        return 'password opensesame-1'\n"
        "def test_x(evidence_plugin): evidence_plugin.record_stack(Stack())\n"
    )
    assert done.status == 0
    assert (done.bundle / "tests/logs/redis.log").read_text() == "password ***"
    assert "could not be read: gone" in (done.bundle / "tests/logs/grafana.log").read_text()
    assert "grafana: stand-in\n" in (done.bundle / "tests/docker_status.txt").read_text()
    versions = json.loads((done.bundle / "tests/versions.json").read_text())
    assert (versions["grafana"]["kind"], versions["services"]["redis"]["version"]) == ("stand-in", "7.0.15")
    assert (
        "; grafana: stand-in; UNSIGNED (there is no commit that a statement could be about). The bundle:"
        in "\n".join(done.lines)
    )
    assert "grafana        yes      NO" in (done.bundle / "tests/docker_status.txt").read_text()


def test_the_folder_can_be_named(run: Runner, project: Path) -> None:
    """`--evidence-dir` is where bundles go, and the path printed is where it is."""
    done = run(PASSING, "--evidence-dir", str(project / "elsewhere"))
    assert done.lines[-1].startswith("elsewhere/")
    assert manifest.read(project / done.lines[-1])["gates"]["tests"]["passed"]
    assert not (project / "artifacts").exists()


def test_a_folder_that_cannot_be_made_stops_the_run(run: Runner) -> None:
    """No tests without a place for the evidence; the sentence names it."""
    done = run(PASSING, "--evidence-dir", "test_a.py")
    assert done.status == 4
    assert "test_a.py" in "\n".join(done.lines)


def test_files_the_caller_asked_for_are_copies(run: Runner) -> None:
    """`--junitxml` and `--report-log` still work, and are as clean as the bundle's own."""
    done = run(
        "def test_x(evidence_plugin):\n    evidence_plugin.know_secrets(['opensesame-1'])\n"
        "    print('opensesame-1')\n    assert 0\n",
        "--junitxml", "mine.xml", "--report-log", "mine.jsonl",
    )  # fmt: skip
    assert (done.project / "mine.xml").read_bytes() == gzip.decompress(
        (done.bundle / "gates/tests.junit.xml.gz").read_bytes()
    )
    assert (done.project / "mine.jsonl").read_bytes() == gzip.decompress(
        (done.bundle / "gates/tests.reportlog.jsonl.gz").read_bytes()
    )
    assert "opensesame" not in (done.project / "mine.xml").read_text()


@pytest.mark.parametrize("option", ["--collect-only", "--help", "--fixtures", "--markers"])
def test_no_bundle_where_nothing_runs(run: Runner, option: str) -> None:
    """Looking around leaves no evidence."""
    done = run(PASSING, option)
    assert done.status == 0
    assert not (done.project / "artifacts").exists()


def test_a_recorder_switched_off_stops_the_run(run: Runner) -> None:
    """Without JUnit XML the counts could not be checked, so no test runs."""
    done = run(PASSING, "-p", "no:junitxml")
    assert done.status == 4
    assert "evidence needs pytest's plug-in junitxml" in "\n".join(done.lines)


def test_ctrl_c_closes_the_bundle(spawn: Runner) -> None:
    """A real SIGINT in a running test: INCOMPLETE, closed, and the path still last."""
    done = spawn(
        "import os, signal, threading\n"
        "def test_x():\n    os.kill(os.getpid(), signal.SIGINT)\n    threading.Event().wait(30)\n"
    )
    assert done.status == 2
    assert done.lines[-2].startswith("evidence INCOMPLETE (tests only): 0 of 1 passed; tests: ")
    assert "did not come to an end: test_a.py::test_x" in done.lines[-2]
    assert manifest.read(done.project / done.lines[-1])["result"] == "INCOMPLETE"
    assert "INTERRUPTED KeyboardInterrupt" in (done.bundle / "tests.log").read_text()
    assert sound(done.bundle)
