"""One change to one file of the gate, and the name under which it is known from run to run."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

Key = tuple[str, str, str, str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A file in which one thing is different.

    Its key holds text, no line numbers: what is said of a mutant stays true while other lines come and go.
    """

    file: str  # relative to the checkout
    operator: str  # what made it
    scope: str  # the class or function it is in, "" for the module
    before: str  # the lines it changes, stripped
    after: str  # the same lines in the mutant; "" where they are gone
    occurrence: int = 0  # counts those that are alike in all of that
    source: str  # the whole mutated file

    @property
    def key(self) -> Key:
        """What it is found by in the list of accepted survivors."""
        return self.file, self.scope, self.before, self.after, self.occurrence

    def __str__(self) -> str:
        """Show the change on two lines."""
        place = f"{self.file}, {self.scope or 'module'}" + (f", {self.occurrence + 1}." if self.occurrence else "")
        return f"{place} [{self.operator}]\n  - {_indented(self.before)}\n  + {_indented(self.after)}"


def _indented(text: str) -> str:
    return text.replace("\n", "\n    ")


def mutant_of(file: str, operator: str, original: str, mutated: str) -> Mutant | None:
    """Describe a mutated file, or give None where it says the same as the original.

    One that is no Python any more is none either: no test is needed to see it.
    """
    try:
        if ast.dump(ast.parse(mutated)) == ast.dump(ast.parse(original)):
            return None
    except SyntaxError:
        return None
    old, new = original.splitlines(), mutated.splitlines()
    first = _alike(old, new)
    rest = _alike(old[first:][::-1], new[first:][::-1])  # counted from the end
    return Mutant(
        file=file,
        operator=operator,
        scope=_scope(ast.parse(original), first + 1),
        before=_stripped(old[first : len(old) - rest]),
        after=_stripped(new[first : len(new) - rest]),
        source=mutated,
    )


def _alike(one: Sequence[str], other: Sequence[str]) -> int:
    """Count the lines that are the same before the first that is not."""
    pairs = zip(one, other, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _stripped(lines: Iterable[str]) -> str:
    return "\n".join(line.strip() for line in lines)


def _scope(tree: ast.Module, line: int) -> str:
    names: list[str] = []
    inner: list[ast.stmt] = tree.body
    while True:
        for node in inner:
            if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            begin = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            if begin <= line <= (node.end_lineno or begin):
                names.append(node.name)
                inner = node.body
                break
        else:
            return ".".join(names)


def told_apart(mutants: Iterable[Mutant]) -> Iterator[Mutant]:
    """Leave out what another operator has made already, and number those that only their line tells apart."""
    seen: set[tuple[str, str]] = set()
    alike: Counter[Key] = Counter()
    for mutant in mutants:
        tree = ast.dump(ast.parse(mutant.source))
        if (mutant.file, tree) in seen:
            continue
        seen.add((mutant.file, tree))
        yield replace(mutant, occurrence=alike[mutant.key])
        alike[mutant.key] += 1
