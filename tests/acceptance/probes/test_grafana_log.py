from __future__ import annotations

from acceptance.probes.grafana_log import provisioning_problems, refused_files

START = "logger=provisioning.dashboard type=file name=arbitrage t=2026-01-01T00:00:00Z"
LOG = f"""Grafana server is running with elevated privileges.
logger=settings t=2026-01-01T00:00:00Z level=error msg="Failed to detect generated javascript files"
logger=provisioning.datasources t=2026-01-01T00:00:00Z level=info msg="inserting datasource" uid=arbitrage-prometheus
{START} level=error msg="failed to load dashboard from " file=/d/bad.json error="unexpected EOF"
{START} level=error msg="failed to load dashboard from " file=/d/bad.json error="unexpected EOF"
{START} level=error msg="failed to save dashboard" file=/d/long.json error="uid too long, max 40 characters"
{START} level=warn msg="the same UID is used more than once" uid=fx times=2 providers="[arbitrage]"
"""


def test_what_provisioning_refused_is_told_once() -> None:
    """Rejected files and doubled uids are found with Grafana's reason; other loggers and levels are not."""
    assert provisioning_problems(LOG) == (
        "Grafana would not load bad.json: failed to load dashboard from: unexpected EOF",
        "Grafana would not load long.json: failed to save dashboard: uid too long, max 40 characters",
        "Grafana would not load provisioning: the same UID is used more than once: times 2, uid fx",
    )


def test_a_locked_database_refuses_nothing() -> None:
    """What Grafana tries again is a problem for now, and no file's fault; what it says of a file stays."""
    line = 'logger=provisioning.dashboard level=error msg="failed to save" file=/d/a.json error="database is locked"\n'

    assert len(provisioning_problems(LOG + line)) == len(provisioning_problems(LOG)) + 1
    assert refused_files(LOG + line) == provisioning_problems(LOG)


def test_a_clean_log_has_no_problems() -> None:
    """Nothing is found where nothing was refused."""
    assert provisioning_problems("\n".join(LOG.splitlines()[:3])) == ()
    assert provisioning_problems("") == ()
