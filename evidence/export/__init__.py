"""A bundle in the formats of others: JUnit XML, CTRF, in-toto."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from evidence.bundle.snapshot import Snapshot
from evidence.export import ctrf, intoto, junit
from evidence.verdict import Verdict

__all__ = ["FORMATS"]

#: Name on the command line -> what writes it.
FORMATS: Final[Mapping[str, Callable[[Snapshot, Verdict], bytes]]] = {
    "junit": junit.write,
    "ctrf": ctrf.write,
    "intoto": intoto.write,
}
