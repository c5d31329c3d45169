"""The report as JSON: the machine-readable form of everything a run found."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from preflight.message import values_of
from preflight.model import AlertSummary, Report, Result, is_one_line


def render_json(report: Report) -> str:
    """Return the report as an indented JSON document that ends with a newline."""
    return render_document(report_dict(report))


def report_dict(report: Report) -> dict[str, Any]:
    """Give the report as plain data: the JSON document whose schema is `preflight/report.schema.json`."""
    return {
        "schema_version": 1,
        "run_id": report.run_id,
        "version": report.version,
        "env": report.env.value,
        "mode": report.mode.value,
        "strict": report.strict,
        "verdict": report.decision.verdict.value,
        "exit_code": report.decision.exit_code,
        "ready_for_live": report.decision.ready_for_live,
        "reasons": list(report.decision.reasons),
        "notes": list(report.notes),
        "started_at": report.started_at,
        "ended_at": report.ended_at,
        "duration_seconds": report.duration_seconds,
        "recorded": report.recorded,
        "checks": [_result_dict(result) for result in report.results],
        "alerts": _alerts_dict(report.alerts),
        "metrics": [{"name": s.name, "labels": dict(s.labels), "value": s.value} for s in report.samples],
        "textfile": report.textfile,
        "ledger": report.ledger,
    }


def render_document(document: Mapping[str, Any]) -> str:
    """Return indented JSON that a terminal may show: what `one_line` takes out of a text is escaped here."""
    text = json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False)
    return "".join(f"{line if is_one_line(line) else _escaped(line)}\n" for line in text.split("\n"))


def _escaped(line: str) -> str:
    return "".join(c if is_one_line(c) else json.dumps(c)[1:-1] for c in line)


def _alerts_dict(alerts: AlertSummary) -> dict[str, Any]:
    return {
        "enabled": alerts.enabled,
        "reason": alerts.reason,
        "pending": alerts.pending,
        "rows_pending": alerts.rows_pending,
        "items": [
            {
                "id": item.id,
                "severity": item.severity,
                "outcome": item.outcome,
                "at": item.at,
                "reason": item.reason,
                "row": item.row,
                "replayed": item.replayed,
            }
            for item in alerts.items
        ],
        "troubles": list(alerts.troubles),
    }


def _result_dict(result: Result) -> dict[str, Any]:
    outcome = result.outcome
    return {
        "id": result.id,
        "status": outcome.status.value,
        "origin": None if result.origin is None else result.origin.value,
        "required": result.required,
        "waiver": result.waiver,
        "summary": outcome.summary,
        "message_id": outcome.summary.template,
        "values": values_of(outcome.summary),
        "hint": outcome.hint,
        "expected": outcome.expected,
        "actual": outcome.actual,
        "said": outcome.said,
        "started_at": result.started_at,
        "duration_seconds": result.duration_seconds,
        "timings": dict(outcome.timings),
    }
