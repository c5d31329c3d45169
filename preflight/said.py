"""What is said to the person at the terminal: in that person's language, on one line, without a secret."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence

from preflight.language import say
from preflight.message import cleaned
from preflight.model import one_line


def line(text: str, secrets: Sequence[str] = ()) -> str:
    """Return a text as it may be shown; one that is a message in the reader's language."""
    from preflight.redaction import scrub  # noqa: PLC0415 - only where there is something to say: `--help` is quick

    return one_line(scrub(say(cleaned(text, lambda part: scrub(part, secrets))), secrets))


def tell(text: str, secrets: Sequence[str] = ()) -> None:
    """Write a line to stdout.

    Raises:
        OSError: It cannot be written.
    """
    sys.stdout.write(f"{line(text, secrets)}\n")


def complain(text: str, secrets: Sequence[str] = (), *, who: str = "preflight") -> None:
    """Write a line to stderr, after the name of what complains; where nobody is left to read it, do nothing."""
    with contextlib.suppress(OSError):
        sys.stderr.write(f"{who}: {line(text, secrets)}\n")
        sys.stderr.flush()
