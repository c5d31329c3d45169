"""A pytest plug-in that a gate loads before anything else: a result that was turned, or a way out that was replaced.

A conftest or plug-in may rewrite a report after the test has raised, or put its own function in the place of
`pytest.skip`, so that a test which did not run reads as passed. Both become failures here, before any recorder sees
the report; with xdist that is in the worker.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest

#: The ways in which a test says that it did not run, as they were before any conftest was imported.
_WAYS_OUT: Final[dict[str, Callable[..., object]]] = {
    name: getattr(pytest, name) for name in ("skip", "fail", "xfail", "exit", "importorskip")
}
_RAISED: Final[dict[tuple[str, str], str]] = {}  # (test, phase) -> what it raised


def replaced() -> tuple[str, ...]:
    """Name what stands in the place of pytest's own functions."""
    return tuple(f"pytest.{name}" for name, ours in _WAYS_OUT.items() if getattr(pytest, name) is not ours)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Note what a phase raised; the report itself is made elsewhere."""
    if call.excinfo is not None:
        _RAISED[item.nodeid, call.when] = call.excinfo.typename


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Fail a report that says passed over an exception, or of a test that had a replaced way out."""
    if not isinstance(report, pytest.TestReport) or report.when is None:
        return
    raised = _RAISED.pop((report.nodeid, report.when), None)
    if report.passed and raised is not None and not hasattr(report, "wasxfail"):
        _fail(report, f"the result was turned: {report.when} raised {raised}, and its report said passed")
    elif report.when == "call" and (names := replaced()):
        _fail(report, f"{', '.join(names)} was replaced: what this test reports cannot be believed")


def _fail(report: pytest.TestReport, why: str) -> None:
    report.outcome = "failed"
    report.longrepr = why
