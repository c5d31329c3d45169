"""A checkout with one commit, and a signed bundle of it that passed."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from evidence.attest import keys
from tests.evidence.genuine import Genuine

_WHEN = "2026-01-02T03:04:05Z"


@dataclass(frozen=True, slots=True)
class Checkout:
    """A working tree with its history."""

    root: Path
    key: Path  # the public half
    signing: Path

    def git(self, *words: str) -> str:
        """Run git as somebody, at one time: the same files are the same commit, whose bundle is made once."""
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
        done = subprocess.run(
            ["git", "-C", str(self.root), *identity, *words],
            env=os.environ | {"GIT_AUTHOR_DATE": _WHEN, "GIT_COMMITTER_DATE": _WHEN},
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.stdout.strip()

    def commit(self) -> str:
        """Commit everything; return the commit."""
        self.git("add", "--all")
        self.git("commit", "--allow-empty", "--message", "시험")
        return self.git("rev-parse", "HEAD")

    def bundle(self, run: Genuine, folder: str = "bundles") -> Path:
        """Seal a bundle with this checkout's key, beside the checkout."""
        signer = keys.configured({keys.KEY_FILE_VARIABLE: str(self.signing)})
        return run.seal(self.root.parent / folder, signer).path


def made_in(place: Path) -> Checkout:
    """Make one."""
    root = place / "checkout"
    root.mkdir()
    public, _ = keys.generate(place / "key")
    found = Checkout(root=root, key=public, signing=place / "key")
    found.git("init", "--quiet", "--initial-branch", "main")
    (root / "README.md").write_text("x\n")
    found.commit()
    return found


def passed_in(checkout: Checkout) -> Path:
    """Make a bundle of its commit that PASSED."""
    return checkout.bundle(Genuine(own_claims=True, sha=checkout.git("rev-parse", "HEAD")))


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A new one."""
    return made_in(tmp_path)


@pytest.fixture
def passed(checkout: Checkout) -> Path:
    """A bundle of its commit that PASSED."""
    return passed_in(checkout)
