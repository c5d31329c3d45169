"""How long each test of a gate took, and which differences are more than noise."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from evidence.bundle import layout
from evidence.bundle.snapshot import Snapshot

#: A test counts as slower or faster only if both hold: on a busy machine a short test easily takes twice its time.
FACTOR = 2.0
SECONDS = 1.0


def durations(snapshot: Snapshot, gate: str) -> Mapping[str, float]:
    """Read the seconds of each test, set-up and tear-down included.

    Raises:
        DocumentError: the report log cannot be unpacked.
    """
    found: dict[str, float] = {}
    for line in (snapshot.content(layout.gate_report_log(gate)) or b"").splitlines():
        entry = json.loads(line)  # the verdict was derived from the same lines, so that they are JSON
        seconds = entry.get("duration")
        if entry.get("$report_type") == "TestReport" and isinstance(seconds, int | float):
            found[entry["nodeid"]] = found.get(entry["nodeid"], 0.0) + seconds
    return found


def beyond_noise(before: Mapping[str, float], after: Mapping[str, float]) -> Iterator[tuple[str, float, float]]:
    """Name the tests of both whose times differ by `FACTOR` and by `SECONDS` at least, with both times."""
    for test in sorted(before.keys() & after.keys()):
        short, long = sorted((before[test], after[test]))
        if long - short >= SECONDS and long >= FACTOR * short:
            yield test, before[test], after[test]
