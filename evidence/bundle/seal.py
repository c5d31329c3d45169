"""Seals a bundle: derives the verdict from the records, writes the manifest, signs it."""

from __future__ import annotations

import gzip
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from securesystemslib.signer import CryptoSigner

from evidence import manifest, schema
from evidence.attest import statement
from evidence.bundle import layout
from evidence.bundle.files import listed
from evidence.bundle.journal import Journal
from evidence.bundle.snapshot import Snapshot, read_folder
from evidence.bundle.writer import Bundle, point_latest, write_atomically
from evidence.claims.table import Table
from evidence.errors import EvidenceError, SecretFoundError, StrayFileError
from evidence.times import iso
from evidence.verdict.derive import derive, source_of_copies

_TO_PACK: Final = (".reportlog.jsonl", ".junit.xml", "/panels.json", "/pictures.json", "/dashboards.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A bundle that was just sealed."""

    path: Path
    manifest: dict[str, Any]
    signature: str  # "UNSIGNED (why)" or "SIGNED (key ...)"

    @property
    def grafana(self) -> str:
        """Name every Grafana that answered."""
        return grafana_of(self.manifest)


def seal(
    folder: Path,
    *,
    signer: CryptoSigner | None = None,
    clock: Callable[[], float] = time.time,
    rows: Table | None = None,
) -> Sealed:
    """Seal a bundle; nothing can enter it afterwards.

    Whatever fails, and whenever the process dies, the bundle is left without a manifest and so INCOMPLETE: the
    manifest is the last file written.

    Args:
        folder: the bundle.
        signer: signs the statement; None: the bundle is UNSIGNED.
        clock: returns Unix seconds.
        rows: the claims that are judged by it; the project's own when None.

    Raises:
        ClaimsError: a claim names a test that does not exist.
        BundleMissingError: there is no such bundle.
        BundleClosedError: it is sealed already.
        StrayFileError: a file lies in it that did not come through its door, or is not what came through.
        SecretFoundError: a process found a secret in it.
        DocumentError: its records cannot be read.
        EvidenceError: it cannot be written.
    """
    bundle = Bundle.join(folder)
    journal = Journal(bundle.path)
    if refusals := journal.refusals():
        raise SecretFoundError(refusals[0])
    _copy_to_the_top(bundle)
    _entered(bundle, journal)
    _pack(bundle, journal)
    _tell(bundle, _entered(bundle, journal), signer, rows)
    snapshot = _entered(bundle, journal)
    verdict = derive(snapshot)
    document = manifest.build(snapshot, verdict, end=iso(clock()))
    schema.validate("manifest", document, layout.MANIFEST)
    data = manifest.to_bytes(document)
    try:
        journal.remove()
        signature = _sign(bundle.path, document, data, signer)
        write_atomically(bundle.path / layout.MANIFEST, data)
    except OSError as error:
        message = f"{bundle.name} cannot be sealed: {error.strerror}"
        raise EvidenceError(message) from error
    point_latest(bundle.path)
    return Sealed(path=bundle.path, manifest=document, signature=signature)


def grafana_of(document: dict[str, Any]) -> str:
    """Name every Grafana that answered in a run: ``stand-in``, or ``embedded: stand-in; compose: Grafana 12 (...)``."""
    labels = {
        stack: facts["grafana"]["label"] if facts["grafana"] else "none that answered"
        for stack, facts in document["stacks"].items()
    }
    if len(set(labels.values())) <= 1:
        return next(iter(labels.values()), "none that answered")
    return "; ".join(f"{stack}: {label}" for stack, label in labels.items())


def _copy_to_the_top(bundle: Bundle) -> None:
    stacks = {path.name: path for path in (bundle.path / "e2e").glob("*") if path.is_dir()}
    source = source_of_copies(stacks)
    if source is None:
        return
    for name in layout.SEED_FILES:
        original = stacks[source] / name
        if original.is_file() and not original.is_symlink():
            bundle.add_file(name, original, replace=True)


def _tell(bundle: Bundle, snapshot: Snapshot, signer: CryptoSigner | None, rows: Table | None) -> None:
    """Write what the records mean for people: the judged claims, and the page."""
    # Imported here: the page's library is heavy, and only sealing needs it.
    from evidence.report import inside  # noqa: PLC0415 -- see the line above

    key = None if signer is None else signer.public_key.keyid
    for name, data in inside.documents(snapshot, derive(snapshot), key=key, rows=rows):
        bundle.add_bytes(name, data, replace=True)


def _pack(bundle: Bundle, journal: Journal) -> None:
    """Pack what is large and repeats itself: the answers of all panels would be a tenth of what a bundle may hold."""
    for name in listed(bundle.path):
        if name.endswith(_TO_PACK):
            data = bundle.where(name).read_bytes()
            # The time is left out, so that the same run packs to the same bytes.
            bundle.add_bytes(name + layout.PACKED, gzip.compress(data, mtime=0), replace=True)
            bundle.where(name).unlink()
            journal.leave_out(name)


def _entered(bundle: Bundle, journal: Journal) -> Snapshot:
    """Read the bundle; refuse what did not come through its door."""
    snapshot = read_folder(bundle.path)
    files = {name: data for name, data in snapshot.files.items() if name != layout.JOURNAL}
    entries = journal.entries()
    strays = sorted(
        [name for name, data in files.items() if entries.get(name) != hashlib.sha256(data).hexdigest()]
        + list(snapshot.odd)
        + [name for name in entries if name not in files]
    )
    if strays:
        more = f" and {len(strays) - 5} more" if len(strays) > 5 else ""
        raise StrayFileError(
            f"{bundle.name} stays INCOMPLETE: these did not come through its door, or are no longer what did: "
            f"{', '.join(strays[:5])}{more}"
        )
    return Snapshot(name=snapshot.name, files=files)


def _sign(folder: Path, document: dict[str, Any], data: bytes, signer: CryptoSigner | None) -> str:
    if reason := statement.why_not(document):
        return f"UNSIGNED ({reason})"
    if signer is None:
        return "UNSIGNED (no key is configured)"
    write_atomically(folder / layout.STATEMENT, statement.sign(statement.build(document, data), signer))
    return f"SIGNED (key {signer.public_key.keyid[:12]})"
