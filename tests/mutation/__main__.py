"""`make mutants`: what no test would miss in the runner and in the verdict. Exit 0 only where the list says what is so.

Makes every mutant of the files below, runs the tests against each, and compares the survivors with `accepted.toml`:
one that is not listed fails the command, and so does a listed one that a test sees or that is not made any more.
"""

from __future__ import annotations

import argparse
import itertools
import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from tests.mutation import accepted
from tests.mutation.cosmic import cosmic
from tests.mutation.equivalent import equivalent
from tests.mutation.mutant import Mutant, mutant_of, told_apart
from tests.mutation.removals import removals
from tests.mutation.session import SessionError, Stage, copies, prove, session

ROOT = Path(__file__).parents[2]
LIST = Path(__file__).with_name("accepted.toml")

_RUNNER = (
    ("tests/preflight/test_runner.py", "tests/preflight/test_shared_imports.py", "-k", "not twenty and not ccxt"),
    ("tests/preflight/test_gate.py", "tests/preflight/test_shared_imports.py"),
)
# File -> the tests that are run against its mutants, in stages: the next one only for those that pass this one.
STAGES: Mapping[str, Sequence[Stage]] = MappingProxyType(
    {
        "preflight/runner.py": _RUNNER,
        "preflight/model.py": (
            ("tests/preflight/test_model.py", "-k", "not verdict_table"),
            ("tests/preflight/test_model.py", "-k", "verdict_table"),
            *_RUNNER,
        ),
    }
)


def made(file: str) -> tuple[tuple[Mutant, ...], Counter[str]]:
    """Give the mutants of a file, each once, and how many there are that no test can see, by reason."""
    original = (ROOT / file).read_text(encoding="utf-8")
    everything = (*cosmic(original), *removals(original))
    known = (mutant_of(file, operator, original, mutated) for operator, mutated in everything)
    wanted: list[Mutant] = []
    unseen: Counter[str] = Counter()
    for mutant in told_apart(mutant for mutant in known if mutant is not None):
        reason = equivalent(mutant, original)
        if reason is None:
            wanted.append(mutant)
        else:
            unseen[reason] += 1
    return tuple(wanted), unseen


def main(argv: Sequence[str] | None = None) -> int:
    """Run a session and judge it."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--python", type=Path, default=ROOT / ".venv/bin/python", help="runs the tests")
    parser.add_argument("--jobs", type=int, default=2, help="mutants at once (default: %(default)s)")
    parser.add_argument("--only", default="", metavar="REGEX", help="mutants whose scope, operator or line fits this")
    parser.add_argument("files", nargs="*", default=list(STAGES), metavar="FILE", help=f"of {', '.join(STAGES)}")
    asked = parser.parse_args(argv)
    if unknown := set(asked.files) - set(STAGES):
        parser.error(f"no tests are named for {', '.join(sorted(unknown))}")

    listed = accepted.read(LIST)
    mutants: list[Mutant] = []
    for file in asked.files:
        found, unseen = made(file)
        mutants += [
            mutant for mutant in found if re.search(asked.only, f"{mutant.scope} {mutant.operator} {mutant.before}")
        ]
        _say(f"{file}: {len(found)} mutants to run; not run, since no test can see them:")
        for reason, count in unseen.items():
            _say(f"  {count} x {reason}")
    made_now = {mutant.key for mutant in mutants}
    concerned = [key for key in listed if key[0] in asked.files and (not asked.only or key in made_now)]

    done = itertools.count(1)

    def told(mutant: Mutant, alive: bool) -> None:
        if (number := next(done)) % 50 == 0:
            _say(f"{number} of {len(mutants)} run")
        if alive:
            _say(f"survived{', as listed' if mutant.key in listed else ''}: {mutant}")

    try:
        with copies(ROOT, asked.python.absolute(), asked.jobs) as free:
            first = free.get()
            for file in asked.files:
                prove(first, file, STAGES[file])
            free.put(first)
            survived = session(mutants, STAGES, free, count=asked.jobs, told=told)
    except SessionError as e:
        _say(f"make mutants: {e}")
        return 2
    return _conclude(survived, accepted.judge(survived, concerned))


def _conclude(survived: Mapping[Mutant, bool], judgement: accepted.Judgement) -> int:
    for file in dict.fromkeys(mutant.file for mutant in survived):
        of_file = [alive for mutant, alive in survived.items() if mutant.file == file]
        _say(f"{file}: {len(of_file)} run, {of_file.count(False)} killed, {of_file.count(True)} survived")
    for mutant in judgement.unlisted:
        _say(f"NOT ACCEPTED, survived: {mutant}")
    for mutant in judgement.killed:
        _say(f"LISTED, BUT KILLED: {mutant}")
    for key in judgement.gone:
        _say(f"LISTED, BUT GONE: {key}")
    return 0 if survived and judgement.good else 1


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
