"""Puts a verified bundle's small files into the repository, and writes the user's documents from them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final

from securesystemslib.signer import SSlibKey

from evidence import git
from evidence.attest import keys
from evidence.bundle import layout
from evidence.bundle.snapshot import Snapshot
from evidence.claims import table
from evidence.claims.judge import Status
from evidence.errors import EvidenceError, PromotionError
from evidence.promote import documents, places
from evidence.report.inside import page_differences
from evidence.verify import Report, verify

#: Claims about the repository's remote, which a bundle of a commit that is not pushed yet cannot prove.
MAY_BE_OPEN: Final = frozenset({"pushed", "raw-urls"})


def promote(bundle: Path, *, key: Path, root: Path, verifier: Callable[..., Report] = verify) -> tuple[Path, ...]:
    """Promote a bundle.

    Args:
        bundle: folder, tar or zip file.
        key: file with the public key that must have signed it; a copy of it is put beside the evidence.
        root: the checkout.
        verifier: verifies a bundle.

    Returns:
        What was written, in order.

    Raises:
        PromotionError: the bundle may not be promoted; says why.
        EvidenceError: something cannot be read or written.
    """
    public = keys.read_public(key)
    report = verifier(bundle, key=public, page=page_differences)
    if report.violations:
        raise PromotionError("; ".join(str(one) for one in report.violations))
    snapshot, manifest = report.snapshot, report.manifest
    if snapshot is None or manifest is None:
        raise PromotionError(f"{bundle.name} could not be read")
    judged = snapshot.json(places.CLAIMS) if places.CLAIMS in snapshot.files else {}
    if refusals := tuple(_refusals(manifest, judged, root)):
        raise PromotionError("; ".join(refusals))
    contents = _contents(snapshot, manifest)
    before = read_documents(root)
    promoted = of_contents(contents, public)
    texts = documents.write(promoted, before)
    try:
        return tuple(_write(root, contents, key.read_bytes(), texts))
    except OSError as error:
        message = (
            f"{error.filename}: {error.strerror}; the working tree may hold a part of the evidence: git checkout it"
        )
        raise EvidenceError(message) from error


def of_contents(contents: Mapping[str, bytes], key: SSlibKey) -> documents.Promoted:
    """Take what the documents say from promoted files.

    Args:
        contents: path below `places.FOLDER` -> content.
        key: the key that signed them.

    Raises:
        EvidenceError: one of them is missing or not JSON.
    """
    try:
        return documents.Promoted(
            manifest=json.loads(contents[places.MANIFEST]),
            claims=json.loads(contents[places.CLAIMS]),
            key_id=key.keyid,
        )
    except (KeyError, ValueError) as error:
        message = f"the promoted evidence cannot be read: {error}"
        raise EvidenceError(message) from error


def read_documents(root: Path) -> dict[PurePosixPath, str]:
    """Read the documents that are there.

    Raises:
        EvidenceError: one of them cannot be read.
    """
    found = {}
    for name in (places.REPORT, places.ROADMAP, places.CHECKPOINT):
        try:
            found[name] = (root / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            continue
        except (OSError, UnicodeDecodeError) as error:
            message = f"{name} cannot be read: {error}"
            raise EvidenceError(message) from error
    return found


def _refusals(manifest: Mapping[str, Any], judged: Mapping[str, Any], root: Path) -> Iterator[str]:
    name, state = manifest["bundle"], manifest["git"]
    if manifest["result"] != "PASSED" or not manifest["complete"]:
        yield f"{name} is {manifest['result']} ({manifest['scope']}): only a complete bundle that PASSED is promoted"
    if lacking := [gate for gate in layout.ALL_GATES if gate not in manifest["gates"]]:
        yield f"{name} lacks the gates {', '.join(lacking)}: only a bundle of all gates is promoted"
    if state["dirty"]:
        yield f"{name} was made from a tree with changes: commit them and run `make test` again"
    if not git.is_ancestor(root, state["commit"]):
        yield f"the commit {state['short']} is no ancestor of HEAD here: promote in the history that was tested"
    if not judged:
        yield f"{name} makes no claims: it is not of this project's gates"
        return
    open_ = [one for one in judged["claims"] if one["status"] != Status.PASS]
    for one in open_:
        if one["status"] != Status.NOT_RUN or one["id"] not in MAY_BE_OPEN:
            yield f"the claim {one['id']} is {one['text']}: {'; '.join(one['reasons'])}"
    if judged["table"] != table.load().model_dump(mode="json"):
        yield f"{name} was judged by another table of claims than this checkout's {table.TABLE.name}"


def _contents(snapshot: Snapshot, manifest: Mapping[str, Any]) -> dict[str, bytes]:
    wanted = {**places.targets(manifest), **places.UNLISTED}
    missing = sorted(source for source in wanted.values() if source not in snapshot.files)
    if missing:
        raise PromotionError(f"{snapshot.name} lacks {', '.join(missing)}")
    found = {target: snapshot.files[source] for target, source in wanted.items()}
    large = [f"{name} ({len(data)} bytes)" for name, data in found.items() if len(data) > places.LARGEST]
    if large:
        raise PromotionError(f"too large for git, at most {places.LARGEST} bytes: {', '.join(large)}")
    return found


def _write(root: Path, contents: Mapping[str, bytes], key: bytes, texts: Mapping[PurePosixPath, str]) -> Iterator[Path]:
    folder = root / places.FOLDER
    if folder.exists():
        shutil.rmtree(folder)
    for name, data in sorted(contents.items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        yield path
    (root / places.KEY).write_bytes(key)
    yield root / places.KEY
    yield from write_documents(root, texts)


def write_documents(root: Path, texts: Mapping[PurePosixPath, str]) -> Iterator[Path]:
    """Write the documents into a checkout."""
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
        yield root / name
