"""``evidence verify`` and ``evidence check``: may this bundle be relied on?"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from evidence.commands.output import OK, WRONG, add_bundle, complain, say

if TYPE_CHECKING:
    from evidence.verify import Report

_UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DEFAULT_AGE: Final = "24h"
_CODES: Final = (
    "exit codes: 0 relied on, 1 invalid (not what was sealed, or its records contradict it), 2 bad usage, "
    "3 unsigned or not checked, 4 stale, 5 genuine and not passing; of several the first of 1, 3, 4, 5"
)


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the verbs."""
    text = "offline: signature, hashes, schemas, commit, age, tests, and the verdict derived again from the records"
    parser = verbs.add_parser("verify", help=text, description=text, epilog=_CODES)
    add_bundle(parser, "folder, tar or zip file of the bundle")
    parser.add_argument("--key", metavar="PUB", type=Path, help="the public key that must have signed it")
    parser.add_argument("--commit", metavar="SHA", help="the commit that it must be about: at least 7 digits")
    parser.add_argument(
        "--max-age",
        metavar="TIME",
        type=age,
        default=_DEFAULT_AGE,
        help="how long ago it may have been sealed, such as 90m, 24h, 7d, or `any` (default: %(default)s)",
    )
    parser.add_argument(
        "--expect-tests",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="a committed list of tests that had to run, from a checkout that you trust; may be repeated",
    )
    parser.set_defaults(run=run)
    text = "is it as it was sealed, whatever its result? As verify, without signature, age and result"
    parser = verbs.add_parser(
        "check", help=text, description=text, epilog="exit codes: 0 it is, 1 it is not, 2 bad usage"
    )
    add_bundle(parser, "folder, tar or zip file of the bundle")
    parser.set_defaults(run=run_check)


def age(text: str) -> float | None:
    """Read a length of time, in seconds; None for `any`."""
    if text == "any":
        return None
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([smhd])", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a length of time: write such as 90m, 24h, 7d, or any")
    return float(found[1]) * _UNITS[found[2]]


def run(options: argparse.Namespace) -> int:
    """Verify."""
    from evidence.attest import keys  # noqa: PLC0415 -- so that --help starts at once
    from evidence.report.inside import page_differences  # noqa: PLC0415 -- as above
    from evidence.verify import verify  # noqa: PLC0415 -- as above

    report = verify(
        options.bundle,
        key=None if options.key is None else keys.read_public(options.key),
        commit=options.commit,
        max_age=options.max_age,
        expect_tests=options.expect_tests,
        page=page_differences,
    )
    for violation in report.violations:
        complain(str(violation))
    _summarise(report)
    return report.exit_code


def run_check(options: argparse.Namespace) -> int:
    """Check."""
    from evidence.report.inside import page_differences  # noqa: PLC0415 -- so that --help starts at once
    from evidence.verify import Kind, verify  # noqa: PLC0415 -- as above

    report = verify(options.bundle, page=page_differences)
    unsealed = report.snapshot is not None and report.manifest is None
    found = [
        one for one in report.violations if one.kind is Kind.INVALID or (unsealed and one.kind is Kind.NOT_PASSING)
    ]
    for violation in found:
        complain(str(violation))
    _summarise(report)
    return WRONG if found else OK


def _summarise(report: Report) -> None:
    from evidence.attest.statement import signature_state  # noqa: PLC0415 -- so that --help starts at once
    from evidence.bundle.seal import grafana_of  # noqa: PLC0415 -- as above

    if report.snapshot is None or report.manifest is None:
        return
    document = report.manifest
    state = signature_state(report.snapshot)
    if state != "UNSIGNED" and report.key_id:
        state = f"SIGNED by {report.key_id[:12]}, verified"
    verdict = "nothing derived" if report.verdict is None else str(report.verdict.result)
    say(f"{report.snapshot.name}: says {document['result']} ({document['scope']}), derived anew: {verdict}")
    changes = " with changes" if document["git"]["dirty"] else ""
    say(f"commit {document['git']['commit']}{changes}; sealed {document['end']}")
    say(f"grafana: {grafana_of(dict(document))}; signature: {state}; {len(document['files'])} files")
