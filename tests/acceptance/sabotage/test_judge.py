from __future__ import annotations

import json
from pathlib import Path

import pytest

from acceptance.sabotage.judge import Catch, RecordedRun, judge, read_record
from acceptance.sabotage.row import STACK, Place, Sabotage


def row(**caught: tuple[str, ...]) -> Sabotage:
    """A sabotage whose tests are called as the arguments are."""
    return Sabotage(name="x", hop="y", breaks="z", place=Place.SHARED, caught=caught)


def test_each_named_test_has_to_fail() -> None:
    """One of two that passes all the same makes it another reason, though the other one caught it."""
    found = judge(row(a=("word",), b=("word",)), RecordedRun(failed={"a": "E  word"}, passed=frozenset({"b"})))

    assert (found.catch.name, found.why) == ("OTHER", "b passed")


def test_another_reason_is_another_reason() -> None:
    """A test that fails without the words has failed for something else."""
    found = judge(row(a=("this", "that")), RecordedRun(failed={"a": "E  only this"}))

    assert (found.catch.name, found.why) == ("OTHER", "a does not say 'that' but: E  only this")


def test_every_word_of_every_test_is_the_right_reason() -> None:
    """All named tests failed, each with all its words; what else failed does not matter."""
    record = RecordedRun(failed={"a": "E  this and that", "b": "E  more", "c": "E  else"}, passed=frozenset({"d"}))

    found = judge(row(a=("this", "that"), b=("more",)), record, seconds=3.0)

    assert (found.catch, found.why, found.seconds) == (Catch.RIGHT, "", 3.0)


def test_what_all_named_tests_let_pass_is_not_caught() -> None:
    """Whatever else turned red."""
    found = judge(row(a=("x",)), RecordedRun(failed={"b": "E  x"}, passed=frozenset({"a"})))

    assert (found.catch, found.why) == (Catch.MISSED, "passed all the same: a")


def test_a_test_that_did_not_run_has_caught_nothing() -> None:
    """The id may be misspelt, or pytest may not even have started: what it said is told."""
    found = judge(row(a=("x",)), RecordedRun(said="ERROR: not found: a"))

    assert (found.catch, found.why) == (Catch.MISSED, "did not run: a; pytest said: ERROR: not found: a")


@pytest.mark.parametrize(
    ("record", "catch"),
    [
        (RecordedRun(said="the stack: node-exporter is not ready"), Catch.RIGHT),
        (RecordedRun(said="the stack: redis is not ready"), Catch.OTHER),
        (RecordedRun(said="Traceback: node-exporter"), Catch.OTHER),
        (RecordedRun(said="the stack: node-exporter", passed=frozenset({"any"})), Catch.MISSED),
    ],
    ids=["in its words", "in other words", "not by the stack", "it started"],
)
def test_a_stack_that_does_not_start_may_be_what_catches(record: RecordedRun, catch: Catch) -> None:
    """Then no test ran, and the stack itself said why."""
    sabotage = Sabotage(name="x", hop="y", breaks="z", place=Place.OWN, caught={STACK: ("node-exporter",)})

    assert judge(sabotage, record).catch is catch


def test_only_what_was_raised_counts(tmp_path: Path) -> None:
    """The lines of a test's source, which a traceback shows too, are nobody's words."""
    lines = (
        {"test": "a", "phase": "setup", "outcome": "passed", "said": ""},
        {"test": "a", "phase": "call", "outcome": "failed", "said": "    assert x == 'word'\nE   AssertionError: no"},
        {"test": "b", "phase": "call", "outcome": "passed", "said": ""},
        {"test": "c", "phase": "call", "outcome": "skipped", "said": "skipped: word"},
        {"phase": "end", "outcome": 1},
    )
    (tmp_path / "record").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")

    record = read_record(tmp_path / "record", "said")

    assert record.failed["a"] == "E   AssertionError: no\n"
    assert (set(record.failed), record.passed, record.ended) == ({"a", "c"}, frozenset({"b"}), True)


def test_no_record_is_a_run_that_did_nothing(tmp_path: Path) -> None:
    """Pytest that could not even load the recorder."""
    assert read_record(tmp_path / "record", "said") == RecordedRun(said="said")
