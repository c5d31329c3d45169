"""Bundles to look at: one that is open, and one that is sealed, signed, and passed."""

from __future__ import annotations

import marshal
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from securesystemslib.signer import CryptoSigner

from evidence import git, schema
from evidence.bundle import Bundle, open_run
from supply import locks, sbom
from tests.evidence.genuine import SHA, START, Genuine


@pytest.fixture(scope="session", autouse=True)
def each_document_is_judged_once() -> Iterator[None]:
    """Keep what the schemas say of a document: hundreds of bundles differ in one of their twenty."""
    judge = schema.problems
    judged: dict[tuple[str, bytes], tuple[str, ...]] = {}

    def problems(kind: str, document: Any) -> tuple[str, ...]:
        # The whole document is the key. Version 2 has no references, which would depend on what else holds its parts.
        key = (kind, marshal.dumps(document, 2))
        if key not in judged:
            judged[key] = judge(kind, document)
        return judged[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schema, "problems", problems)
        yield


@pytest.fixture(scope="session", autouse=True)
def each_bill_of_materials_is_made_once() -> Iterator[None]:
    """Keep the bill of a project without locks, which only its name and time tell from any other such bill."""
    make = sbom.document
    made: dict[tuple[str, datetime], bytes] = {}

    def document(project: Path, *, name: str, at: datetime) -> bytes:
        if locks.parts(project):
            return make(project, name=name, at=at)
        if (name, at) not in made:
            made[name, at] = make(project, name=name, at=at)
        return made[name, at]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sbom, "document", document)
        yield


@pytest.fixture
def opened(tmp_path: Path) -> Bundle:
    """An open bundle of a clean tree, started at `START`."""
    facts = git.Facts(commit=git.Commit(sha=SHA, dirty=False), branch="main", pushed=True)
    return Bundle.join(open_run(tmp_path / "artifacts", project=tmp_path, clock=lambda: START, facts=facts))


@pytest.fixture(scope="session")
def signer() -> CryptoSigner:
    """A key."""
    return CryptoSigner.generate_ed25519()


@pytest.fixture(scope="session")
def sealed_once(tmp_path_factory: pytest.TempPathFactory, signer: CryptoSigner) -> Path:
    """The folder of a sealed bundle that passed, to be copied: sealing takes long."""
    return Genuine().seal(tmp_path_factory.mktemp("sealed") / "artifacts", signer).path


@pytest.fixture
def sealed(tmp_path: Path, sealed_once: Path) -> Path:
    """The folder of a sealed bundle that passed, in one of the test's own."""
    shutil.copytree(sealed_once.parent, tmp_path / "artifacts", symlinks=True)
    return tmp_path / "artifacts" / sealed_once.name
