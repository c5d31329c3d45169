"""The committed lists: what is written into them, and that they are what pytest collects."""

from __future__ import annotations

from pathlib import Path

import pytest

from acceptance.gates import collection, expected
from acceptance.gates.expected import ExpectedError
from acceptance.gates.interface import PROJECT
from tests.acceptance.gates.sample import IDS, Sample

pytestmark = pytest.mark.leg("system")

LEGS = {**dict.fromkeys(IDS, "pure"), "tests/test_three.py::test_alone": "docker"}


def test_a_line_for_each_function(tmp_path: Path) -> None:
    """Leg, number, hash and name, sorted; the order of the cases does not matter, their ids do."""
    text = expected.make(LEGS)
    lines = [line.split() for line in text.splitlines() if not line.startswith("#")]
    assert [(leg, cases, name) for leg, cases, _, name in lines] == [
        ("pure", "3", "tests/test_one.py::test_numbers"),
        ("pure", "1", "tests/test_one.py::test_slow"),
        ("docker", "1", "tests/test_three.py::test_alone"),
        ("pure", "1", "tests/test_two.py::TestIt::test_first"),
        ("pure", "1", "tests/test_two.py::TestIt::test_second"),
    ]
    assert expected.make(dict(reversed(LEGS.items()))) == text
    path = tmp_path / "list.txt"
    path.write_text(text, encoding="utf-8")
    _, whole = expected.read(path)
    assert list(whole.differences(IDS)) == []
    _, docker = expected.read(path, legs=["docker"])
    assert set(docker.functions) == {"tests/test_three.py::test_alone"}
    _, one = expected.read(path, files=["tests/test_one.py"])
    assert set(one.functions) == {"tests/test_one.py::test_numbers", "tests/test_one.py::test_slow"}


def test_a_function_is_in_one_leg() -> None:
    """A mark on some cases only could not be listed in one line."""
    with pytest.raises(ExpectedError, match="test_numbers has cases in the legs docker, pure: mark the whole"):
        expected.make({**LEGS, IDS[0]: "docker"})


def test_updating_is_collecting(sample: Sample) -> None:
    """What changed is said; afterwards nothing differs; a file that cannot be imported is named."""
    assert collection.differences(sample.folder, "tests", expected.TESTS) == []
    sample.write({"tests/test_four.py": "def test_new(): pass\n"})
    assert collection.differences(sample.folder, "tests", expected.TESTS) == [
        "tests/expected.txt: 1 ran and are not in the list: tests/test_four.py::test_new"
    ]
    said = collection.update(sample.folder, "tests", expected.TESTS)
    assert said == "tests/expected.txt: 1 lines new, 0 gone, 8 tests"
    assert collection.differences(sample.folder, "tests", expected.TESTS) == []
    sample.write({"tests/test_four.py": "import no_such_module\n"})
    with pytest.raises(collection.CollectionError, match="no_such_module"):
        collection.update(sample.folder, "tests", expected.TESTS)


def test_a_test_that_moves_to_another_leg_is_seen(sample: Sample) -> None:
    """A mark that is lost would let a test of containers run where there are none."""
    text = (sample.folder / expected.TESTS).read_text(encoding="utf-8")
    sample.write({expected.TESTS: text.replace("pure  ", "docker", 1)})
    assert collection.differences(sample.folder, "tests", expected.TESTS) == [
        "tests/expected.txt: tests have moved to another leg"
    ]


def test_the_committed_list_of_the_acceptance_suite_is_current() -> None:
    """The list of `tests/` is held to its own run by the core gate; collecting it here would take a minute."""
    assert collection.differences(PROJECT, "acceptance", expected.ACCEPTANCE) == []
