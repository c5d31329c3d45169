"""Reads Prometheus rule files of the plain form we write, without a YAML library.

Strict on purpose: a line that does not fit raises, so that nothing is overlooked. promtool checks the rest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["RuleText", "read_rules", "read_tests"]

_START = re.compile(r"^      - (alert|record): (\S+)$")
_FIELD = re.compile(r"^        (expr|for|labels|annotations):(?: (.*))?$")
_INNER = re.compile(r'^          (\w+): (?:"(.*)"|([^"\s]\S*))$')
_GROUP = re.compile(r"^(?:groups:|  - name: \S+|    (?:rules:|interval: \w+|limit: \d+))$")
_TEST = re.compile(r'^  - name: "(\w+): (.*)"$', re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleText:
    """One rule as it is written."""

    file: str
    kind: str  # "alert" or "record"
    name: str
    expr: str
    duration: str  # of `for`; "" where there is none
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


def read_rules(path: Path) -> tuple[RuleText, ...]:
    """Read one rule file.

    Raises:
        ValueError: A line is not of the form that this reader knows; names file and line.
    """
    rules: list[dict[str, str]] = []
    maps: list[dict[str, dict[str, str]]] = []
    field = ""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#") or _GROUP.match(line):
            continue
        if start := _START.match(line):
            rules.append({"kind": start[1], "name": start[2], "expr": "", "for": ""})
            maps.append({"labels": {}, "annotations": {}})
            field = ""
        elif rules and (found := _FIELD.match(line)):
            field, value = found[1], found[2] or ""
            if field in {"expr", "for"} and value != "|":
                rules[-1][field] = value
        elif rules and field == "expr" and line.startswith(" " * 10):
            rules[-1]["expr"] += line[10:] + "\n"
        elif rules and field in {"labels", "annotations"} and (inner := _INNER.match(line)):
            maps[-1][field][inner[1]] = inner[2] if inner[2] is not None else inner[3]
        else:
            raise ValueError(f"{path.name}, line {number}: cannot read {line!r}; write it as its neighbours are")
    return tuple(
        RuleText(
            file=path.name,
            kind=rule["kind"],
            name=rule["name"],
            expr=rule["expr"].strip(),
            duration=rule["for"],
            labels=inner_maps["labels"],
            annotations=inner_maps["annotations"],
        )
        for rule, inner_maps in zip(rules, maps, strict=True)
    )


def read_tests(folder: Path) -> Mapping[str, tuple[str, ...]]:
    """Give what the promtool tests of a folder say they test: rule name -> descriptions."""
    found: dict[str, tuple[str, ...]] = {}
    for path in sorted(folder.glob("*.yml")):
        for name, what in _TEST.findall(path.read_text(encoding="utf-8")):
            found[name] = (*found.get(name, ()), what)
    return found
