"""Counts tests from pytest's reports, live or read back from a report log: one way of counting for both."""

from __future__ import annotations

from collections.abc import Collection

from evidence.counts import Counts

_PHASES = frozenset({"setup", "call", "teardown"})


class Tally:
    """What became of each test, by its id; the worst of its phases counts."""

    def __init__(self) -> None:
        self._failed: set[str] = set()
        self._broken: set[str] = set()
        self._skipped: set[str] = set()
        self._good: dict[str, set[str]] = {}

    def report(self, nodeid: str, when: str, outcome: str, *, expected_failure: bool = False) -> None:
        """Take in one phase of one test.

        Args:
            nodeid: pytest's id of the test.
            when: ``setup``, ``call`` or ``teardown``.
            outcome: ``passed``, ``failed`` or ``skipped``.
            expected_failure: the test carries xfail; passing against that mark proves nothing either.
        """
        if outcome == "failed":
            (self._failed if when == "call" else self._broken).add(nodeid)
        elif outcome == "skipped" or (expected_failure and when == "call"):
            self._skipped.add(nodeid)
        else:
            self._good.setdefault(nodeid, set()).add(when)

    def collect(self, nodeid: str, outcome: str) -> None:
        """Take in what became of collecting a module, class or folder."""
        if outcome == "failed":
            self._broken.add(nodeid)
        elif outcome == "skipped":
            self._skipped.add(nodeid)

    def counts(self, *, selected: Collection[str], deselected: int) -> Counts:
        """Add up.

        Args:
            selected: ids of the tests that were to run.
            deselected: how many were found and left out.
        """
        failed = self._failed
        error = self._broken - failed
        skipped = self._skipped - error - failed
        worse = failed | error | skipped
        passed = {test for test, phases in self._good.items() if phases >= _PHASES} - worse
        known = set(selected) | worse | passed
        return Counts(
            collected=len(known) + deselected,
            run=len(passed) + len(failed) + len(error),
            passed=len(passed),
            failed=len(failed),
            skipped=len(skipped),
            deselected=deselected,
            error=len(error),
        )
