"""A sample of the mutants of several files: with one seed the same ones each time.

Those are taken whose hash is smallest. So a larger sample holds the smaller one, and a change of one file leaves the
sample of the others nearly as it was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, order=True)
class Mutant:
    """One mutant of one file, named by what does not change from one session to the next."""

    file: str
    operator: str
    occurrence: int  # counted from the top of the file


def of_form(database: Path, source: str) -> list[str]:
    """Give the jobs of a session that change `@dataclass(...)`: its slots and keywords are form, which mypy holds."""
    from cosmic_ray.work_db import use_db  # noqa: PLC0415 - it is installed in .venv-mutants only

    lines = source.splitlines()
    with use_db(str(database)) as db:
        items = db.pending_work_items
    return [
        item.job_id
        for item in items
        if any(lines[mutation.start_pos[0] - 1].startswith("@dataclass") for mutation in item.mutations)
    ]


def choose(mutants: Iterable[Mutant], size: int, seed: int) -> frozenset[Mutant]:
    """Take `size` of them, or all where there are not so many."""

    def rank(one: Mutant) -> bytes:
        return hashlib.sha256(f"{seed} {one.file} {one.operator} {one.occurrence}".encode()).digest()

    return frozenset(sorted(mutants, key=rank)[:size])


def pending(database: Path, file: str) -> dict[Mutant, str]:
    """Give the mutants of a session that are still to be run, with their job ids."""
    from cosmic_ray.work_db import use_db  # noqa: PLC0415 - as above

    with use_db(str(database)) as db:
        items = db.pending_work_items
    return {
        Mutant(file, mutation.operator_name, mutation.occurrence): item.job_id
        for item in items
        for mutation in item.mutations
    }


def leave_out(database: Path, jobs: Iterable[str]) -> None:
    """Mark mutants of a session as not to be run, as cosmic-ray's own filters do."""
    from cosmic_ray.work_db import use_db  # noqa: PLC0415 - as above
    from cosmic_ray.work_item import WorkerOutcome, WorkResult  # noqa: PLC0415 - as above

    with use_db(str(database)) as db:
        db.set_multiple_results(jobs, WorkResult(output="left out", worker_outcome=WorkerOutcome.SKIPPED))
