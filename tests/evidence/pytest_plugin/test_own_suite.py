"""A project that has nothing to do with this one: its suite leaves a bundle through the installed plug-in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from evidence.attest import keys
from evidence.cli import main
from evidence.verify import Kind, verify

pytestmark = pytest.mark.leg("system")

TESTS = """\
import pytest

@pytest.mark.parametrize("number", [1, 2])
def test_adds(number):
    assert number + 1 > number

def test_reads():
    assert "a" in "abc"
"""


@dataclass(frozen=True, slots=True)
class Project:
    """A folder with a suite of its own, in git."""

    root: Path

    def pytest(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run its suite as its people do: the installed plug-in is found by itself."""
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "EVIDENCE", "COV"))
        }
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
            cwd=self.root,
            env={**environment, **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )

    @property
    def bundle(self) -> Path:
        """The one bundle that it has left."""
        (found,) = [path for path in (self.root.parent / "evidence").iterdir() if not path.is_symlink()]
        return found


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """One commit, a clean tree."""
    root = tmp_path / "theirs"
    (root / "checks").mkdir(parents=True)
    (root / "checks" / "test_theirs.py").write_text(TESTS)
    (root / "pytest.ini").write_text("[pytest]\ntestpaths = checks\n")
    (root / ".gitignore").write_text("__pycache__/\n")
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    for words in (("init", "--quiet"), ("add", "--all"), (*identity, "commit", "--quiet", "--message", "x")):
        subprocess.run(["git", "-C", str(root), *words], check=True, timeout=60)
    return Project(root)


def test_it_is_off_until_it_is_asked_for(project: Project) -> None:
    """A run without `--evidence-dir` is as if it were not installed."""
    done = project.pytest()
    assert (done.returncode, "evidence" in done.stdout) == (0, False), done.stdout
    assert sorted(path.name for path in project.root.parent.iterdir()) == ["theirs"]


def test_a_whole_run_is_passed_and_verified(project: Project, tmp_path: Path) -> None:
    """Signed, verified by the same command, and no claim of another project in it."""
    public, _ = keys.generate(tmp_path / "key")
    done = project.pytest("--evidence-dir", "../evidence", EVIDENCE_SIGNING_KEY_FILE=str(tmp_path / "key"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "evidence PASSED (tests only): 3 of 3 passed; SIGNED" in done.stdout
    report = verify(project.bundle, key=keys.read_public(public))
    assert [str(one) for one in report.violations] == []
    assert not (project.bundle / "claims.json").exists()
    page = (project.bundle / "report.html").read_text(encoding="utf-8")
    assert "AC-2" not in page
    assert "PASSED" in page
    collection = json.loads((project.bundle / "gates/tests.collection.json").read_bytes())
    assert len(collection["selected"]) == 3


def test_a_failure_is_failed(project: Project) -> None:
    """The exit code stays that of pytest."""
    (project.root / "checks" / "test_theirs.py").write_text(TESTS.replace('"a" in', '"z" in'))
    done = project.pytest("--evidence-dir", "../evidence")
    assert done.returncode == 1
    assert "evidence FAILED (tests only): 2 of 3 passed" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("-k", "reads"), "2 deselected"),
        (("checks/test_theirs.py",), "only checks/test_theirs.py was asked for"),
        (("--ignore", "checks/other.py"), "ignored: "),
        (("-n", "1"), "workers of pytest-xdist"),
    ],
    ids=["selected", "narrowed", "ignored", "xdist"],
)
def test_less_than_everything_is_partial(arguments: tuple[str, ...], reason: str, project: Project) -> None:
    """And `verify` does not take it for a pass."""
    done = project.pytest("--evidence-dir", "../evidence", *arguments)
    assert "evidence PARTIAL" in done.stdout, done.stdout
    assert reason in done.stdout
    assert Kind.NOT_PASSING in {one.kind for one in verify(project.bundle).violations}


def test_a_list_of_tests_says_what_had_to_run(project: Project) -> None:
    """A test that is on the committed list and gone makes the run PARTIAL; with all of it, workers may run it."""
    ids = [f"checks/test_theirs.py::{name}" for name in ("test_adds[1]", "test_adds[2]", "test_reads", "test_gone")]
    (project.root / "expected.txt").write_text("\n".join(ids) + "\n")
    done = project.pytest("--evidence-dir", "../evidence", "--expect-tests", "expected.txt")
    assert "evidence PARTIAL" in done.stdout
    assert "test_gone" in done.stdout
    (project.root / "expected.txt").write_text("\n".join(ids[:3]) + "\n")
    again = project.pytest("--evidence-dir", "../more", "--expect-tests", "expected.txt", "-n", "1")
    assert "evidence PASSED" in again.stdout, again.stdout


def test_it_cannot_be_promoted(project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody's own suite says nothing of this project's claims."""
    public, _ = keys.generate(tmp_path / "key")
    project.pytest("--evidence-dir", "../evidence", EVIDENCE_SIGNING_KEY_FILE=str(tmp_path / "key"))
    assert main(["promote", str(project.bundle), "--key", str(public), "--root", str(project.root)]) == 1
    assert "lacks the gates fast, core, e2e-embedded, e2e-compose" in capsys.readouterr().err
