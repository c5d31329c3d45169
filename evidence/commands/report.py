"""``evidence report``: a page, Markdown or JSON about a bundle."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Final

from evidence.commands.output import OK, add_bundle, relative, say
from evidence.errors import EvidenceError

_SUMMARY: Final = "GITHUB_STEP_SUMMARY"


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the verb."""
    text = "what was proven, on what, and what was not run: a page, Markdown or JSON"
    parser = verbs.add_parser(
        "report",
        help=text,
        description=text,
        epilog=f"Markdown is also added to the file that {_SUMMARY} names. exit codes: 0 written, whatever the "
        "bundle's result; 1 the bundle cannot be read; 2 bad usage, or no such bundle",
    )
    add_bundle(parser, "folder, tar or zip file of the bundle")
    parser.add_argument("--format", choices=("html", "md", "json"), default="html", help="default: %(default)s")
    parser.add_argument(
        "--output", metavar="FILE", type=Path, help="default: <bundle>.html, .md or .json in this folder; - prints it"
    )
    parser.add_argument("--key", metavar="PUB", type=Path, help="verify the signature, and say so in the report")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Do it."""
    from evidence.attest import keys  # noqa: PLC0415 -- so that --help starts at once
    from evidence.report import html, markdown, of_bundle, view  # noqa: PLC0415 -- as above

    key = None if options.key is None else keys.read_public(options.key)
    shown, snapshot = of_bundle(options.bundle, key=key)
    summary = os.environ.get(_SUMMARY, "")
    if summary:
        _add(Path(summary), markdown.render(shown))
    text = {
        "html": lambda: html.render(shown, snapshot, inside=False),
        "md": lambda: markdown.render(shown),
        "json": lambda: view.to_json(shown),
    }[options.format]()
    if options.output is not None and str(options.output) == "-":
        print(text, end="")  # noqa: T201 -- the answer; control characters were taken out
        return OK
    target = options.output or Path(f"{snapshot.name}.{options.format}")
    _write(target, text)
    say(f"{shown['result']}: {relative(target.absolute())}")
    return OK


def _write(target: Path, text: str) -> None:
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        message = f"{target} cannot be written: {error.strerror}; name another file by --output"
        raise EvidenceError(message) from error


def _add(target: Path, text: str) -> None:
    try:
        with target.open("a", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        message = f"the summary {target} ({_SUMMARY}) cannot be written: {error.strerror}"
        raise EvidenceError(message) from error
