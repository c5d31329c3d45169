"""Shows a bundle to a person: plain text, or a table on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from evidence import manifest
from evidence.errors import BundleIncompleteError
from evidence.grafana import label_of
from preflight.model import one_line

_SHA = 12  # digits shown of a sha256


def show(folder: Path, out: TextIO | None = None) -> bool:
    """Print what the bundle says of its run.

    Args:
        folder: the bundle.
        out: where to; standard output by default. On a terminal rich draws tables.

    Returns:
        Whether the bundle has a manifest; without one its files are listed and it is called INCOMPLETE.

    Raises:
        BundleMissingError: there is no such folder.
    """
    stream = sys.stdout if out is None else out
    try:
        document = manifest.read(folder)
    except BundleIncompleteError as error:
        names = list(manifest.files(folder))
        print(one_line(str(error)), file=stream)
        print("files: " + one_line(", ".join(names) or "none"), file=stream)
        return False
    facts = [(name, one_line(value)) for name, value in _facts(folder, document)]
    files = [(one_line(name), size, sha) for name, size, sha in _files(document)]
    if stream.isatty():
        _draw(facts, files, stream)
    else:
        text = [f"{name + ':':<10} {value}" for name, value in facts]
        text += [f"  {size:>9}  {sha}  {name}" for name, size, sha in files]
        print("\n".join(text), file=stream)
    return True


def _facts(folder: Path, document: Mapping[str, Any]) -> list[tuple[str, str]]:
    git, counts = document["git"], document["counts"]
    versions = [
        f"{service} {facts['version']}" + (f" ({facts['source']})" if "source" in facts else "")
        for service, facts in sorted(document["versions"].items())
    ]
    complete = "yes" if document["complete"] else f"no: {document['complete_reason']}"
    rows = [
        ("bundle", str(folder.resolve().name)),
        ("result", "; ".join([document["result"], *document["reasons"]])),
        ("grafana", document["grafana"]["label"] if document["grafana"] else label_of(None)),
        ("complete", complete),
        ("counts", ", ".join(f"{name} {number}" for name, number in counts.items())),
        ("commit", git["short"] + (" with changes" if git["dirty"] else "")),
        ("time", f"{document['start']} to {document['end']} ({document['duration_seconds']:.1f} s)"),
        ("command", " ".join(document["command"])),
        ("stack", document["stack"] or "none was started"),
        ("versions", ", ".join(versions) or "none"),
        ("python", f"{document['python']} on {document['platform']}"),
    ]
    return [*rows, ("files", str(len(document["files"])))]


def _files(document: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    return [(name, str(facts["size"]), facts["sha256"][:_SHA]) for name, facts in sorted(document["files"].items())]


def _draw(facts: list[tuple[str, str]], files: list[tuple[str, str, str]], stream: TextIO) -> None:
    # Imported here: only a terminal needs it.
    from rich.console import Console  # noqa: PLC0415 -- see the line above
    from rich.table import Table  # noqa: PLC0415 -- as above
    from rich.text import Text  # noqa: PLC0415 -- as above

    console = Console(file=stream)
    table = Table(show_header=False)
    for fact in facts:
        table.add_row(*(Text(part) for part in fact))
    console.print(table)
    listing = Table("file", "bytes", "sha256")
    for file in files:
        listing.add_row(*(Text(part) for part in file))
    console.print(listing)
