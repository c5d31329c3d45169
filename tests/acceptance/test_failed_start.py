"""What a stack that did not start leaves in the evidence; the suite itself runs, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

BREAKING = """
from functools import partial
from pathlib import Path
from acceptance.stack import compose_images, select
{import_}
select.{stack} = partial({stack}, {arguments})
"""


def _bundle_of(folder: Path, *, stack: str, breaking: str) -> Path:
    """Run one acceptance test on a stack that a plug-in has broken; give its bundle."""
    (folder / "breaking.py").write_text(breaking, encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PREFLIGHT_"))}
    run = subprocess.run(
        (
            *(sys.executable, "-m", "pytest", "acceptance/test_services.py", "--stack", stack),
            *("-p", "breaking", "-p", "no:cacheprovider", "--evidence-dir", str(folder / "artifacts")),
        ),
        cwd=ROOT,
        env={**kept, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 1, run.stdout + run.stderr
    return folder / "artifacts" / "latest"


def _row(status: str, service: str) -> list[str]:
    return next(line.split() for line in status.splitlines() if line.startswith(f"{service} "))


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
            import_="from acceptance.stack.embedded import EmbeddedStack",
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
            import_="from acceptance.stack.compose import ComposeStack",
            stack="ComposeStack",
            # A server that runs and answers nothing on the engine's port.
            arguments="overrides={'ENGINE_IMAGE': compose_images.prepare().names['REDIS_IMAGE']}, start_seconds=20",
        ),
    )

    status = (bundle / "docker_status.txt").read_text(encoding="utf-8")
    assert _row(status, "engine")[1:3] == ["yes", "NO"]
    assert _row(status, "redis")[1:3] == ["yes", "yes"]
    assert "it did not start: engine did not get ready" in status
    assert "Ready to accept connections" in (bundle / "logs" / "engine.log").read_text(encoding="utf-8")
