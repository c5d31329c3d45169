"""Which leg a test is in, and that a run of some legs is exactly these lines of the list."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from acceptance.gates import collection
from tests.acceptance.gates.sample import PLUGINS, PYPROJECT, Sample

pytestmark = pytest.mark.leg("system")

MARKED = "import pytest\npytestmark = pytest.mark.{mark}\ndef test_it(): pass\n"
FILES: Mapping[str, tuple[str, str]] = {
    "pure": ("def test_it(): assert 1 + 1 == 2\n", "pure"),
    "starts": ("import subprocess\ndef test_it(): subprocess.run(['true'])\n", "servers"),
    "listens": ("from http.server import HTTPServer\ndef test_it(): HTTPServer(('', 0), None)\n", "servers"),
    "fixture": ("def test_it(pytester): pass\n", "servers"),
    "override": ("import pytest, subprocess\n" + MARKED.format(mark="leg('pure')"), "pure"),
    "slow": (MARKED.format(mark="leg('servers')"), "servers"),
    "whole": (MARKED.format(mark="leg('system')"), "system"),
    "one_of_two": (MARKED.format(mark="leg('system')").replace("def", "@pytest.mark.leg('servers')\ndef"), "servers"),
    "browser": (MARKED.format(mark="browser"), "browser"),
    "compose": (MARKED.format(mark="compose"), "docker"),
    "debian": (MARKED.format(mark="debian"), "docker"),
    "alone": (MARKED.format(mark="compose").replace("def", "@pytest.mark.alone\ndef"), "alone"),
    "engine": (MARKED.format(mark="engine"), "engine"),
    "both": (MARKED.format(mark="compose").replace("def", "@pytest.mark.engine\ndef"), "engine"),
}


@pytest.fixture
def legs(sample: Sample) -> Sample:
    """The sample with one file for each way of belonging somewhere, and nothing else."""
    marks = ["browser: x", "compose: x", "debian: x", "alone: x", "engine: x", "leg(name): x"]
    sample.write(
        {
            "pyproject.toml": PYPROJECT.replace('markers = ["slow: takes long"]', f"markers = {json.dumps(marks)}"),
            **{f"tests/test_{name}.py": None for name in ("one", "two", "three")},
            **{f"tests/test_{name}.py": text for name, (text, _) in FILES.items()},
        }
    )
    return sample


def test_marks_first_then_words(legs: Sample) -> None:
    """A mark decides; without one, whether the file or a fixture starts something."""
    found = collection.collect(legs.folder, "tests")
    assert found == {f"tests/test_{name}.py::test_it": leg for name, (_, leg) in FILES.items()}


@pytest.mark.parametrize(
    "wanted", [("pure",), ("pure", "servers"), ("system",), ("browser",), ("docker",), ("alone",), ("engine",)]
)
def test_a_run_of_some_legs(legs: Sample, wanted: tuple[str, ...]) -> None:
    """Exactly the tests of these legs run; files that can have none are not even imported."""
    if "servers" not in wanted:
        legs.write({"tests/test_broken.py": "import no_such_module\nimport subprocess\n"})
    if "system" not in wanted:
        whole = "import pytest\nimport no_such_module\npytestmark = pytest.mark.leg('system')\n"
        legs.write({"tests/test_broken_system.py": whole})
    options = [word for leg in wanted for word in ("--leg", leg)]
    outcome = legs.run(*options, plugins=[*PLUGINS, "acceptance.gates.legs", "pytester"])
    assert set(outcome.tests) == {f"tests/test_{name}.py::test_it" for name, (_, leg) in FILES.items() if leg in wanted}
