from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from preflight.registry import default_registry
from tests.preflight.faults.matrix import ROWS

ROOT = Path(__file__).parents[3]

# What the matrix was asked to have, in the words of the order.
ASKED = {
    "Redis down": "redis-down",
    "Redis wrong password": "redis-password",
    "Redis read-only replica": "redis-replica",
    "Redis OOM": "redis-oom",
    "Redis slow (2 s)": "redis-late",
    "Redis connection dropped mid-answer": "redis-dropped",
    "Postgres down": "postgres-down",
    "Postgres wrong password": "postgres-password",
    "Postgres read-only": "postgres-read-only",
    "Postgres too many connections": "postgres-connections",
    "Postgres missing table": "positions-table",
    "Postgres slow": "postgres-late",
    "DNS failure": "redis-name",
    "disk full": "disk-full-spool",
    "read-only directories": "spool-forbidden",
    ".env.live world-readable": "env-live-mode",
    ".env.live tracked by git": "env-live-tracked",
    ".env.live with placeholders": "env-live-placeholder",
}


def test_rows_add_up() -> None:
    """Ids are unique, each row names a check there is, and nothing that was asked for is missing."""
    ids = [row.id for row in ROWS]
    assert len(set(ids)) == len(ids)
    assert {row.check for row in ROWS} <= default_registry().ids
    assert set(ASKED.values()) <= set(ids)
    by_id = {row.id: row for row in ROWS}
    shared = [(row, by_id[row.run_of]) for row in ROWS if row.run_of]
    assert [(row.env, row.alone, row.exit_code) for row, _ in shared] == [
        (other.env, other.alone, other.exit_code) for _, other in shared
    ]


def test_no_row_is_go_but_those_that_may() -> None:
    """GO comes out only where the fault is a WARN, and never for live."""
    assert {row.id for row in ROWS if row.exit_code == 0 and row.status not in {"warn", "pass"}} == set()
    assert {row.ready_for_live for row in ROWS} <= {0.0, None}


def test_page_is_in_step_with_the_rows() -> None:
    """docs/fault-matrix.md is what the rows give."""
    script = ROOT / "scripts" / "sync_fault_matrix.py"
    done = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
