"""The report as JSON: the machine-readable form of everything a run found."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from preflight.model import Report, is_one_line, report_dict


def render_json(report: Report) -> str:
    """Return the report as an indented JSON document that ends with a newline."""
    return render_document(report_dict(report))


def render_document(document: Mapping[str, Any]) -> str:
    """Return indented JSON that a terminal may show: what `one_line` takes out of a text is escaped here."""
    text = json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False)
    return "".join(f"{line if is_one_line(line) else _escaped(line)}\n" for line in text.split("\n"))


def _escaped(line: str) -> str:
    return "".join(c if is_one_line(c) else json.dumps(c)[1:-1] for c in line)
