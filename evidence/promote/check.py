"""Holds the documents in the repository against the evidence promoted there. Part of the fast gate."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from securesystemslib.signer import SSlibKey

from evidence import git, manifest
from evidence.attest import keys, statement
from evidence.bundle import layout
from evidence.bundle.snapshot import Snapshot, read_folder
from evidence.errors import EvidenceError
from evidence.problems import Problem
from evidence.promote import documents, places
from evidence.promote.promote import of_contents, read_documents, write_documents


def is_promoted(root: Path) -> bool:
    """Tell whether there is any promoted evidence, or anything left of it."""
    return os.path.lexists(root / places.FOLDER) or os.path.lexists(root / places.KEY)


def check(root: Path) -> tuple[Problem, ...]:
    """Say everything that the documents or the promoted files say and the evidence does not.

    Before the first promotion there is nothing to find, as long as no document says anything of D98-6 either.

    Args:
        root: the checkout.

    Returns:
        What is wrong, by file.
    """
    try:
        texts = read_documents(root)
        if not is_promoted(root):
            text = "says something of D98-6, and no evidence was promoted"
            return tuple(Problem(str(name), text) for name in texts if documents.is_written(name, texts[name]))
        key = keys.read_public(root / places.KEY)
        snapshot = read_folder(root / places.FOLDER)
        found = [*_files(snapshot), *_statement(snapshot, key), *_history(snapshot, root)]
    except EvidenceError as error:
        return (Problem(str(places.FOLDER), str(error)),)
    try:
        wanted = documents.write(of_contents(snapshot.files, key), texts)
    except EvidenceError as error:
        return (*found, Problem(str(places.FOLDER), str(error)))
    return (*found, *_documents(wanted, texts))


def rewrite(root: Path) -> tuple[Path, ...]:
    """Write the documents anew from the promoted evidence, as after a change of their form.

    Raises:
        EvidenceError: nothing is promoted, or it cannot be read.
    """
    if not is_promoted(root):
        raise EvidenceError("nothing is promoted: `evidence promote` does that")
    snapshot = read_folder(root / places.FOLDER)
    promoted = of_contents(snapshot.files, keys.read_public(root / places.KEY))
    return tuple(write_documents(root, documents.write(promoted, read_documents(root))))


def _files(snapshot: Snapshot) -> Iterator[Problem]:
    document = manifest.of_any_version(snapshot)
    if document["result"] != "PASSED" or not document["complete"] or document["git"]["dirty"]:
        yield _problem(places.MANIFEST, "is not of a complete bundle of a clean commit that PASSED")
    wanted = places.targets(document)
    for name, kind in snapshot.odd.items():
        yield _problem(name, f"is {kind}: only regular files belong here")
    for name in sorted((wanted.keys() | places.UNLISTED.keys()) - snapshot.files.keys()):
        yield _problem(name, "is missing")
    for name in sorted(snapshot.files.keys() - wanted.keys() - places.UNLISTED.keys()):
        yield _problem(name, "was not promoted with the rest")
    described = Snapshot(name=snapshot.name, files=snapshot.files).described()
    for target, source in sorted(wanted.items()):
        if target in described and described[target] != document["files"].get(source):
            yield _problem(target, f"is not the file {source} that was signed: its sha256 or size differs")


def _statement(snapshot: Snapshot, key: SSlibKey) -> Iterator[Problem]:
    if layout.STATEMENT not in snapshot.files:
        yield _problem(layout.STATEMENT, "is missing: the evidence is UNSIGNED")
        return
    for text in statement.violations(snapshot, manifest.of_any_version(snapshot), key):
        yield _problem(layout.STATEMENT, text)


def _history(snapshot: Snapshot, root: Path) -> Iterator[Problem]:
    commit = manifest.of_any_version(snapshot)["git"]["commit"]
    if not git.is_ancestor(root, commit):
        yield _problem(places.MANIFEST, f"is about the commit {commit}, which is no ancestor of HEAD")


def _documents(wanted: dict[PurePosixPath, str], texts: dict[PurePosixPath, str]) -> Iterator[Problem]:
    for name, text in wanted.items():
        actual = texts.get(name)
        if actual is None:
            yield Problem(str(name), "is missing: `evidence check-docs --write` writes it from the promoted evidence")
        elif actual != text:
            yield Problem(str(name), _first_difference(actual, text))


def _first_difference(actual: str, wanted: str) -> str:
    lines, should = actual.splitlines(), wanted.splitlines()
    for number, (one, other) in enumerate(zip(lines, should, strict=False), start=1):
        if one != other:
            return f"line {number} says {one.strip()!r}; the promoted evidence says {other.strip()!r}"
    return f"has {len(lines)} lines; from the promoted evidence it has {len(should)}"


def _problem(name: str, text: str) -> Problem:
    return Problem(str(places.FOLDER / name), text)
