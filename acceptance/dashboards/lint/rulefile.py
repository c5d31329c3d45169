"""Reads Prometheus rule files, and what promtool's tests of them say they test. promtool checks the rest."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

__all__ = ["RuleText", "read_rules", "read_tests"]

_TEST = re.compile(r"(\w+): (.*)", re.DOTALL)
_KEYS = {"alert", "record", "expr", "for", "keep_firing_for", "labels", "annotations"}


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
    """Read one rule file, in whatever form of YAML it is written.

    Raises:
        ValueError: It is no YAML, or no file of rules; names the file and what does not fit.
    """
    return tuple(
        _rule(path.name, rule)
        for group in _list(path.name, _loaded(path), "groups")
        for rule in _list(path.name, group, "rules")
    )


def read_tests(folder: Path) -> Mapping[str, tuple[str, ...]]:
    """Give what the promtool tests of a folder say they test: rule name -> descriptions.

    Raises:
        ValueError: A file of it is no YAML, or no file of tests.
    """
    found: dict[str, tuple[str, ...]] = {}
    for path in sorted(folder.glob("*.yml")):
        for test in _list(path.name, _loaded(path), "tests"):
            if named := _TEST.fullmatch(str(test.get("name", "") if isinstance(test, dict) else "")):
                found[named[1]] = (*found.get(named[1], ()), named[2])
    return found


def _loaded(path: Path) -> Any:
    try:
        # Each scalar as it is written: `on` and `1` are texts in a label.
        return yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader)  # noqa: S506 - makes texts only
    except yaml.YAMLError as e:
        raise ValueError(f"{path.name}: {e}") from e


def _list(file: str, holder: Any, key: str) -> list[Any]:
    if not isinstance(holder, dict) or not isinstance(holder.get(key), list):
        raise ValueError(f"{file}: no list {key!r} in {holder!r:.200}")
    found: list[Any] = holder[key]
    return found


def _rule(file: str, rule: Any) -> RuleText:
    kinds = [kind for kind in ("alert", "record") if isinstance(rule, dict) and kind in rule]
    if len(kinds) != 1 or rule.keys() - _KEYS:
        raise ValueError(f"{file}: no alert or record as Prometheus knows them: {rule!r:.200}")
    texts = {key: rule.get(key, "") for key in (kinds[0], "expr", "for")}
    maps = {key: rule.get(key, {}) for key in ("labels", "annotations")}
    if not all(isinstance(text, str) for text in texts.values()) or not all(isinstance(m, dict) for m in maps.values()):
        raise ValueError(f"{file}: not as a rule is written: {rule!r:.200}")
    return RuleText(
        file=file, kind=kinds[0], name=texts[kinds[0]], expr=texts["expr"].strip(), duration=texts["for"], **maps
    )
