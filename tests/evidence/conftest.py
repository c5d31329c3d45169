"""Bundles to look at: one that is open, and one that is sealed, signed, and passed."""

from __future__ import annotations

from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner

from evidence import git
from evidence.bundle import Bundle, open_run
from tests.evidence.genuine import SHA, START, Genuine


@pytest.fixture
def opened(tmp_path: Path) -> Bundle:
    """An open bundle of a clean tree, started at `START`."""
    facts = git.Facts(commit=git.Commit(sha=SHA, dirty=False), branch="main", pushed=True)
    return Bundle.join(open_run(tmp_path / "artifacts", project=tmp_path, clock=lambda: START, facts=facts))


@pytest.fixture(scope="session")
def signer() -> CryptoSigner:
    """A key."""
    return CryptoSigner.generate_ed25519()


@pytest.fixture
def sealed(tmp_path: Path, signer: CryptoSigner) -> Path:
    """The folder of a sealed bundle that passed."""
    return Genuine().seal(tmp_path / "artifacts", signer).path
