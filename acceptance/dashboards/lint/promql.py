"""Finds metrics, their label matchers and the functions around them in a PromQL expression.

Not a parser of the whole language: enough to say which metric a query stands on. What is valid PromQL is for
promtool (`acceptance.dashboards.lint.syntax`) and the servers to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Matcher", "Selector", "grouping_labels", "selectors"]

# Words that are no metric. Functions are told by the bracket that follows them.
_KEYWORDS = frozenset(
    {"and", "atan2", "bool", "by", "end", "group_left", "group_right", "ignoring", "inf", "nan", "offset", "on"}
    | {"or", "start", "unless", "without"}
)
_LABEL_LISTS = frozenset({"by", "group_left", "group_right", "ignoring", "on", "without"})
_FILTERS = frozenset({"and", "unless"})
_MAKERS = frozenset({"count_values", "label_join", "label_replace"})  # functions that make a label
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
class Matcher:
    """One condition of a selector: ``label="value"``."""

    label: str
    sign: str  # "=", "!=", "=~" or "!~"
    value: str  # without its quotes


@dataclass(frozen=True, slots=True)
class Selector:
    """One metric in an expression."""

    metric: str  # "" where the selector names none, as in {job="x"}
    matchers: tuple[Matcher, ...]
    functions: tuple[str, ...]  # all functions and aggregations around it, the innermost first
    filters: bool  # right of "and" or "unless": it says which samples stay, and nothing of what they are

    @property
    def labels(self) -> frozenset[str]:
        """The names that its matchers use."""
        return frozenset(matcher.label for matcher in self.matchers)


@dataclass(slots=True)
class _Bracket:
    """An open round bracket while it is read."""

    functions: tuple[str, ...]  # around what is in it
    outside: bool  # whether it stands in a filter
    filters: bool  # whether what comes next in it does


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
    around = [_Bracket((), outside=False, filters=False)]
    index = 0
    while index < len(tokens) - 1:
        kind, text = tokens[index]
        word = kind == "name" and text.lower() not in _KEYWORDS
        start = index + 1 if word else index
        here = around[-1]
        if text == ")":
            around.pop()
        elif kind == "name" and text.lower() in _FILTERS:
            here.filters = True
        elif text == "," or (kind == "name" and text.lower() == "or"):
            here.filters = here.outside
        elif tokens[start] == ("op", "("):
            functions = (text, *here.functions) if word else here.functions
            around.append(_Bracket(functions, outside=here.filters, filters=here.filters))
            index = start
        elif word or text == "{":
            end = _past(tokens, start, "}", expr) if tokens[start] == ("op", "{") else start
            found.append(Selector(text if word else "", _matchers(tokens[start:end]), here.functions, here.filters))
            index = end - 1
        if not around:
            break
        index += 1
    if len(around) != 1:
        raise ValueError(f"unbalanced brackets in {expr!r}")
    return tuple(found)


def grouping_labels(expr: str) -> frozenset[str]:
    """Give the labels that ``by``, ``without``, ``on``, ``ignoring`` and ``group_*`` name.

    Labels that the expression makes itself, by label_replace and the like, are left out.

    Raises:
        ValueError: As `selectors`.
    """
    tokens = list(_tokens(expr))
    named: set[str] = set()
    made: set[str] = set()
    for index, (kind, text) in enumerate(tokens[:-1]):
        if kind != "name" or tokens[index + 1] != ("op", "("):
            continue
        if text.lower() in _LABEL_LISTS:
            listed = tokens[index + 2 : _past(tokens, index + 1, ")", expr) - 1]
            named |= {name for sort, name in listed if sort == "name"}
        elif text in _MAKERS:
            made.add(_first_string(tokens[index + 1 :]))
    return frozenset(named - made)


def _first_string(tokens: list[tuple[str, str]]) -> str:
    """Give the first argument that is a string, without its quotes: the label that a function makes."""
    depth = 0
    for kind, text in tokens:
        depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(text, 0) if kind == "op" else 0
        if depth == 0:
            break
        if depth == 1 and kind == "string":
            return text[1:-1]
    return ""


def _matchers(tokens: list[tuple[str, str]]) -> tuple[Matcher, ...]:
    threes = zip(tokens, tokens[1:], tokens[2:], strict=False)
    return tuple(
        Matcher(label, sign, value[1:-1])
        for (kind, label), (_, sign), (quoted, value) in threes
        if kind == "name" and quoted == "string" and sign in {"=", "!=", "=~", "!~"}
    )


def _past(tokens: list[tuple[str, str]], index: int, closing: str, expr: str) -> int:
    """Give the index after the next ``closing`` sign."""
    try:
        return tokens.index(("op", closing), index) + 1
    except ValueError:
        raise ValueError(f"no {closing!r} in {expr!r}") from None
