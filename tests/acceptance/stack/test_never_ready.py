"""A dashboard that Grafana refuses is told at once, not waited for."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from acceptance.stack.embedded.stack import EmbeddedStack
from acceptance.stack.interface import StackError
from acceptance.stack.readiness import NeverReadyError, must_be_able_to_start

ROOT = Path(__file__).parents[3]
REFUSED = (
    "logger=provisioning.dashboard type=file name=Arbitrage t=2026-01-01T00:00:00Z level=error "
    'msg="failed to load dashboard from " file=/somewhere/broken.json error="unexpected end of JSON input"\n'
)


def test_a_refusal_in_the_log_ends_the_hope() -> None:
    """The message names the file and what Grafana said of it."""
    with pytest.raises(NeverReadyError, match=r"broken\.json.*unexpected end of JSON input"):
        must_be_able_to_start(REFUSED)


def test_a_busy_database_is_no_refusal() -> None:
    """Grafana tries that again, so the wait goes on."""
    must_be_able_to_start(REFUSED.replace("unexpected end of JSON input", "database is locked"))


def test_a_broken_dashboard_fails_the_start_at_once(tmp_path: Path) -> None:
    """The real Grafana refuses half a file; the stack says so long before its deadline of 30 s."""
    monitoring = shutil.copytree(ROOT / "monitoring", tmp_path / "monitoring")
    broken = monitoring / "grafana" / "dashboards" / "d77_risk_guard.json"
    broken.write_text(broken.read_text(encoding="utf-8")[:500], encoding="utf-8")
    begun = time.monotonic()

    with pytest.raises(StackError, match=r"d77_risk_guard\.json"):
        EmbeddedStack(services=("prometheus", "grafana"), monitoring=monitoring).start()

    assert time.monotonic() - begun < 20
