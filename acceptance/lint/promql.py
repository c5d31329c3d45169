"""Finds metrics, their label matchers and the functions around them in a PromQL expression.

Not a parser of the whole language: enough to say which metric a query stands on. What is valid PromQL is for
promtool and the servers to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Selector", "selectors"]

# Words that are no metric. Functions are told by the bracket that follows them.
_KEYWORDS = frozenset(
    {"and", "atan2", "bool", "by", "end", "group_left", "group_right", "ignoring", "inf", "nan", "offset", "on"}
    | {"or", "start", "unless", "without"}
)
_LABEL_LISTS = frozenset({"by", "group_left", "group_right", "ignoring", "on", "without"})
_TOKEN = re.compile(
    r"""(?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)
      | (?P<variable>\$\{?\w+(?::\w+)?\}?)
      | (?P<duration>\d[\w.]*)
      | (?P<name>[A-Za-z_:][\w:]*)
      | (?P<op>=~|!~|!=|==|>=|<=|[-+*/%^(){}\[\],=<>@:])
      | (?P<space>\s+|\#[^\n]*)""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Selector:
    """One metric in an expression."""

    metric: str  # "" where the selector names none, as in {job="x"}
    labels: frozenset[str]  # names that its matchers use
    function: str  # the function or aggregation right around it, e.g. "rate"; "" for none


def _tokens(expr: str) -> Iterator[tuple[str, str]]:
    position = 0
    while position < len(expr):
        match = _TOKEN.match(expr, position)
        if match is None:
            raise ValueError(f"cannot read {expr[position : position + 20]!r} in {expr!r}")
        position = match.end()
        if match.lastgroup != "space":
            yield str(match.lastgroup), match.group()


def _significant(expr: str) -> list[tuple[str, str]]:
    """Give the tokens without ranges and lists of label names: ``sum by (a) (x[1h])`` becomes ``sum (x)``."""
    tokens = list(_tokens(expr))
    kept: list[tuple[str, str]] = []
    index = 0
    while index < len(tokens):
        kind, text = tokens[index]
        if kind == "name" and text.lower() in _LABEL_LISTS:
            listed = tokens[index + 1 : index + 2] == [("op", "(")]
            index = _past(tokens, index + 1, ")", expr) if listed else index + 1
        elif text == "[":
            index = _past(tokens, index, "]", expr)
        else:
            kept.append(tokens[index])
            index += 1
    return kept


def selectors(expr: str) -> tuple[Selector, ...]:
    """Give every metric that ``expr`` selects, in order.

    Raises:
        ValueError: A sign that PromQL does not have, or an unclosed bracket.
    """
    tokens = [*_significant(expr), ("op", "")]
    found: list[Selector] = []
    around = [""]  # the name before each open round bracket
    index = 0
    while index < len(tokens) - 1:
        kind, text = tokens[index]
        word = kind == "name" and text.lower() not in _KEYWORDS
        start = index + 1 if word else index
        if text == ")":
            around.pop()
        elif tokens[start] == ("op", "("):
            around.append(text if word else "")
            index = start
        elif word or text == "{":
            end = _past(tokens, start, "}", expr) if tokens[start] == ("op", "{") else start
            found.append(Selector(text if word else "", _matched(tokens[start:end]), around[-1]))
            index = end - 1
        if not around:
            break
        index += 1
    if around != [""]:
        raise ValueError(f"unbalanced brackets in {expr!r}")
    return tuple(found)


def _matched(tokens: list[tuple[str, str]]) -> frozenset[str]:
    signs = [text for _, text in tokens[1:]]
    pairs = zip(tokens, signs, strict=False)
    return frozenset(text for (kind, text), sign in pairs if kind == "name" and sign in {"=", "!=", "=~", "!~"})


def _past(tokens: list[tuple[str, str]], index: int, closing: str, expr: str) -> int:
    """Give the index after the next ``closing`` sign."""
    try:
        return tokens.index(("op", closing), index) + 1
    except ValueError:
        raise ValueError(f"no {closing!r} in {expr!r}") from None
