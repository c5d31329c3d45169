from __future__ import annotations

import pytest

from tests.mutation.equivalent import equivalent
from tests.mutation.mutant import Mutant, mutant_of, told_apart
from tests.mutation.removals import removals

SOURCE = '''from __future__ import annotations


class Runner:
    """One."""

    def act(self, what: str | None = None) -> int:
        if what is None:
            return 1
        try:
            self.go(what)
        except (OSError, ValueError):
            return min(2, len(what))
        return 0
'''


def changed(before: str, after: str) -> Mutant:
    made = mutant_of("runner.py", "by hand", SOURCE, SOURCE.replace(before, after))
    assert made is not None
    return made


def test_a_mutant_is_known_by_its_text() -> None:
    """What is before and after, and where: nothing that moves when other lines do."""
    made = changed("return 1", "return 2")
    assert made.key == ("runner.py", "Runner.act", "return 1", "return 2", 0)
    moved = mutant_of("runner.py", "by hand", "\n\n" + SOURCE, "\n\n" + SOURCE.replace("return 1", "return 2"))
    assert moved is not None
    assert moved.key == made.key


@pytest.mark.parametrize("mutated", [SOURCE, SOURCE.replace("    return 0", "    return  0 # zero"), "def ("])
def test_what_is_the_same_or_no_python_is_no_mutant(mutated: str) -> None:
    """A change that Python does not see is none, and one that Python refuses needs no test."""
    assert mutant_of("runner.py", "by hand", SOURCE, mutated) is None


def test_twins_are_made_once_and_lookalikes_are_numbered() -> None:
    """The same change by two operators is one mutant; the same text at two places is two."""
    twice = "def a():\n    f(1)\n    f(1)\n"
    first, second = (
        mutant_of("x.py", "one", twice, "def a():\n    f(2)\n    f(1)\n"),
        mutant_of("x.py", "one", twice, "def a():\n    f(1)\n    f(2)\n"),
    )
    assert first is not None
    assert second is not None
    found = list(told_apart([first, first, second]))
    assert [(made.before, made.after, made.occurrence) for made in found] == [("f(1)", "f(2)", 0), ("f(1)", "f(2)", 1)]


def test_removals_take_one_thing_away_each() -> None:
    """A branch both ways, a step, each exception, each bound; every one of them is Python."""
    made = [(name, mutant_of("runner.py", name, SOURCE, text)) for name, text in removals(SOURCE)]
    found = sorted((name, mutant.after) for name, mutant in made if mutant is not None)
    assert found == [
        ("bound removed", "return min([2])"),
        ("bound removed", "return min([len(what)])"),
        ("bound reversed", "return max(2, len(what))"),
        ("branch always", "if True:"),
        ("branch never", "if False:"),
        ("except removed", "except ():"),
        ("one exception removed", "except (OSError,):"),
        ("one exception removed", "except (ValueError,):"),
        ("step removed", "pass"),
    ]


@pytest.mark.parametrize(
    ("source", "after"),
    [
        ("x = a and b or c", {"x = (c)", "x = ((a and b))", "x = (b) or c", "x = (a) or c"}),
        ("s = {A, B}", {"s = {B}", "s = {A}"}),
        ("s = {A}", {"s = frozenset()"}),
        ("d = {1: a, **b}", {"d = {**b}", "d = {1: a}"}),
        ("with suppress(OSError):\n    x = 1", {"with suppress():"}),
        ("try:\n    x = 1\nfinally:\n    y = 1", {"pass"}),
        ("x = [a for a in b if a]", {"x = [a for a in b if True]"}),
        ("x = any(a)", {"x = all(a)"}),
        ("self.x = 1", {"pass"}),
        ("x[1] = 1", {"pass"}),
        ("한글 = {A, B}  # 한", {"한글 = {B}  # 한", "한글 = {A}  # 한"}),
    ],
)
def test_each_kind_of_removal(source: str, after: set[str]) -> None:
    """What is taken away, of what."""
    made = [mutant_of("x.py", name, source, text) for name, text in removals(source)]
    assert {mutant.after for mutant in made if mutant is not None} == after


def test_what_no_test_can_see() -> None:
    """Annotations that are not evaluated, and `==` where only one object is equal; and nothing else."""
    assert "annotation" in (equivalent(changed("str | None", "str & None"), SOURCE) or "")
    assert "StrEnum" in (equivalent(changed("what is None", "what == None"), SOURCE) or "")
    assert equivalent(changed("what is None", "what is not None"), SOURCE) is None
    assert equivalent(changed("return 1", "return 2"), SOURCE) is None
    evaluated = SOURCE.replace("from __future__ import annotations", "")
    made = mutant_of("x.py", "by hand", evaluated, evaluated.replace("str | None", "str & None"))
    assert made is not None
    assert equivalent(made, evaluated) is None
