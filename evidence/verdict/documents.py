"""The documents of a bundle that have a schema, each read and checked once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from evidence import schema
from evidence.bundle import layout
from evidence.bundle.snapshot import Snapshot
from evidence.errors import DocumentError
from evidence.problems import Problem


class Documents:
    """Every such document but the manifest and the statement, which are compared as a whole."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.problems: list[Problem] = []  # of documents that are not JSON, or do not follow their schema
        self._good: dict[str, Mapping[str, Any]] = {}
        for name in sorted(snapshot.names()):
            kind = schema.kind_of(name)
            if kind is None or name in {layout.MANIFEST, layout.STATEMENT}:
                continue
            self.problems += self._read(snapshot, name, kind)

    def get(self, name: str) -> Mapping[str, Any] | None:
        """Return a document that follows its schema; None where it is missing or does not."""
        return self._good.get(name)

    def _read(self, snapshot: Snapshot, name: str, kind: str) -> Iterator[Problem]:
        try:
            document = snapshot.json(name)
        except DocumentError as error:
            yield Problem(name, str(error))
            return
        found = schema.problems(kind, document)
        yield from (Problem(name, text) for text in found)
        if not found and isinstance(document, dict):
            self._good[name] = document
