"""A pytest plug-in that writes down what failed and in which words; loaded by the driver with `-p`.

Not the report log: what writes that is part of what sabotages break.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

VARIABLE = "ARBITRAGE_SABOTAGE_RECORD"


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note a phase of a test."""
    _write(test=report.nodeid, phase=report.when, outcome=report.outcome, said=report.longreprtext)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Note a file that cannot be collected."""
    if report.failed:
        _write(test=report.nodeid, phase="collect", outcome="failed", said=report.longreprtext)


def pytest_sessionfinish(exitstatus: int) -> None:
    """Note that the run came to its end."""
    _write(phase="end", outcome=int(exitstatus))


def _write(**record: Any) -> None:
    with Path(os.environ[VARIABLE]).open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")
