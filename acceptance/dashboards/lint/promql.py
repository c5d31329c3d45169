"""Finds metrics, their label matchers and the functions around them in a PromQL expression, by a real parser.

Grafana's variables are filled first, each by what its place in the query needs. What a given server accepts is for
promtool (`syntax`) and that server to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import promql_parser as parser

__all__ = ["VARIABLE", "Matcher", "Selector", "fill_variables", "grouping_labels", "selectors"]

VARIABLE = "grafana_variable_"  # how the name of a metric or label begins that a variable holds
_FILTERS = frozenset({"and", "unless"})
_MAKERS = frozenset({"count_values", "label_join", "label_replace"})  # what makes a label
_SIGNS = {"MatchOp.Equal": "=", "MatchOp.NotEqual": "!=", "MatchOp.Re": "=~", "MatchOp.NotRe": "!~"}
_TOKEN = re.compile(
    r"""(?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)
      | (?P<comment>\#[^\n]*)
      | (?P<variable>\$\{(?P<braced>\w+)(?::\w+)?\}|\$(?P<plain>[A-Za-z_]\w*)|\[\[(?P<boxed>\w+)(?::\w+)?\]\])
      | (?P<word>[A-Za-z_:][\w:]*)
      | (?P<open>[(\[{]) | (?P<close>[)\]}])
      | (?P<other>\s+|.)""",
    re.VERBOSE | re.DOTALL,
)
_LABEL_LISTS = frozenset({"by", "group_left", "group_right", "ignoring", "on", "without"})
_AFTER_AGGREGATION = re.compile(r"\s*(?:\(|(?:by|without)\b)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition of a selector: ``label="value"``."""

    label: str
    sign: str  # "=", "!=", "=~" or "!~"
    value: str  # as Prometheus reads it; a variable in it stays


@dataclass(frozen=True, slots=True)
class Selector:
    """One metric in an expression."""

    metric: str  # "" if the selector names none, as in {job="x"}; begins with VARIABLE if a variable holds it
    matchers: tuple[Matcher, ...]
    functions: tuple[str, ...]  # all functions and aggregations around it, the innermost first
    filters: bool  # right of "and" or "unless": it says which samples stay, and nothing of what they are

    @property
    def labels(self) -> frozenset[str]:
        """The names that its matchers use."""
        return frozenset(matcher.label for matcher in self.matchers)


def fill_variables(expr: str) -> str:
    """Return ``expr`` with something valid in place of each Grafana variable outside of strings.

    A range or an offset becomes ``5m``, the name of an aggregation ``sum``, a label or metric a name that begins with
    ``VARIABLE``, anything else the number 1.
    """
    filled: list[str] = []
    opened: list[tuple[str, str]] = []  # bracket and the word before it
    before = ""
    for found in _TOKEN.finditer(expr):
        kind, text = str(found.lastgroup), found.group()
        if found.group("variable"):
            name = found["braced"] or found["plain"] or found["boxed"]
            rest = expr[found.end() :]
            text = _value(name, before, rest, opened)
        elif kind == "open":
            opened.append((text, before.lower()))
        elif kind == "close" and opened:
            opened.pop()
        filled.append(text)
        if text.strip() and kind != "comment":
            before = text
    return "".join(filled)


def _value(name: str, before: str, rest: str, opened: list[tuple[str, str]]) -> str:
    bracket, word = opened[-1] if opened else ("", "")
    if bracket == "[" or before.lower() == "offset":
        return "5m"
    if bracket == "{" or (bracket == "(" and word in _LABEL_LISTS) or rest[:1] in {"{", "["}:
        return VARIABLE + name
    if before.isidentifier() and before.lower() not in _FILTERS | {"or", "bool"}:
        return VARIABLE + name  # glued to a name
    return "sum" if _AFTER_AGGREGATION.match(rest) else "1"


def selectors(expr: str) -> tuple[Selector, ...]:
    """Return every metric that ``expr`` selects, in order.

    Raises:
        ValueError: It is not PromQL.
    """
    return tuple(_selectors(_parse(expr), (), filters=False))


def _parse(expr: str) -> parser.Expr:
    try:
        return parser.parse(fill_variables(expr))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"cannot read {expr!r}: {error}") from error


def _selectors(node: object, functions: tuple[str, ...], *, filters: bool) -> Iterator[Selector]:
    match node:
        case parser.VectorSelector():
            yield _selector(node, functions, filters=filters)
        case parser.MatrixSelector():
            yield _selector(node.vector_selector, functions, filters=filters)
        case parser.BinaryExpr():
            yield from _selectors(node.lhs, functions, filters=filters)
            yield from _selectors(node.rhs, functions, filters=filters or str(node.op) in _FILTERS)
        case parser.AggregateExpr():
            around = (str(node.op), *functions)
            if node.param is not None:
                yield from _selectors(node.param, around, filters=filters)
            yield from _selectors(node.expr, around, filters=filters)
        case parser.Call():
            for argument in node.args:
                yield from _selectors(argument, (node.func.name, *functions), filters=filters)
        case parser.ParenExpr() | parser.UnaryExpr() | parser.SubqueryExpr():
            yield from _selectors(node.expr, functions, filters=filters)


def _selector(node: parser.VectorSelector, functions: tuple[str, ...], *, filters: bool) -> Selector:
    groups = [node.matchers.matchers, *node.matchers.or_matchers]
    matchers = [Matcher(one.name, _SIGNS[str(one.op)], one.value) for group in groups for one in group]
    named = [one.value for one in matchers if (one.label, one.sign) == ("__name__", "=")]
    others = tuple(one for one in matchers if one.label != "__name__")
    return Selector(node.name or next(iter(named), ""), others, functions, filters)


def grouping_labels(expr: str) -> frozenset[str]:
    """Return the labels that ``by``, ``without``, ``on``, ``ignoring`` and ``group_*`` name.

    Labels that the expression makes itself, by label_replace and the like, are left out, and so are variables.

    Raises:
        ValueError: As `selectors`.
    """
    named: set[str] = set()
    made: set[str] = set()

    def visit(node: object) -> None:
        match node:
            case parser.AggregateExpr():
                named.update(node.modifier.labels if node.modifier is not None else ())
                if str(node.op) in _MAKERS and isinstance(node.param, parser.StringLiteral):
                    made.add(node.param.val)
            case parser.BinaryExpr() if node.modifier is not None:
                named.update(node.modifier.matching.labels if node.modifier.matching is not None else ())
                named.update(node.modifier.group_labels if node.modifier.group_labels is not None else ())
            case parser.Call() if node.func.name in _MAKERS:
                made.update(one.val for one in node.args[1:2] if isinstance(one, parser.StringLiteral))

    parser.walk(_parse(expr), visit)
    return frozenset(name for name in named - made if not name.startswith(VARIABLE))
