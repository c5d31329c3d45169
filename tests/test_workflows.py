"""What runs on GitHub: the known vulnerabilities of what is locked, where a network exists to ask."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".github" / "workflows"


@pytest.fixture(scope="module")
def jobs() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / "gates.yml").read_text(encoding="utf-8"))["jobs"]
    return found


def commands(job: dict[str, Any]) -> str:
    return "\n".join(step.get("run", "") for step in job["steps"])


def test_audit_is_a_job_of_its_own(jobs: dict[str, Any]) -> None:
    """A vulnerability that became known overnight is red beside the gates, and holds none of them up."""
    assert jobs.keys() == {"gates", "audit"}
    assert "needs" not in jobs["audit"]
    assert "continue-on-error" not in str(jobs["audit"])
    assert "pip-audit" not in commands(jobs["gates"])


def test_audit_asks_about_every_python_lock(jobs: dict[str, Any]) -> None:
    """Each file that pins Python packages by hash, and exactly what it pins."""
    text = commands(jobs["audit"])
    locks = {
        path.relative_to(ROOT).as_posix()
        for path in (
            ROOT / "requirements.lock",
            *ROOT.glob("tests/*/requirements.lock"),
            *ROOT.glob(".github/*/requirements.lock"),
            *ROOT.glob("docker/components/*/requirements.txt"),
        )
    }
    assert len(locks) > 6
    assert [lock for lock in sorted(locks) if f"--requirement {lock}" not in text] == []
    for option in ("--require-hashes", "--disable-pip", "--strict"):
        assert option in text.partition("bin/pip-audit")[2]
    assert "--require-hashes --no-deps --requirement .github/audit/requirements.lock" in text  # the tool itself
    assert "--ignore-vuln" not in text
    assert "|| true" not in text


def test_nothing_is_granted_but_reading() -> None:
    """No workflow may write to the repository, and checkouts leave no token behind."""
    for path in FOLDER.glob("*.yml"):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert document["permissions"] == {"contents": "read"}
        for job in document["jobs"].values():
            assert "permissions" not in job
            checkouts = [step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")]
            assert all(step["with"]["persist-credentials"] is False for step in checkouts)
