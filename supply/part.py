"""One thing that is installed or built, as its lock pins it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

Kind = Literal["pypi", "npm", "go", "debian", "image"]
#: Whose every byte a hash fixes. Debian's packages have the archive's signature, images a digest where one is known.
HASHED: tuple[Kind, ...] = ("pypi", "npm", "go")


class SupplyError(RuntimeError):
    """A lock or the table of licences cannot be read; the text names the file and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Part:
    """One thing that is installed or built."""

    kind: Kind
    name: str  # as its registry spells it; of pypi: normalised
    version: str  # of an image: its tag; "" where none is pinned: of debian, what the release has
    hashes: frozenset[str]  # as the lock writes them: sha256:HEX, sha512-BASE64, h1:BASE64
    pinned_by: str  # path in the checkout of the file that pins or names it
    licence: str = ""  # SPDX, as that file itself says; "" where it says none

    @property
    def key(self) -> str:
        """What the table of licences calls it, such as ``pypi:rich``."""
        return f"{self.kind}:{self.name}"

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits of the sha256 over its hashes, sorted, one a line; "" where there are none."""
        lines = "".join(f"{one}\n" for one in sorted(self.hashes))
        return hashlib.sha256(lines.encode()).hexdigest()[:16] if lines else ""
