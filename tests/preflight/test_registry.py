from __future__ import annotations

import copy
import re
from collections.abc import Callable

import pytest

from preflight.check import Check
from preflight.errors import RegistryError, UsageError
from preflight.registry import Registry, default_registry

MakeCheck = Callable[..., Check]


def ids(checks: tuple[Check, ...]) -> list[str]:
    return [check.id for check in checks]


def test_default_registry_adds_up() -> None:
    """The checks that come with the gate are valid, say what they prove, and can end within the default limits."""
    checks = default_registry().checks
    assert {"environment", "redis", "postgres", "storage"} <= set(ids(checks))
    for check in checks:
        assert isinstance(check, Check)
        assert check.proves
        assert 0 < check.timeout <= 30
        assert hash(check) == hash(copy.copy(check))  # a frozen value


@pytest.mark.parametrize("bad", ["", "Redis", "my-check", "1st", "a b", "a" * 64, "é", "redis\n"])
def test_bad_id(bad: str, make_check: MakeCheck) -> None:
    """An id that could not be a label value is refused by name."""
    with pytest.raises(RegistryError, match=re.escape(repr(bad))):
        Registry((make_check(bad),))


def test_duplicate_id(make_check: MakeCheck) -> None:
    """Two checks of one id are refused: one would hide the other."""
    with pytest.raises(RegistryError, match="'redis' is registered twice"):
        Registry((make_check("redis"), make_check("other"), make_check("redis")))


def test_unknown_requirement(make_check: MakeCheck) -> None:
    """A check that requires what nobody registers is refused, never counted as met."""
    with pytest.raises(RegistryError, match="'a' requires 'nobody'"):
        Registry((make_check("a", requires=("nobody",)),))


@pytest.mark.parametrize(
    ("needs", "circle"),
    [({"a": ("a",)}, "a -> a"), ({"a": ("b",), "b": ("c",), "c": ("a",)}, "->")],
    ids=["itself", "three"],
)
def test_circle(needs: dict[str, tuple[str, ...]], circle: str, make_check: MakeCheck) -> None:
    """Checks that require each other are refused when they are collected, not when they would wait for ever."""
    with pytest.raises(RegistryError, match=f"in a circle: .*{circle}"):
        Registry(tuple(make_check(name, requires=required) for name, required in needs.items()))


@pytest.mark.parametrize(
    ("only", "selected"),
    [
        ((), ["a", "b", "c", "d"]),
        (("b",), ["b"]),
        (("d", "b"), ["b", "d"]),
        (("a",), ["a", "c", "d"]),
        (("a", "a"), ["a", "c", "d"]),
    ],
)
def test_select(only: tuple[str, ...], selected: list[str], make_check: MakeCheck) -> None:
    """`select` gives what is named and all that it requires, in registered order; nothing named means all."""
    registry = Registry(
        (make_check("a", requires=("c",)), make_check("b"), make_check("c", requires=("d",)), make_check("d"))
    )
    assert ids(registry.select(only)) == selected
    assert registry.ids == {"a", "b", "c", "d"}


def test_select_unknown(make_check: MakeCheck) -> None:
    """An unknown id is a usage error that names it, the option, and what there is."""
    registry = Registry((make_check("a"), make_check("b")))
    with pytest.raises(UsageError, match=r"^--only: there is no check 'nope'; `preflight list` names them: a, b$"):
        registry.select(("a", "nope"))
    with pytest.raises(UsageError, match=r"^--waive: there is no check 'x'"):
        registry.must_know(["x"], "--waive")
