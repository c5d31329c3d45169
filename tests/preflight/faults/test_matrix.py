from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from preflight.registry import default_registry
from tests.preflight.faults import exchange_rows
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
    "Postgres missing table in live": "positions-table-live",
    "Postgres slow": "postgres-late",
    "DNS failure": "redis-name",
    "disk full": "disk-full-spool",
    "read-only directories": "spool-forbidden",
    ".env.live world-readable": "env-live-mode",
    ".env.live tracked by git": "env-live-tracked",
    ".env.live with placeholders": "env-live-placeholder",
}


# The same for the exchanges: words of the order, a check that must see it, and the row's name for the fault.
ASKED_OF_EXCHANGES = {
    "429 with Retry-After": "429 with Retry-After",
    "418": "418 banned",
    "5xx": "500",
    "5xx of a proxy before it": "502 with a page",
    "5xx of an exchange that is overloaded": "503",
    "maintenance": "maintenance",
    "TLS error": "certificate of somebody else",
    "slow": "slow answers",
    "half an answer": "half an answer",
    "wrong JSON": "JSON that ends in the middle",
    "JSON of another shape": "JSON of another shape",
    "HTML": "HTML with 200",
    "DNS failure": exchange_rows.NO_NAME,
}
ASKED_OF_ONE = {
    ("clock_binance", "exchange 30 s ahead"),  # clock off by +N s
    ("clock_binance", "exchange 30 s behind"),  # clock off by -N s
    ("clock_upbit", "exchange 30 s ahead"),
    ("clock_upbit", "exchange 30 s behind"),
    ("api_key_binance", "wrong key -2015"),
    ("api_key_binance", "clock off -1021"),
    ("api_key_upbit", "out_of_scope"),
    ("api_key_upbit", "expired key"),
}


def test_no_exchange_fault_is_missing() -> None:
    """Each fault that was asked for is there for both exchanges, and the faults of one exchange for their check."""
    there = {(row.check, row.fault) for row in exchange_rows.ROWS}
    asked = {(f"exchange_{name}", fault) for name in ("upbit", "binance") for fault in ASKED_OF_EXCHANGES.values()}
    assert (asked | ASKED_OF_ONE) - there == set()


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
    """GO comes out only where the fault is a WARN, and ready for live is no run but the ones named."""
    assert {row.id for row in ROWS if row.exit_code == 0 and row.status not in {"warn", "pass"}} == set()
    assert {row.id for row in ROWS if row.ready_for_live not in {0.0, None}} == {
        "none-live",
        "kill-switch-forgotten",  # a WARN: the switch is there now
    }


def test_page_is_in_step_with_the_rows() -> None:
    """docs/fault-matrix.md is what the rows give."""
    script = ROOT / "scripts" / "sync_fault_matrix.py"
    done = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
