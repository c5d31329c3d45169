"""The table of claims: what the project says of itself, and which tests, gates, files and git facts prove it."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from evidence.errors import ClaimsError

TABLE: Final = Path(__file__).with_name("claims.toml")

Subject = Literal["prometheus", "grafana", "node-exporter", "telegram", "exchanges"]
StackName = Literal["embedded", "compose"]
Gate = Literal["fast", "core", "e2e-embedded", "e2e-compose"]
GitFact = Literal["clean", "pushed", "raw_urls"]

_Document = TypeVar("_Document", bound=BaseModel)


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[A-Za-z0-9]+(-[A-Za-z0-9]+)*$")
    en: str = Field(min_length=10)
    ko: str = Field(min_length=5)


class Claim(_Row):
    """One sentence that is true or not, and what it takes to say that it is."""

    section: str = Field(min_length=1)  # of the report
    about: tuple[Subject, ...] = ()  # whose behaviour is claimed
    stacks: tuple[StackName, ...] = ()  # where its acceptance tests must have passed; none: where they ran
    tests: tuple[str, ...] = ()  # pytest ids of test functions, without the case in brackets
    gates: tuple[Gate, ...] = ()  # must have run in full and passed
    files: tuple[str, ...] = ()  # paths inside the bundle
    git: tuple[GitFact, ...] = ()

    @model_validator(mode="after")
    def _stands_on_something(self) -> Claim:
        if not (self.tests or self.gates or self.git):
            raise ValueError("names no test, gate or git fact that proves it")
        if bad := [test for test in self.tests if "::" not in test or "[" in test]:
            raise ValueError(f"{bad[0]} does not name a test function (path.py::function, without a case)")
        return self


class Criterion(_Row):
    """An acceptance criterion of D98-6; it stands on claims."""

    claims: tuple[str, ...] = Field(min_length=1)


class Table(BaseModel):
    """All of them, in the order of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    claim: tuple[Claim, ...] = Field(min_length=1)
    criterion: tuple[Criterion, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _holds_together(self) -> Table:
        known = [claim.id for claim in self.claim]
        for ids in (known, [criterion.id for criterion in self.criterion]):
            if twice := {one for one in ids if ids.count(one) > 1}:
                raise ValueError(f"is there twice: {', '.join(sorted(twice))}")
        used = {name for criterion in self.criterion for name in criterion.claims}
        if unknown := used - set(known):
            raise ValueError(f"no such claim: {', '.join(sorted(unknown))}")
        return self


@cache
def load(path: Path = TABLE) -> Table:
    """Read the table.

    Raises:
        ClaimsError: the file cannot be read, or a row is not as it has to be; names file, row and fault.
    """
    return parse(Table, path)


def parse(kind: type[_Document], path: Path) -> _Document:
    """Read a TOML file as `kind`.

    Raises:
        ClaimsError: as `load`.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        return kind.model_validate(raw)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ClaimsError(f"{path.name} cannot be read: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        message = f"{path.name}, {_place(raw, first['loc'])}: {first['msg']}"
        raise ClaimsError(message) from error


def _place(raw: dict[str, Any], location: Sequence[str | int]) -> str:
    """Name the row by its id where it has one: a number of a row helps nobody."""
    words = [str(part) for part in location]
    match location:
        case [str(kind), int(number), *rest]:
            row = raw[kind][number]
            name = row.get("id", number + 1) if isinstance(row, dict) else number + 1
            words = [f"{kind} {name}", *map(str, rest)]
    return ", ".join(words) or "the table as a whole"
