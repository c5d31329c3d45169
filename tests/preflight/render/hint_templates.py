"""Every hint that the gate can give, read out of its source: as templates with `{}` where a value goes.

An expression that is not understood is an error, never passed over: a hint that is not seen here would be one
without its Korean.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

_NAMED = re.compile(r"\{[^{}]*\}")


class UnknownHintError(Exception):
    """A hint is made in a way that is not understood here: teach `Module` that way, or make the hint a plainer one."""


def hint_templates(folder: Path) -> dict[str, str]:
    """Give each template that reaches a `hint=` below a folder, and where: `redis.py:71`."""
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*.py")):
        for template, line in Module(path.name, path.read_text(encoding="utf-8")).hints():
            found.setdefault(template, f"{path.name}:{line}")
    return found


def raw_templates(path: Path) -> set[str]:
    """Give every string of a module, each value in an f-string as `{}`."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return {raw(node) for node in nodes if isinstance(node, ast.Constant | ast.JoinedStr)}


def raw(node: ast.expr) -> str:
    """Give one string as a template; "" for what is none."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join("{}" if isinstance(part, ast.FormattedValue) else raw(part) for part in parts)
    return ""


class Module:
    """One module, and what its names can stand for."""

    def __init__(self, name: str, source: str) -> None:
        self.name = name
        self.tree = ast.parse(source)
        self.parents = {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    def hints(self) -> Iterator[tuple[str, int]]:
        """Give each template and its line."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.keyword) and node.arg == "hint":
                yield from ((text, node.value.lineno) for text in self.texts(node.value) if text)

    def texts(self, node: ast.expr) -> list[str]:
        """Give the templates that an expression can be; none for a hint that is only handed on."""
        match node:
            case ast.Constant(value=str(text)):
                return [text]
            case ast.JoinedStr(values=parts):
                return ["".join(each) for each in product(*(self._part(part) for part in parts))]
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return ["".join(each) for each in product(self.texts(left), self.texts(right))]
            case ast.Attribute(attr="hint"):
                return []  # seen where that object is made
            case ast.Call(func=ast.Name(id="clean"), args=[given]):
                return self.texts(given)
            case ast.Call(
                func=ast.Attribute(value=ast.Constant(value="; "), attr="join"), args=[ast.GeneratorExp() as each]
            ):
                return self.texts(each.elt)
        texts = [text for each in self._alternatives(node) for text in self.texts(each)]
        if not texts:
            raise UnknownHintError(f"{self.name}:{node.lineno}: {ast.unparse(node)}")
        return texts

    def _part(self, part: ast.expr) -> list[str]:
        match part:
            case ast.FormattedValue(value=ast.Name() as name, conversion=-1, format_spec=None):
                try:
                    return self.texts(name)  # a part of the sentence, not a value
                except UnknownHintError:
                    return ["{}"]
            case ast.FormattedValue():
                return ["{}"]
        return self.texts(part)

    def _alternatives(self, node: ast.expr) -> list[ast.expr]:
        """Give what an expression can be, one step nearer to literals."""
        match node:
            case ast.IfExp(body=body, orelse=orelse):
                return [body, orelse]
            case ast.Name():
                return self._meanings(node)
            case ast.Attribute(attr=name):
                return list(self._given_to_field(name))
            case ast.Dict(values=values):
                return values
            case ast.Subscript(value=table):
                return [value for each in self._tables(table) for value in self._alternatives(each)]
            case ast.Call(func=ast.Attribute(value=table, attr="get"), args=[_, *default]):
                return [value for each in self._tables(table) for value in self._alternatives(each)] + default
        return []

    def _tables(self, node: ast.expr) -> list[ast.expr]:
        """Follow names to literal tables."""
        match node:
            case ast.Dict() | ast.Tuple() | ast.List():
                return [node]
            case ast.Call(func=ast.Name(id="MappingProxyType"), args=[table]):
                return [table]
        return [table for each in self._alternatives(node) for table in self._tables(each)]

    def _meanings(self, name: ast.Name) -> list[ast.expr]:
        function = self._function_of(name)
        if function is not None:
            found = list(self._bound(name.id, function)) or list(self._passed(name.id, function))
            if found:
                return found
        return list(self._bound(name.id, None))

    def _bound(self, name: str, function: ast.FunctionDef | None) -> Iterator[ast.expr]:
        """Give what a name is bound to in a function, or in the module."""
        for node in ast.walk(function or self.tree):
            if self._function_of(node) is not function:
                continue
            match node:
                case ast.Assign(targets=targets, value=value):
                    for target in targets:
                        yield from self._taken(target, value, name)
                case ast.AnnAssign(target=target, value=ast.expr() as value):
                    yield from self._taken(target, value, name)
                case ast.For(target=ast.Tuple(elts=targets) as target, iter=table) if name in map(_id, targets):
                    for rows in self._tables(table):
                        for row in getattr(rows, "elts", ()):
                            yield from self._taken(target, row, name)

    def _taken(self, target: ast.expr, value: ast.expr, name: str) -> Iterator[ast.expr]:
        """Give what `name` becomes where `target` is bound to `value`."""
        if _id(target) == name:
            yield value
        elif isinstance(target, ast.Tuple) and name in (names := [_id(each) for each in target.elts]):
            yield from self._elements(value, names.index(name))

    def _elements(self, value: ast.expr, index: int) -> Iterator[ast.expr]:
        match value:
            case ast.Tuple(elts=elements):
                yield elements[index]
            case ast.GeneratorExp(generators=[only]):  # text.format(...) for text in TABLE[key]
                for row in self._alternatives(only.iter):
                    for element in self._elements(row, index):
                        for text in self.texts(element):
                            yield ast.copy_location(ast.Constant(_NAMED.sub("{}", text)), element)
            case _:
                for each in self._alternatives(value):
                    yield from self._elements(each, index)

    def _passed(self, name: str, function: ast.FunctionDef) -> Iterator[ast.expr]:
        """Give what this module's own calls of a function pass for one of its parameters."""
        parameters = [each.arg for each in function.args.args]
        return self._arguments(function.name, parameters, name)

    def _given_to_field(self, name: str) -> Iterator[ast.expr]:
        """Give what this module's own dataclasses get for a field."""
        for kind in ast.walk(self.tree):
            if isinstance(kind, ast.ClassDef):
                fields = [_id(each.target) for each in kind.body if isinstance(each, ast.AnnAssign)]
                if name in fields:
                    yield from self._arguments(kind.name, fields, name)

    def _arguments(self, called: str, parameters: Sequence[str], name: str) -> Iterator[ast.expr]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call) and _id(node.func) == called:
                yield from (keyword.value for keyword in node.keywords if keyword.arg == name)
                if name in parameters[: len(node.args)]:
                    yield node.args[parameters.index(name)]

    def _function_of(self, node: ast.AST) -> ast.FunctionDef | None:
        above = self.parents.get(node)
        while above is not None and not isinstance(above, ast.FunctionDef):
            above = self.parents.get(above)
        return above


def _id(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""
