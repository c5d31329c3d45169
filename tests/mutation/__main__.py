"""`make mutants`: what no test would miss. Exit 0 only where the list says what is so.

cosmic-ray makes every mutant of the files of `targets`, or a sample of them, and runs the tests against each. The
survivors are compared with `accepted.toml`: one that is not listed fails the command, and so does a listed one that a
test sees.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.mutation import accepted, sample
from tests.mutation.cosmic import Outcome, Session, SessionError
from tests.mutation.targets import TESTS

ROOT = Path(__file__).parents[2]
LIST = Path(__file__).with_name("accepted.toml")
SEED = 18


def main(argv: Sequence[str] | None = None) -> int:
    """Run a session over each file and judge the survivors."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--python", type=Path, default=ROOT / ".venv/bin/python", help="runs the tests")
    parser.add_argument("--sample", type=int, metavar="N", help="run this many of all mutants only")
    parser.add_argument("--seed", type=int, default=SEED, help="chooses the sample (default: %(default)s)")
    parser.add_argument("files", nargs="*", default=list(TESTS), metavar="FILE", help="of tests/mutation/targets.py")
    asked = parser.parse_args(argv)
    if unknown := set(asked.files) - set(TESTS):
        parser.error(f"no tests are named for {', '.join(sorted(unknown))}")
    listed = accepted.read(LIST)
    try:
        with tempfile.TemporaryDirectory(prefix="preflight-mutants-") as name:
            Path(name).chmod(0o755)
            sessions = [_session(file, Path(name, str(number)), asked) for number, file in enumerate(asked.files)]
            outcomes = _run(sessions, asked.sample, asked.seed)
    except SessionError as error:
        _say(f"make mutants: {error}")
        return 2
    killed = {key for each in outcomes for key in each.killed}
    survived = [key for each in outcomes for key in each.survived]
    _say(f"{sum(len(each.killed) for each in outcomes)} killed, {len(survived)} survived")
    whole = frozenset(asked.files) if asked.sample is None else frozenset()
    judgement = accepted.judge(survived, listed, gone=lambda key: key[0] in whole or key in killed)
    for title, keys in (("NOT ACCEPTED, survived", judgement.unlisted), ("LISTED, BUT NO SURVIVOR", judgement.stale)):
        for file, before, after in keys:
            _say(f"{title}: {file}\n  - {before}\n  + {after}")
    return 0 if judgement.good else 1


def _session(file: str, folder: Path, asked: argparse.Namespace) -> Session:
    folder.mkdir()
    return Session(file=file, tests=TESTS[file], folder=folder, checkout=ROOT, python=asked.python.absolute())


def _run(sessions: Sequence[Session], size: int | None, seed: int) -> list[Outcome]:
    """Run the sessions, as many at once as there are processors.

    Raises:
        SessionError: One of them cannot be believed, or no test saw any mutant.
    """
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:  # each thread waits for its processes
        list(pool.map(Session.make, sessions))
        found = {session.file: sample.pending(session.database, session.file) for session in sessions}
        if size is not None:
            chosen = sample.choose((one for jobs in found.values() for one in jobs), size, seed)
            for session in sessions:
                jobs = found[session.file]
                sample.leave_out(session.database, [jobs[one] for one in jobs.keys() - chosen])
                found[session.file] = {one: jobs[one] for one in jobs.keys() & chosen}
        # The longest first, so that none of them is left alone at the end.
        left = sorted((s for s in sessions if found[s.file]), key=lambda s: len(found[s.file]), reverse=True)
        outcomes = list(pool.map(_told, left))
    for each in outcomes:
        if not each.killed and (size is None or not any(other.killed for other in outcomes)):
            raise SessionError(f"{each.file}: no test saw any mutant: the tests look elsewhere")
    return outcomes


def _told(session: Session) -> Outcome:
    outcome = session.run()
    _say(f"{outcome.file}: {len(outcome.killed)} killed, {len(outcome.survived)} survived")
    return outcome


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
