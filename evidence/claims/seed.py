"""The user's own text line by line, each with its place in this repository and the claims that prove it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from evidence.claims import table
from evidence.claims.table import Table, parse

SEED: Final = Path(__file__).with_name("seed.toml")
#: How things stood at the start: such a line asks for nothing, so that no claim need prove it.
BEFORE: Final = "before"

Kind = Literal[
    "before", "document", "done", "file", "gate", "metric", "package", "panel", "path", "prohibition", "rule",
    "service", "step",
]  # fmt: skip


class Line(BaseModel):
    """One line of the seed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    document: str  # the seed's file
    number: int = Field(ge=1)  # of the line in it
    section: str  # the heading that it is under
    text: str = Field(min_length=1)  # word for word
    kind: Kind
    here: tuple[str, ...]  # paths in this repository
    claims: tuple[str, ...]  # ids in claims.toml

    @model_validator(mode="after")
    def _is_answered(self) -> Line:
        if self.kind != BEFORE and not (self.here and self.claims):
            raise ValueError(f"line {self.number} has no place here or no claim: {self.text}")
        return self


class Seed(BaseModel):
    """All lines, in their order."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    line: tuple[Line, ...] = Field(min_length=1)


@cache
def load(path: Path = SEED) -> Seed:
    """Read the lines.

    Raises:
        ClaimsError: the file cannot be read, or a line has no claim.
    """
    return parse(Seed, path)


def unknown_claims(seed: Seed, claims: Table) -> Iterator[str]:
    """Name each line of the seed whose claim is not in the table, a sentence each."""
    known = {claim.id for claim in claims.claim}
    for line in seed.line:
        for name in line.claims:
            if name not in known:
                place = f"{line.document} line {line.number}"
                yield f"{place} stands on the claim {name}, which is not in {table.TABLE.name}"
