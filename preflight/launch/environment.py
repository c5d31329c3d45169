"""The variables that the command is given."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from preflight.model import Report

RUN_ID_VARIABLE = "ARBITRAGE_PREFLIGHT_RUN_ID"
ENV_VARIABLE = "ARBITRAGE_PREFLIGHT_ENV"
READY_VARIABLE = "ARBITRAGE_PREFLIGHT_READY"
_OWN = "PREFLIGHT_"


def environment_of(environ: Mapping[str, str], report: Report, secrets: Collection[str]) -> dict[str, str]:
    """Return the gate's variables without its own secrets, and what it found.

    Args:
        environ: The gate's variables.
        report: The run on which the command starts.
        secrets: Values that no `PREFLIGHT_*` variable may hand on; the command's own variables are its own business.
    """
    kept = {name: value for name, value in environ.items() if not (name.startswith(_OWN) and value in secrets)}
    return {
        **kept,
        RUN_ID_VARIABLE: report.run_id,
        ENV_VARIABLE: report.env.value,
        READY_VARIABLE: "1" if report.decision.ready_for_live else "0",
    }
