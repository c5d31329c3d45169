"""What a stack that did not start leaves in the evidence; the suite itself runs, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.leg("system")

ROOT = Path(__file__).parents[2]

BREAKING = """
from functools import partial
from pathlib import Path
from acceptance.stack.choice import choose
from acceptance.stack.compose.images import choose as images
{import_}
choose.{stack} = partial({stack}, {arguments})
"""


# A program is built for longer than any test may take, as on a machine that has none of them yet.
SLOW = """
from threading import Event
from acceptance.stack.choice import choose
from acceptance.stack.embedded import programs
from acceptance.stack.embedded.stack import EmbeddedStack
from acceptance.stack.interface import StackError

class Slow(EmbeddedStack):
    def __init__(self, *, progress, **given):
        def resolve(names):
            with progress.working("prometheus") as step:
                step("compiling")
                Event().wait(4.0)
            {then}
        super().__init__(progress=progress, resolve=resolve, **given)

choose.EmbeddedStack = Slow
"""


def _suite(folder: Path, *options: str, breaking: str) -> subprocess.CompletedProcess[str]:
    """Run acceptance tests with a plug-in that breaks something."""
    (folder / "breaking.py").write_text(breaking, encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PREFLIGHT_"))}
    return subprocess.run(
        (
            *(sys.executable, "-m", "pytest", *options),
            *("-p", "breaking", "-p", "no:cacheprovider", "--evidence-dir", str(folder / "artifacts")),
        ),
        cwd=ROOT,
        env={**kept, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def _bundle_of(folder: Path, *, stack: str, breaking: str) -> Path:
    """Run one file of tests on a stack that a plug-in has broken; return the stack's folder of its bundle."""
    run = _suite(folder, "acceptance/test_services.py", "--stack", stack, breaking=breaking)
    assert run.returncode == 1, run.stdout + run.stderr
    return folder / "artifacts" / "latest" / "e2e" / stack


def _row(status: str, service: str) -> list[str]:
    return next(line.split() for line in status.splitlines() if line.startswith(f"{service} "))


def test_k6_the_start_of_a_stack_is_nobodys_test_time(tmp_path: Path) -> None:
    """It may take longer than a test may, images being built; what it does meanwhile is shown."""
    test = "acceptance/test_services.py::test_grafana_has_its_datasource_from_git"
    slow = SLOW.format(then="return programs.resolve(names, progress=progress)")
    run = _suite(tmp_path, test, "--stack", "embedded", "--timeout", "3", breaking=slow)
    assert "= 1 passed in" in run.stdout, run.stdout + run.stderr
    assert "prometheus: compiling, " in run.stderr
    assert run.returncode == 1  # one test of many: PARTIAL


def test_a_build_that_fails_after_long_is_one_reason(tmp_path: Path) -> None:
    """Not one error for each test that needs the stack, and no test of the suite is said to have failed."""
    slow = SLOW.format(then="raise StackError('prometheus could not be built: no space left')")
    run = _suite(tmp_path, "acceptance", "--stack", "embedded", "--timeout", "3", breaking=slow)
    assert run.returncode == 1, run.stdout + run.stderr
    said = run.stdout + run.stderr
    assert said.count("the stack: prometheus could not be built: no space left") == 1, said
    assert "ERROR" not in said
    assert "FAILED" not in run.stdout.partition("evidence ")[0]


def test_k6_why_a_stack_cannot_start_is_said_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many tests need it: no error for each, one reason, and exit 1."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    run = _suite(tmp_path, "acceptance", "--stack", "compose", breaking="")
    assert run.returncode == 1, run.stdout + run.stderr
    said = run.stdout + run.stderr
    assert said.count("no Docker engine answers") == 1, said
    assert "ERROR" not in said
    log = (tmp_path / "artifacts" / "latest" / "e2e_compose.log").read_text(encoding="utf-8")
    assert "THE STACK DID NOT START\nno Docker engine answers" in log


def test_an_embedded_stack_that_does_not_start_leaves_states_and_logs(tmp_path: Path) -> None:
    """The broken service is named with its error, the others as they were, each with its log."""
    monitoring = tmp_path / "monitoring"
    # Links but for what is broken: a second copy of the dashboards would say nothing more.
    (monitoring / "prometheus").mkdir(parents=True)
    (monitoring / "grafana").symlink_to(ROOT / "monitoring" / "grafana")
    for path in (ROOT / "monitoring" / "prometheus").iterdir():
        if path.name != "prometheus.yml":
            (monitoring / "prometheus" / path.name).symlink_to(path)
    config = (ROOT / "monitoring" / "prometheus" / "prometheus.yml").read_text(encoding="utf-8")
    (monitoring / "prometheus" / "prometheus.yml").write_text(f"{config}\nnonsense: 1\n", encoding="utf-8")

    bundle = _bundle_of(
        tmp_path,
        stack="embedded",
        breaking=BREAKING.format(
            import_="from acceptance.stack.embedded.stack import EmbeddedStack",
            stack="EmbeddedStack",
            arguments=f"monitoring=Path({str(monitoring)!r})",
        ),
    )

    status = (bundle / "docker_status.txt").read_text(encoding="utf-8")
    assert _row(status, "prometheus")[1:3] == ["NO", "NO"]
    assert "it did not start: prometheus did not become ready" in status
    assert "nonsense" in (bundle / "logs" / "prometheus.log").read_text(encoding="utf-8")
    assert (bundle / "logs" / "redis.log").is_file()


@pytest.mark.compose
@pytest.mark.timeout(400)
def test_a_compose_stack_that_does_not_start_leaves_states_and_logs(tmp_path: Path) -> None:
    """A container that runs and never gets healthy: its state, its log, and no secret in either."""
    bundle = _bundle_of(
        tmp_path,
        stack="compose",
        breaking=BREAKING.format(
            import_="from acceptance.stack.compose.stack import ComposeStack",
            stack="ComposeStack",
            # A server that runs and answers nothing on the engine's port.
            arguments="overrides={'ENGINE_IMAGE': images.prepare().names['REDIS_IMAGE']}, start_seconds=20",
        ),
    )

    status = (bundle / "docker_status.txt").read_text(encoding="utf-8")
    assert _row(status, "engine")[1:3] == ["yes", "NO"]
    assert _row(status, "redis")[1:3] == ["yes", "yes"]
    assert "it did not start: engine did not get ready" in status
    assert "Ready to accept connections" in (bundle / "logs" / "engine.log").read_text(encoding="utf-8")
