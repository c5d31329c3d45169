"""`make mutants`: what no test would miss in the runner and in the verdict. Exit 0 only where the list says what is so.

cosmic-ray makes every mutant of the files below and runs the tests against each. The survivors are compared with
`accepted.toml`: one that is not listed fails the command, and so does a listed one that did not survive.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType

from tests.mutation import accepted, cosmic

ROOT = Path(__file__).parents[2]
LIST = Path(__file__).with_name("accepted.toml")
# File -> the tests that are run against its mutants, the ones that see most first.
TESTS: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "preflight/runner.py": (
            *("tests/preflight/test_runner.py", "tests/preflight/test_shared_imports.py"),
            *("tests/preflight/test_gate.py", "-k", "not twenty and not ccxt"),
        ),
        "preflight/model.py": ("tests/preflight/test_model.py", "tests/preflight/test_gate.py"),
    }
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a session over each file and judge the survivors."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--python", type=Path, default=ROOT / ".venv/bin/python", help="runs the tests")
    parser.add_argument("files", nargs="*", default=list(TESTS), metavar="FILE", help=f"of {', '.join(TESTS)}")
    asked = parser.parse_args(argv)
    if unknown := set(asked.files) - set(TESTS):
        parser.error(f"no tests are named for {', '.join(sorted(unknown))}")
    listed = accepted.read(LIST)
    python = asked.python.absolute()
    try:
        with ThreadPoolExecutor(max_workers=len(asked.files)) as pool:  # a file each: they wait for their processes
            runs = [pool.submit(cosmic.run, file, TESTS[file], checkout=ROOT, python=python) for file in asked.files]
            sessions = [run.result() for run in runs]
    except cosmic.SessionError as error:
        _say(f"make mutants: {error}")
        return 2
    for each in sessions:
        _say(f"{each.file}: {each.killed} killed, {len(each.survived)} survived")
    judgement = accepted.judge([key for each in sessions for key in each.survived], listed, asked.files)
    for title, keys in (("NOT ACCEPTED, survived", judgement.unlisted), ("LISTED, BUT NO SURVIVOR", judgement.stale)):
        for file, before, after in keys:
            _say(f"{title}: {file}\n  - {before}\n  + {after}")
    return 0 if judgement.good else 1


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
