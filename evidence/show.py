"""Shows a bundle to a person: plain text, or a table on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from evidence import manifest
from evidence.attest.statement import signature_state
from evidence.bundle.seal import grafana_of
from evidence.bundle.snapshot import Snapshot
from evidence.errors import BundleIncompleteError
from evidence.verify.archive import read_bundle
from preflight.model import one_line

_SHA = 12  # digits shown of a sha256


def show(path: Path, out: TextIO | None = None) -> bool:
    """Print what the bundle says of its run.

    Args:
        path: folder, tar or zip file of the bundle.
        out: where to; standard output by default. On a terminal rich draws tables.

    Returns:
        Whether the bundle was sealed; otherwise its files are listed and it is called INCOMPLETE.

    Raises:
        BundleMissingError: there is none.
        EvidenceError: it cannot be read.
    """
    stream = sys.stdout if out is None else out
    snapshot = read_bundle(path)
    try:
        document = manifest.of(snapshot)
    except BundleIncompleteError as error:
        print(one_line(str(error)), file=stream)
        print("files: " + one_line(", ".join(sorted(snapshot.files)) or "none"), file=stream)
        return False
    facts = [(name, one_line(value)) for name, value in _facts(snapshot, document)]
    files = [(one_line(name), size, sha) for name, size, sha in _files(document)]
    if stream.isatty():
        _draw(facts, files, stream)
    else:
        text = [f"{name + ':':<10} {value}" for name, value in facts]
        text += [f"  {size:>9}  {sha}  {name}" for name, size, sha in files]
        print("\n".join(text), file=stream)
    return True


def _facts(snapshot: Snapshot, document: Mapping[str, Any]) -> list[tuple[str, str]]:
    git = document["git"]
    rows = [
        ("bundle", snapshot.name),
        ("result", "; ".join([f"{document['result']} ({document['scope']})", *document["reasons"]])),
        ("signature", signature_state(snapshot)),
        ("grafana", grafana_of(dict(document))),
        ("complete", "yes" if document["complete"] else "no: cannot be promoted"),
    ]
    for gate, facts in document["gates"].items():
        said = "passed" if facts["passed"] else "NOT passed"
        rows.append((gate, f"{facts['result']}, {said}; {_counts(facts['counts'])}"))
    pushed = {True: "pushed", False: "not pushed", None: "no remote"}[git["pushed"]]
    rows += [
        (
            "commit",
            f"{git['short']} on {git['branch'] or 'no branch'}{' with changes' if git['dirty'] else ''}, {pushed}",
        ),
        ("time", f"{document['start']} to {document['end']} ({document['duration_seconds']:.1f} s)"),
        ("command", " ".join(document["command"])),
    ]
    rows += [(stack, _services(facts["services"])) for stack, facts in document["stacks"].items()]
    return [
        *rows,
        ("python", f"{document['python']} on {document['platform']}"),
        ("files", str(len(document["files"]))),
    ]


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in counts.items() if number) or "no tests"


def _services(services: Mapping[str, Mapping[str, str]]) -> str:
    found = [
        f"{service} {facts['version']}" + (f" ({facts['source']})" if "source" in facts else "")
        for service, facts in sorted(services.items())
    ]
    return ", ".join(found) or "none"


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
