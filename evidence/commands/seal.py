"""``evidence seal``: derive the verdict, write the manifest, sign it."""

from __future__ import annotations

import argparse

from evidence.commands.output import OK, add_bundle, relative, say

NOT_PASSED = 5  # as `verify` ends for what is not passing


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the verb."""
    text = "derive the verdict from the records, write the manifest, sign it"
    parser = verbs.add_parser(
        "seal",
        help=text,
        description=text,
        epilog="the key comes from the file that EVIDENCE_SIGNING_KEY_FILE names, or from EVIDENCE_SIGNING_KEY itself; "
        "without one the bundle is UNSIGNED. exit codes: 0 PASSED, 5 anything less, 1 could not be sealed, 2 bad usage",
    )
    add_bundle(parser, "folder of the open bundle")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Do it."""
    from evidence.attest import keys  # noqa: PLC0415 -- so that --help starts at once
    from evidence.bundle.seal import seal  # noqa: PLC0415 -- as above

    sealed = seal(options.bundle, signer=keys.configured())
    document = sealed.manifest
    reasons = "".join(f"; {reason}" for reason in document["reasons"])
    say(f"evidence {document['result']} ({document['scope']}){reasons}")
    say(f"grafana: {sealed.grafana}; signature: {sealed.signature}. The bundle:")
    say(relative(sealed.path))
    return OK if document["result"] == "PASSED" else NOT_PASSED
