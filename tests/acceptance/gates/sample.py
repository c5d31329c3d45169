"""A small project with tests of its own and a list of them, on which gates are tried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from acceptance.gates import expected, gate
from acceptance.gates.gate import Plan
from acceptance.gates.lanes import Tests
from acceptance.gates.pytest_run import PytestRun
from evidence.verdict.gate import GateOutcome

PYPROJECT = """
[tool.pytest.ini_options]
addopts = "--import-mode=importlib --strict-markers"
pythonpath = ["."]
markers = ["slow: takes long"]
"""
FILES: Mapping[str, str] = {
    "pyproject.toml": PYPROJECT,
    "tests/conftest.py": "",
    "tests/test_one.py": (
        "import pytest\n"
        "@pytest.mark.parametrize('n', [1, 2, 3])\n"
        "def test_numbers(n): assert n\n"
        "@pytest.mark.slow\n"
        "def test_slow(): pass\n"
    ),
    "tests/test_two.py": "class TestIt:\n    def test_first(self): pass\n    def test_second(self): pass\n",
    "tests/test_three.py": "def test_alone(): pass\n",
}
IDS = (
    *(f"tests/test_one.py::test_numbers[{n}]" for n in (1, 2, 3)),
    "tests/test_one.py::test_slow",
    "tests/test_two.py::TestIt::test_first",
    "tests/test_two.py::TestIt::test_second",
    "tests/test_three.py::test_alone",
)
PLUGINS = ("acceptance.gates.witness", "pytest_reportlog.plugin")


@dataclass(frozen=True, slots=True)
class Sample:
    """The project in a folder."""

    folder: Path
    said: list[str] = field(default_factory=list)  # what the gates printed

    def write(self, files: Mapping[str, str | None]) -> None:
        """Write files; None removes one."""
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                path.unlink()
            else:
                path.write_text(text, encoding="utf-8")

    def run(
        self, *options: str, paths: Sequence[str] = ("tests",), plugins: Sequence[str] = PLUGINS, workers: bool = False
    ) -> GateOutcome:
        """Run its gate, as real ones run, and give the verdict."""
        more = ("-n", "1") if workers else ()
        run = PytestRun(
            project=self.folder,
            paths=tuple(paths),
            report_log=self.folder / "reportlog.jsonl",
            options=(*options, *more),
            plugins=(*plugins, *(("xdist.plugin",) if workers else ())),
        )
        plan = Plan(
            gate="core", lanes=((Tests(name="unit", run=run),),), log="full_regression.log", list_file=expected.TESTS
        )
        outcome, _ = gate.run(plan, self.folder, lambda _, line: self.said.append(line))
        return outcome


def make(folder: Path) -> Sample:
    """Write the project and its list."""
    sample = Sample(folder)
    sample.write(FILES)
    sample.write({expected.TESTS: expected.make(dict.fromkeys(IDS, "pure"))})
    return sample
