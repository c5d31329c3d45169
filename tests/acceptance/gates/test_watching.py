"""A suite with the evidence plug-in run by itself, without a gate: it is compared with its list, and less ends with 1.

The sample has the same plug-ins as `acceptance/conftest.py`; a run of the real suite shows that it is wired so.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from acceptance.gates.interface import PROJECT
from tests.acceptance.gates.sample import FILES, Sample

pytestmark = pytest.mark.leg("system")

CONFTEST = """
from pathlib import Path
import pytest
from acceptance import evidence_plugin
from acceptance.gates import witness

def pytest_addoption(parser, pluginmanager):
    evidence_plugin.add_options(parser, pluginmanager)

@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    config.pluginmanager.register(witness)
    here = Path(__file__).parent
    evidence_plugin.register(config, suite=here / "tests", expected=here / "tests" / "expected.txt")
"""
DROPS = "def pytest_collection_modifyitems(items): del items[1:]\n"
TURNS = (
    "import pytest\n@pytest.hookimpl(wrapper=True)\ndef pytest_runtest_makereport():\n"
    "    report = yield\n    report.outcome = 'passed'\n    return report\n"
)
ONE, THREE = FILES["tests/test_one.py"], FILES["tests/test_three.py"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A run of pytest as a person starts it."""

    code: int
    said: str


def _pytest(folder: Path, *words: str, **variables: str) -> Ended:
    dropped = ("PYTEST_", "PREFLIGHT_", "EVIDENCE_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    done = subprocess.run(
        (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words),
        cwd=folder,
        env={**kept, "PYTHONPATH": str(PROJECT), **variables},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    return Ended(code=done.returncode, said=done.stdout + done.stderr)


@pytest.fixture
def suite(sample: Sample) -> Sample:
    """The sample with the plug-ins of the acceptance suite."""
    sample.write({"conftest.py": CONFTEST, "drops.py": DROPS, "turns.py": TURNS})
    return sample


def test_all_of_it_ends_with_0(suite: Sample) -> None:
    """Exactly the list, so nothing is missing but the other gates."""
    ended = _pytest(suite.folder, "tests")
    assert ended.code == 0, ended.said
    assert "7 of 7 passed" in ended.said


OPTIONS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "-k": (("tests", "-k", "alone"), "4 had to run and did not: tests/test_one.py::test_numbers"),
    "-m": (("tests", "-m", "not slow"), "1 had to run and did not: tests/test_one.py::test_slow"),
    "--deselect": (
        ("tests", "--deselect", "tests/test_three.py::test_alone"),
        "did not: tests/test_three.py::test_alone",
    ),
    "--ignore": (("tests", "--ignore", "tests/test_three.py"), "did not: tests/test_three.py::test_alone"),
    "a narrowed path": (("tests/test_one.py",), "3 had to run and did not: tests/test_three.py::test_alone"),
    "one id": (("tests/test_one.py::test_slow",), "4 had to run and did not: tests/test_one.py::test_numbers"),
    "-o": (("tests", "-o", "python_files=test_one.py"), "did not: tests/test_three.py::test_alone"),
    "--setup-only": (("tests", "--setup-only"), "7 did not come to an end"),
    "-p no:junitxml": (("tests", "-p", "no:junitxml"), "do not switch it off"),
}


@pytest.mark.parametrize("row", OPTIONS)
def test_options(suite: Sample, row: str) -> None:
    """What leaves something out ends with another code than 0 and says what."""
    words, reason = OPTIONS[row]
    ended = _pytest(suite.folder, *words)
    assert ended.code != 0, ended.said
    assert reason in ended.said


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"PYTEST_ADDOPTS": "-k alone"}, "4 had to run and did not"),
        ({"PYTEST_PLUGINS": "drops"}, "4 had to run and did not"),
        ({"PYTEST_PLUGINS": "turns"}, "1 failed: tests/test_three.py::test_alone"),
    ],
    ids=["PYTEST_ADDOPTS", "a plug-in that drops items", "a plug-in that turns results"],
)
def test_the_environment(suite: Sample, variables: Mapping[str, str], reason: str) -> None:
    """What the environment brings along is not kept out here, so its effect has to be seen."""
    if variables.get("PYTEST_PLUGINS") == "turns":
        suite.write({"tests/test_three.py": "def test_alone(): assert 0\n"})
    ended = _pytest(suite.folder, "tests", **{**variables, "PYTHONPATH": f"{PROJECT}:{suite.folder}"})
    assert ended.code == 1, ended.said
    assert reason in ended.said


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"tests/test_three.py": None}, "1 had to run and did not: tests/test_three.py::test_alone"),
        ({"tests/test_one.py": ONE.replace("_slow", "_fast")}, "are not in the list: tests/test_one.py::test_fast"),
        (
            {"tests/test_three.py": THREE.replace("pass", "__import__('pytest').skip('no')")},
            "1 skipped: tests/test_three.py::test_alone",
        ),
        (
            {"tests/conftest.py": "import pytest\npytest.skip = lambda *_: None\n"},
            "pytest.skip was replaced: what this test reports cannot be believed",
        ),
        (
            {"tests/test_three.py": THREE.replace("pass", "__import__('pytest').exit('no', returncode=0)")},
            "1 did not come to an end: tests/test_three.py::test_alone",
        ),
        ({"tests/expected.txt": None}, "INCOMPLETE"),
    ],
    ids=["a file deleted", "a test renamed", "pytest.skip", "a patched pytest.skip", "pytest.exit", "the list deleted"],
)
def test_changes_of_the_tests(suite: Sample, files: Mapping[str, str | None], reason: str) -> None:
    """What is done to the tests ends with 1 and is named."""
    suite.write(files)
    ended = _pytest(suite.folder, "tests")
    assert ended.code == 1, ended.said
    assert reason in ended.said


def test_a_run_that_just_ends_leaves_no_sealed_bundle(suite: Sample) -> None:
    """Nothing inside helps against `os._exit(0)`: the bundle is INCOMPLETE, and only a gate ends with another code."""
    suite.write({"tests/test_three.py": "import os\ndef test_alone(): os._exit(0)\n"})
    _pytest(suite.folder, "tests")
    assert not (suite.folder / "artifacts" / "latest" / "manifest.json").exists()


@pytest.mark.timeout(300)
def test_the_real_suite_is_wired_so(tmp_path: Path) -> None:
    """One test of it, which needs no stack, passes; the run is PARTIAL, ends with 1, and its record says so."""
    test = "acceptance/test_rules.py::test_each_alert_does_what_its_promtool_tests_say"
    ended = _pytest(PROJECT, test, "--stack", "embedded", "--evidence-dir", str(tmp_path))
    assert ended.code == 1, ended.said
    assert "= 1 passed in" in ended.said
    record = json.loads((tmp_path / "latest" / "gates" / "e2e-embedded.json").read_text(encoding="utf-8"))
    assert (record["result"], record["expected_file"]) == ("PARTIAL", "acceptance/expected.txt")
    assert "had to run and did not: acceptance/" in "".join(record["reasons"])
