"""Asks promtool whether each query is PromQL at all, all of them in one call."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from acceptance.dashboards.lint import promtool
from acceptance.dashboards.lint.finding import Finding
from acceptance.dashboards.lint.metrics import Query
from acceptance.dashboards.lint.promtool import PromtoolError
from acceptance.dashboards.template import Window, names_in, resolve
from acceptance.probes.errors import PanelError

__all__ = ["lint_syntax"]

_WINDOW = Window(start=0, end=3600, scrape_interval=15)
_RULE = re.compile(r'rule (\d+), "[^"]*": (.*)')


def lint_syntax(queries: Sequence[Query], binary: Path, folder: Path) -> tuple[Finding, ...]:
    """Find queries that Prometheus would refuse.

    Args:
        queries: As written: each variable stands for some text.
        binary: promtool.
        folder: Where to write the file that it reads.

    Raises:
        PromtoolError: It complains about something else than a query.
    """
    rules = [{"record": f"query:{number}", "expr": _filled(query)} for number, query in enumerate(queries)]
    file = folder / "queries.yml"
    file.write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}), encoding="utf-8")  # JSON is YAML
    try:
        promtool.check_rules(binary, file)
    except PromtoolError as error:
        found = _RULE.findall(str(error))
        if not found:
            raise
        return tuple(
            Finding(file=query.file, panel=query.place, target=query.target, rule="syntax", message=message)
            for query, message in ((queries[int(number) - 1], message) for number, message in found)
        )
    return ()


def _filled(query: Query) -> str:
    try:
        return resolve(query.expr, dict.fromkeys(names_in(query.expr), "x"), _WINDOW)
    except PanelError:
        return query.expr  # an unknown format: promtool will refuse it
