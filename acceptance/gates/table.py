"""The table at the end of a whole run: what each gate proved, how many tests, how long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One gate of a run."""

    gate: str
    result: str  # FULL, PARTIAL, INCOMPLETE, FAILED or NOT RUN; of what is not a gate: ok or FAILED
    seconds: float
    counts: dict[str, int] = field(default_factory=dict)  # passed, failed, ...; empty where there are no tests


_COUNTS = ("passed", "failed", "error", "skipped")


def render(rows: Sequence[Row], *, seconds: float) -> str:
    """Draw the table, with a line of totals; `seconds` is how long it all took, some of it at the same time."""
    head = ["gate", "result", *_COUNTS, "time"]
    body = [[row.gate, row.result, *_numbers(row.counts), _time(row.seconds)] for row in rows]
    totals = {name: sum(row.counts.get(name, 0) for row in rows) for name in _COUNTS}
    body.append(["all", "", *_numbers(totals), _time(seconds)])
    widths = [max(len(line[column]) for line in (head, *body)) for column in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in (head, *body)
    )


def markdown(rows: Sequence[Row]) -> str:
    """Draw the same table for a page of GitHub."""
    lines = [f"| gate | result | {' | '.join(_COUNTS)} | time |", f"| --- | --- |{' ---: |' * (len(_COUNTS) + 1)}"]
    lines += [
        f"| {row.gate} | {row.result} | {' | '.join(_numbers(row.counts))} | {_time(row.seconds)} |" for row in rows
    ]
    return "\n".join(lines) + "\n"


def _numbers(counts: dict[str, int]) -> list[str]:
    return [str(counts.get(name, 0)) if counts else "" for name in _COUNTS]


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
