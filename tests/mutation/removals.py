"""Mutants that take one thing away: a branch, an `except`, a deadline, a status, a step.

cosmic-ray's operators exchange things for others of their kind. The gate's promise is about what is there at all, so
these take it away: each condition is made to hold always and never, each handler to catch nothing, each bound of a
`min` or `max`, each operand of an `and` or `or`, each member of a set and each entry of a table is dropped, each call
or entry that is made for its effect is left out.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

Text = Callable[[ast.AST], str]  # gives the source of a node

_NEVER = "()"  # `except ():` and `suppress()` catch nothing


@dataclass(frozen=True, slots=True)
class _Edit:
    """Another text for one node."""

    operator: str
    node: ast.AST
    text: str


def removals(source: str) -> Iterator[tuple[str, str]]:
    """Give the name of the removal and the whole mutated text, for each removal that the file has room for."""
    lines = source.encode().splitlines(keepends=True)  # the tree counts columns in bytes
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    raw = source.encode()

    def place(node: ast.AST) -> tuple[int, int]:
        at = node
        assert isinstance(at, ast.expr | ast.stmt | ast.excepthandler)
        assert at.end_lineno is not None
        assert at.end_col_offset is not None
        return starts[at.lineno - 1] + at.col_offset, starts[at.end_lineno - 1] + at.end_col_offset

    def text(node: ast.AST) -> str:
        begin, end = place(node)
        return raw[begin:end].decode()

    for edit in _edits(ast.parse(source), text):
        begin, end = place(edit.node)
        yield edit.operator, (raw[:begin] + edit.text.encode() + raw[end:]).decode()


def _edits(tree: ast.Module, text: Text) -> Iterator[_Edit]:
    for node in ast.walk(tree):
        if _is_step(node):
            yield _Edit("step removed", node, "pass")
        for kind, edits in _BY_KIND.items():
            if isinstance(node, kind):
                yield from edits(node, text)


def _of_branch(node: ast.If | ast.IfExp, _: Text) -> Iterator[_Edit]:
    yield _Edit("branch always", node.test, "True")
    yield _Edit("branch never", node.test, "False")


def _of_comprehension(node: ast.comprehension, _: Text) -> Iterator[_Edit]:
    for condition in node.ifs:
        yield _Edit("filter off", condition, "True")


def _of_handler(node: ast.ExceptHandler, text: Text) -> Iterator[_Edit]:
    if node.type is not None:
        yield _Edit("except removed", node.type, _NEVER)
    if isinstance(node.type, ast.Tuple):
        yield from _without_one("one exception removed", node.type.elts, node.type, "({},)", text)


def _of_try(node: ast.Try, _: Text) -> Iterator[_Edit]:
    for step in node.finalbody:
        yield _Edit("finally removed", step, "pass")


def _of_operation(node: ast.BoolOp, text: Text) -> Iterator[_Edit]:
    joint = " and " if isinstance(node.op, ast.And) else " or "
    yield from _without_one("operand removed", node.values, node, "({})", text, joint=joint)


def _of_set(node: ast.Set, text: Text) -> Iterator[_Edit]:
    yield from _without_one("member removed", node.elts, node, "{{{}}}", text)


def _of_table(node: ast.Dict, text: Text) -> Iterator[_Edit]:
    entries = [
        f"**{text(value)}" if key is None else f"{text(key)}: {text(value)}"
        for key, value in zip(node.keys, node.values, strict=True)
    ]
    for left_out in range(len(entries)):
        kept = ", ".join(entry for n, entry in enumerate(entries) if n != left_out)
        yield _Edit("entry removed", node, f"{{{kept}}}")


def _is_step(node: ast.AST) -> bool:
    """Tell whether a statement is there for its effect alone: without it the rest still runs."""
    if isinstance(node, ast.Assign):
        return all(isinstance(target, ast.Attribute | ast.Subscript) for target in node.targets)
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)


def _of_call(node: ast.Call, text: Text) -> Iterator[_Edit]:
    name = text(node.func)
    if name in {"min", "max"}:
        yield _Edit("bound reversed", node.func, "max" if name == "min" else "min")
        yield from _without_one("bound removed", node.args, node, f"{name}([{{}}])", text)
    elif name in {"contextlib.suppress", "suppress"}:
        yield from _without_one("suppress removed", node.args, node, f"{name}({{}})", text)
    elif name in {"any", "all"}:
        yield _Edit("quantifier swapped", node.func, "all" if name == "any" else "any")


def _without_one(
    operator: str,
    parts: list[ast.expr],
    whole: ast.AST,
    shape: str,
    text: Text,
    *,
    joint: str = ", ",
) -> Iterator[_Edit]:
    for left_out in range(len(parts)):
        # In brackets: a part may hold an operator that binds less than the joint.
        kept = [_bracketed(text(part), part) for n, part in enumerate(parts) if n != left_out]
        empty = "frozenset()" if isinstance(whole, ast.Set) else shape.format("")
        yield _Edit(operator, whole, shape.format(joint.join(kept)) if kept else empty)


def _bracketed(text: str, part: ast.expr) -> str:
    return f"({text})" if isinstance(part, ast.BoolOp | ast.IfExp | ast.Lambda | ast.NamedExpr) else text


_BY_KIND: Mapping[Any, Callable[[Any, Text], Iterator[_Edit]]] = MappingProxyType(
    {
        (ast.If, ast.IfExp): _of_branch,
        ast.comprehension: _of_comprehension,
        ast.ExceptHandler: _of_handler,
        ast.Try: _of_try,
        ast.BoolOp: _of_operation,
        ast.Set: _of_set,
        ast.Dict: _of_table,
        ast.Call: _of_call,
    }
)
