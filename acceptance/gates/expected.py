"""Makes the committed lists of tests: a line per test function with its leg, the number and a hash of its cases.

`evidence.verdict.expected` reads such a list and compares it with what ran.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from evidence.errors import DocumentError
from evidence.verdict.expected import Expected, digest_of, function_of, read_expected

TESTS: Final = "tests/expected.txt"
ACCEPTANCE: Final = "acceptance/expected.txt"
_HEAD: Final = (
    "# Every test there is: leg, number of cases, hash of the cases' ids, test function.\n"
    "# A run counts only if exactly these pass. `make expected` writes this file anew; review what it changes.\n"
)


class ExpectedError(Exception):
    """A list cannot be made or used; the text says why and what to do."""


def make(legs: Mapping[str, str]) -> str:
    """Make the list of what was collected.

    Args:
        legs: id of each test -> its leg.

    Returns:
        The text of the file.

    Raises:
        ExpectedError: cases of one function are in different legs, so that one line could not describe it.
    """
    functions = defaultdict(list)
    for nodeid in legs:
        functions[function_of(nodeid)].append(nodeid)
    lines = []
    for function, ids in sorted(functions.items()):
        (leg, *others) = sorted({legs[nodeid] for nodeid in ids})
        if others:
            raise ExpectedError(f"{function} has cases in the legs {leg}, {', '.join(others)}: mark the whole function")
        lines.append(f"{leg:<8} {len(ids):>5}  {digest_of(ids)}  {function}\n")
    return _HEAD + "".join(lines)


def read(
    path: Path, *, legs: Collection[str] | None = None, files: Collection[str] | None = None
) -> tuple[str, Expected]:
    """Read a list, or the lines of some of its legs or files.

    Returns:
        The text, and what it lists.

    Raises:
        ExpectedError: it is missing, lists nothing, or a function twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
        if legs is not None or files is not None:
            lines = text.splitlines(keepends=True)
            text = _HEAD + "".join(line for line in lines if _wanted(line, legs, files))
        expected = read_expected(text.encode(), path.name)
    except (OSError, UnicodeDecodeError, DocumentError) as error:
        raise ExpectedError(f"{path} cannot be read ({type(error).__name__}): make it by `make expected`") from error
    if not expected:
        raise ExpectedError(f"{path} lists no test that is wanted: make it by `make expected`")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if len(lines) != len(expected.functions):
        raise ExpectedError(f"{path} has a line twice or of another form: make it anew by `make expected`")
    return text, expected


def _wanted(line: str, legs: Collection[str] | None, files: Collection[str] | None) -> bool:
    words = line.split(maxsplit=3)
    if len(words) != 4 or line.startswith("#"):
        return False
    return (legs is None or words[0] in legs) and (files is None or words[3].partition("::")[0] in files)
