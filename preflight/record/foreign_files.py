"""Other files in the textfile directory that hold our metrics: a scraper serves one of the two, and says nothing."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

from preflight.message import message
from preflight.model import Env, Outcome, Status
from preflight.record import textfile

_LINE = re.compile(rb'^arbitrage_preflight_[a-z_]+(?:\{[^}\n]*\benv="([^"\n]*)")?', re.MULTILINE)

_PIECE = 64 * 1024  # bytes


def look_for_foreign_files(directory: Path) -> Outcome | None:
    """Find a `.prom` file that holds what another file is there to say.

    Args:
        directory: What node_exporter reads.

    Raises:
        OSError: The directory cannot be listed.
    """
    own = {textfile.path_of(directory, env.value): env.value.encode() for env in Env}
    for path in sorted(directory.glob("*.prom")):
        try:
            if not path.is_file():
                continue
            with path.open("rb") as file:  # piece by piece: another program's file may be of any size
                lines = iter(partial(file.readline, _PIECE), b"")
                strange = any(_is_strange(line, own.get(path)) for line in lines)
        except OSError as e:
            return Outcome(
                status=Status.ERROR,
                summary=message(
                    "textfile_dir: whether {name} holds metrics of preflight cannot be determined: {strerror}",
                    name=path.name,
                    strerror=e.strerror,
                ),
                hint=message("let the user who runs preflight read it, or move it away: {path}", path=path),
                expected="files of other programs hold no arbitrage_preflight_ metric",
                actual="not readable",
            )
        if strange:
            return Outcome(
                status=Status.FAIL,
                summary=message(
                    "textfile_dir: {name} holds metrics of preflight too, and node_exporter may serve these",
                    name=path.name,
                ),
                hint=message(
                    "move it out of the directory, or give it a name that does not end in .prom: {path}", path=path
                ),
                expected="one file for each env",
                actual=path.name,
            )
    return None


def _is_strange(line: bytes, env: bytes | None) -> bool:
    """Whether the line is one of our metrics in a file that is not that env's own."""
    found = _LINE.match(line.lstrip())
    return found is not None and (env is None or found[1] != env)
