"""``evidence keygen``: make a pair of keys."""

from __future__ import annotations

import argparse
from pathlib import Path

from evidence.commands.output import OK, say


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the verb."""
    text = "make an Ed25519 key pair: FILE (private, mode 0600) and FILE.pub; nothing is overwritten"
    parser = verbs.add_parser("keygen", help=text, description=text)
    parser.add_argument("file", metavar="FILE", type=Path, help="where the private half goes; keep it out of git")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Do it."""
    from evidence.attest import keys  # noqa: PLC0415 -- so that --help starts at once

    public, key = keys.generate(options.file)
    say(f"key {key.keyid[:12]}: private {options.file} (keep it secret), public {public} (publish it)")
    say(f"to sign:   export {keys.KEY_FILE_VARIABLE}={options.file}")
    say(f"to verify: evidence verify BUNDLE --key {public}")
    return OK
