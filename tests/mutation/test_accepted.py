from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.mutation.accepted import ListError, judge, read
from tests.mutation.cosmic import Outcome, SessionError
from tests.mutation.cosmic import read as read_dump

ROOT = Path(__file__).parents[2]
ENTRY = """
[[survivor]]
file = "a.py"
before = "x = 1"
after = "x = 2"
reason = "nobody looks at x"
"""
KEY = ("a.py", "x = 1", "x = 2")


def test_the_committed_list_can_be_read() -> None:
    """Each entry has its reason, and speaks of a line that is in the file."""
    for (file, before, _), reason in read(Path(__file__).with_name("accepted.toml")).items():
        lines = {line.strip() for line in (ROOT / file).read_text(encoding="utf-8").splitlines()}
        assert set(before.split("\n")) <= lines, before
        assert len(reason.split()) > 3, reason


def test_read(tmp_path: Path) -> None:
    """An entry is a key and a reason."""
    (tmp_path / "list").write_text(ENTRY, encoding="utf-8")
    assert read(tmp_path / "list") == {KEY: "nobody looks at x"}


@pytest.mark.parametrize(
    "text",
    [
        ENTRY.replace("nobody looks at x", " "),
        ENTRY.replace('after = "x = 2"\n', ""),
        ENTRY + "line = 7\n",
        ENTRY + ENTRY,
    ],
    ids=["no-reason", "no-after", "more", "twice"],
)
def test_read_refuses(text: str, tmp_path: Path) -> None:
    """A survivor is accepted with a reason and once, or not at all."""
    (tmp_path / "list").write_text(text, encoding="utf-8")
    with pytest.raises(ListError):
        read(tmp_path / "list")


def test_judge() -> None:
    """Only a list that says exactly what survives is good; an entry that the session did not try is left alone."""
    listed = {KEY: "", ("b.py", "y", "z"): ""}

    def whole_file(key: tuple[str, str, str]) -> bool:
        return key[0] == "a.py"

    assert judge([KEY], listed, gone=whole_file).good
    assert judge([KEY], {}, gone=whole_file).unlisted == (KEY,)
    assert judge([], listed, gone=whole_file).stale == (KEY,)
    assert not judge([], listed, gone=whole_file).good
    assert judge([], listed, gone=lambda _: False).good


def row(worker: str, test: str | None, diff: str = "") -> str:
    return json.dumps([{"mutations": []}, {"worker_outcome": worker, "test_outcome": test, "output": "", "diff": diff}])


def test_a_session_is_read() -> None:
    """Mutants are named by the lines of their diff; what the filter or the sample left out does not count."""
    diff = "--- mutation diff ---\n--- aa.py\n+++ ba.py\n@@ -1 +1 @@\n def f():\n-    x = 1\n+    x = 2\n"
    dump = "\n".join([row("normal", "survived", diff), row("normal", "killed", diff), row("skipped", None)])
    assert read_dump("a.py", dump) == Outcome(file="a.py", survived=(KEY,), killed=(KEY,))


@pytest.mark.parametrize("dump", [row("exception", "incompetent"), '[{"mutations": []}, null]'])
def test_a_session_that_proves_nothing_is_refused(dump: str) -> None:
    """Mutants that were not run are errors."""
    with pytest.raises(SessionError, match="was not run"):
        read_dump("a.py", dump)
