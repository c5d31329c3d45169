"""CTRF (Common Test Report Format): one JSON document that many dashboards read."""

from __future__ import annotations

import json
from typing import Any, Final

from evidence.attest.statement import signature_state
from evidence.bundle.snapshot import Snapshot
from evidence.compare.timings import durations
from evidence.errors import DocumentError
from evidence.verdict import Verdict

SPEC_VERSION: Final = "0.0.0"
#: CTRF knows no broken set-up and no xfail. What proves nothing must not read as passed.
_STATUS: Final = {
    "passed": "passed", "failed": "failed", "error": "failed", "begun": "failed", "xpassed": "failed",
    "skipped": "skipped", "xfailed": "skipped",
}  # fmt: skip


def write(snapshot: Snapshot, verdict: Verdict) -> bytes:
    """Write every test of every gate; a test of two gates is there twice, each with its gate as the suite.

    Raises:
        DocumentError: no test ran.
    """
    tests: list[dict[str, Any]] = []
    for name, gate in verdict.gates.items():
        seconds = durations(snapshot, name)
        tests += [
            {
                "name": test,
                "status": _STATUS[outcome],
                "duration": round(1000 * seconds.get(test, 0.0)),
                "suite": [name],
                "filePath": test.partition("::")[0],
                "rawStatus": outcome,
            }
            for test, outcome in gate.outcome.tests.items()
        ]
    if not tests:
        raise DocumentError(f"{snapshot.name} holds no test")
    statuses = [test["status"] for test in tests]
    git = verdict.run["git"]
    document = {
        "reportFormat": "CTRF",
        "specVersion": SPEC_VERSION,
        "results": {
            "tool": {"name": "pytest"},
            "summary": {
                "tests": len(tests),
                **{name: statuses.count(name) for name in ("passed", "failed", "pending", "skipped", "other")},
                "suites": len(verdict.gates),
                "start": round(1000 * min(gate.begin for gate in verdict.gates.values())),
                "stop": round(1000 * max(gate.end for gate in verdict.gates.values())),
            },
            "tests": tests,
            "environment": {
                "commit": git["commit"],
                "osPlatform": verdict.run["platform"],
                "testEnvironment": ", ".join(verdict.stacks) or "none",
                "extra": {
                    "bundle": snapshot.name,
                    "result": str(verdict.result),
                    "scope": verdict.scope,
                    "signature": signature_state(snapshot),
                },
            },
        },
    }
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()
