from __future__ import annotations

from tests.mutation.sample import Mutant, choose

MANY = [Mutant(file, f"core/{kind}", number) for file in ("a.py", "b.py") for kind in "xyz" for number in range(20)]


def test_a_seed_chooses_the_same_ones() -> None:
    """In whatever order they come; another seed chooses others."""
    chosen = choose(MANY, 30, 18)
    assert len(chosen) == 30
    assert choose(reversed(MANY), 30, 18) == chosen
    assert choose(MANY, 30, 19) != chosen
    assert choose(MANY, 1000, 18) == frozenset(MANY)


def test_a_sample_changes_little() -> None:
    """A larger one holds the smaller one, and what another file gains takes nothing but places."""
    chosen = choose(MANY, 30, 18)
    assert choose(MANY, 40, 18) > chosen
    more = [Mutant("c.py", "core/x", number) for number in range(10)]
    assert choose([*MANY, *more], 30, 18) - chosen <= frozenset(more)
