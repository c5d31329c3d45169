"""The report as JSON: the machine-readable form of everything a run found."""

from __future__ import annotations

import json

from preflight.model import Report, report_dict


def render_json(report: Report) -> str:
    """Give the report as an indented JSON document that ends with a newline."""
    return json.dumps(report_dict(report), ensure_ascii=False, indent=2, allow_nan=False) + "\n"
