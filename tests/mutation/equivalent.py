"""Kinds of mutants that no test can tell from the original, and why; they are counted, not run."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from types import MappingProxyType

from tests.mutation.mutant import Mutant

Differs = Callable[[ast.Module, ast.Module], bool]


class _NoAnnotations(ast.NodeTransformer):
    """Takes annotations out of a tree."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        node.returns = None
        self.generic_visit(node)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AnnAssign:
        node.annotation = ast.Constant(None)
        self.generic_visit(node)
        return node


class _LooseIdentity(ast.NodeTransformer):
    """Turns `is` into `==`, and `is not` into `!=`, where one side is None or a member of an enum."""

    def visit_Compare(self, node: ast.Compare) -> ast.Compare:
        self.generic_visit(node)
        singleton = any(_is_singleton(side) for side in (node.left, *node.comparators))
        loose: Mapping[type[ast.cmpop], ast.cmpop] = {ast.Is: ast.Eq(), ast.IsNot: ast.NotEq()}
        if singleton:
            node.ops = [loose.get(type(op), op) for op in node.ops]
        return node


def _is_singleton(node: ast.expr) -> bool:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return node.value.id in {"Status", "Env", "Mode", "Verdict"}
    return isinstance(node, ast.Constant) and node.value is None


def _postponed(tree: ast.Module) -> bool:
    return any(
        isinstance(node, ast.ImportFrom) and node.module == "__future__" and node.names[0].name == "annotations"
        for node in tree.body
    )


def _annotation(original: ast.Module, mutated: ast.Module) -> bool:
    return _postponed(original) and _same(_NoAnnotations(), original, mutated)


def _identity(original: ast.Module, mutated: ast.Module) -> bool:
    return _same(_LooseIdentity(), original, mutated)


def _same(without: ast.NodeTransformer, original: ast.Module, mutated: ast.Module) -> bool:
    return ast.dump(without.visit(original)) == ast.dump(without.visit(mutated))


KINDS: Mapping[str, Differs] = MappingProxyType(
    {
        "a type annotation: `from __future__ import annotations` keeps it from being evaluated, and nothing in these "
        "files reads it": _annotation,
        "`==` for `is` with None or a member of a StrEnum: what is compared is of that type or None, and equal members "
        "are the same object; mypy holds the types": _identity,
    }
)


def equivalent(mutant: Mutant, original: str) -> str | None:
    """Give the reason why a mutant cannot be determined from the original, or None."""
    for reason, holds in KINDS.items():
        if holds(ast.parse(original), ast.parse(mutant.source)):
            return reason
    return None
