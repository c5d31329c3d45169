"""The command ``python -m acceptance.gates``: fast, core, e2e, git, all of them, and the lists of tests.

Exit codes: 0 FULL, exactly the committed list and all of it passed; 1 something failed; 2 a wrong option, or a gate
that could not begin; 3 PARTIAL or INCOMPLETE, nothing failed but not everything ran.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from acceptance.gates import collection, core, e2e, every, expected, fast, gate, git_gate, own_network, record
from acceptance.gates.collection import CollectionError
from acceptance.gates.expected import ExpectedError
from acceptance.gates.gate import Plan
from acceptance.gates.interface import FAILED, INTERRUPTED, OK, PROJECT, USAGE, exit_code_of
from acceptance.gates.lanes import Tests
from acceptance.gates.log import GateLog
from acceptance.stack.docker import docker_cli
from evidence.attest import keys
from evidence.bundle.seal import seal
from evidence.errors import EvidenceError

_LISTS = (("tests", expected.TESTS), ("acceptance", expected.ACCEPTANCE))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: arguments without the program's name; the process's own when None.

    Returns:
        The exit code.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    own, _, rest = _split(words)
    try:
        options = _parser().parse_args(own)
    except SystemExit as stop:  # argparse: 0 after --help, 2 after bad usage
        return stop.code if isinstance(stop.code, int) else USAGE
    try:
        if options.gate == "expected":
            return _expected(update=options.update)
        if options.gate == "all":
            return every.run(PROJECT, beside=not options.one_by_one)
        return _gate(options, tuple(rest), ("python", "-m", "acceptance.gates", *words))
    except (ExpectedError, CollectionError, EvidenceError) as error:
        print(f"gates: {error}", file=sys.stderr)  # noqa: T201 -- the answer
        return USAGE
    except KeyboardInterrupt:  # between two runs of pytest; the bundle stays as it is, and so INCOMPLETE
        return INTERRUPTED


def _split(words: list[str]) -> tuple[list[str], str, list[str]]:
    """Part the gate's own options from those for pytest, which stand after ``--``."""
    if "--" not in words:
        return words, "", []
    at = words.index("--")
    return words[:at], "--", words[at + 1 :]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m acceptance.gates",
        description="Run a gate from outside: clean environment, fixed arguments, compared with the committed list.",
        epilog="exit codes: 0 FULL, 1 something failed, 2 usage, 3 PARTIAL or INCOMPLETE. "
        "Options after -- go to pytest; a run that has any is PARTIAL.",
        allow_abbrev=False,
    )
    gates = parser.add_subparsers(dest="gate", required=True, metavar="GATE")
    texts = {
        "fast": "format, lint, types, git, and the tests that start nothing; under a minute",
        "core": "every test in tests/",
        "faults": "the fault matrix once more, on containers",
        "e2e": "the real check and the acceptance suite on a live stack",
        "git": "Korean commit messages, nothing large, generated or secret tracked",
        "all": "fast, core, e2e on both stacks and sabotage into one bundle, and a table at the end",
    }
    for name, text in texts.items():
        one = gates.add_parser(name, help=text, description=text, allow_abbrev=False)
        if name in {"core", "all"}:
            one.add_argument("--one-by-one", action="store_true", help="nothing runs beside anything else")
        if name == "e2e":
            one.add_argument("--stack", choices=("auto", "compose", "embedded", "external"), default="auto")
            one.add_argument("--grafana", choices=("auto", "real", "standin"), default="auto")
            one.add_argument("--images", choices=("auto", "official", "local"), default="auto")
    lists = gates.add_parser(
        "expected", help="compare the committed lists with the tests there are", allow_abbrev=False
    )
    lists.add_argument("--update", action="store_true", help="write them anew")
    return parser


def _gate(options: argparse.Namespace, for_pytest: tuple[str, ...], argv: Sequence[str]) -> int:
    opened = record.open_bundle(PROJECT)
    log = GateLog(sys.stdout)
    with record.working_folder() as folder:
        plan = _with(for_pytest, _plan(options, folder, opened.path))
        log.say(f"gate {plan.gate}: {' '.join(argv)}")
        for note in plan.notes:
            log.say(note)
        several = len(plan.parts) > 1
        started = time.time()
        outcome, done = gate.run(
            plan,
            PROJECT,
            lambda name, line: log.say(line, of=name if several else ""),
            beside=not getattr(options, "one_by_one", False),
        )
        ended = time.time()
        counts = ", ".join(f"{number} {name}" for name, number in outcome.counts.items() if number)
        log.say(f"gate {plan.gate} {outcome.result}: {counts or 'no tests'} in {ended - started:.0f} s")
        for reason in outcome.reasons:
            log.say(f"  {reason}")
        record.write(
            plan,
            outcome,
            done,
            bundle=opened.path,
            project=PROJECT,
            argv=argv,
            log=log.text,
            started_at=started,
            ended_at=ended,
        )
    if opened.own:
        sealed = seal(opened.path, signer=keys.configured())
        print(f"evidence {sealed.manifest['result']} ({sealed.manifest['scope']}); {sealed.signature}")  # noqa: T201
        print(os.path.relpath(opened.path))  # noqa: T201 -- the bundle, last
    return exit_code_of(outcome)


def _plan(options: argparse.Namespace, folder: Path, bundle: Path) -> Plan:
    match options.gate:
        case "fast":
            return fast.plan(PROJECT, folder)
        case "git":
            return git_gate.plan(PROJECT)
        case "faults":
            return core.faults(PROJECT, folder)
        case "core":
            docker = docker_cli.why_unusable() is None
            engine = os.environ.get("ENGINE") == "own"
            return core.plan(PROJECT, folder, docker=docker, engine=engine, apart=own_network.possible())
        case _:
            stack = options.stack
            if stack == "auto":
                stack = "compose" if docker_cli.why_unusable() is None else "embedded"
            more = ("--grafana", options.grafana, "--images", options.images)
            return e2e.plan(PROJECT, folder, stack=stack, bundle=bundle, options=more)


def _with(for_pytest: tuple[str, ...], plan: Plan) -> Plan:
    """Give pytest what somebody wants it to have: a run of a part, which does not count."""
    if not for_pytest:
        return plan
    lanes = tuple(
        tuple(
            replace(part, run=replace(part.run, options=(*part.run.options, *for_pytest)))
            if isinstance(part, Tests)
            else part
            for part in lane
        )
        for lane in plan.lanes
    )
    return replace(plan, lanes=lanes, notes=(*plan.notes, f"pytest was given {' '.join(for_pytest)}"))


def _expected(*, update: bool) -> int:
    work = collection.update if update else collection.differences
    with ThreadPoolExecutor() as pool:
        results = list(pool.map(lambda pair: work(PROJECT, *pair), _LISTS))
    if update:
        print(*results, sep="\n")  # noqa: T201 -- the answer
        return OK
    found = [line for lines in results for line in lines]
    print(*(found or ["the lists are what pytest collects"]), sep="\n")  # noqa: T201 -- the answer
    return FAILED if found else OK
