"""JSON Schemas of the documents in a bundle, and the check against them."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from pathlib import Path
from textwrap import shorten
from typing import Any

from evidence.errors import DocumentError

_FOLDER = Path(__file__).with_name("schema")
_SUFFIX = ".schema.json"
# The gate's report is described where it is made.
_ELSEWHERE = {"preflight_report": resources.files("preflight") / "report.schema.json"}
_MESSAGE = 300  # characters


@cache
def kinds() -> frozenset[str]:
    """Kinds of documents that have a schema, such as ``manifest``.

    Raises:
        DocumentError: the schemas are not there: without them everything would look right.
    """
    found = frozenset(path.name.removesuffix(_SUFFIX) for path in _FOLDER.glob("*" + _SUFFIX))
    if not found:
        message = f"no JSON Schema lies in {_FOLDER}: the package is not whole; install it again"
        raise DocumentError(message)
    return found | frozenset(_ELSEWHERE)


def kind_of(name: str) -> str | None:
    """Return which schema a file in a bundle follows, by its path; None: it has none."""
    folder, _, file = name.rpartition("/")
    if not file.endswith(".json"):
        return None
    if folder == "gates":
        return "collection" if file.endswith(".collection.json") else "gate_record"
    kind = file.removesuffix(".dsse.json").removesuffix(".json")
    if file.endswith(".dsse.json"):
        return "envelope"
    in_its_place = not folder or folder.startswith("e2e/")
    return kind if in_its_place and kind in kinds() else None


def problems(kind: str, document: object) -> tuple[str, ...]:
    """Say where `document` departs from the schema of its kind.

    Returns:
        One sentence each, with the place inside the document as a JSON path (``$.queries[0].value``).
    """
    found = sorted(_validator(kind).iter_errors(document), key=lambda error: error.json_path)
    # A message quotes the offending part, which may be the whole document.
    return tuple(f"{error.json_path}: {shorten(error.message, _MESSAGE)}" for error in found)


def validate(kind: str, document: object, name: str | None = None) -> None:
    """Refuse a document that departs from the schema of its kind.

    Args:
        kind: as `kind_of` returns it.
        document: the parsed JSON.
        name: how to call it in the message; the kind when None.

    Raises:
        DocumentError: names the file and the first place that is wrong, and how many more there are.
    """
    if found := problems(kind, document):
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        message = f"{name or kind} does not follow its schema at {found[0]}{more}"
        raise DocumentError(message)


@cache
def _validator(kind: str) -> Any:
    # Imported here: `evidence --help` must not pay for it. Any: its type would need the import above.
    from jsonschema import Draft202012Validator  # noqa: PLC0415 -- see the line above

    path = _ELSEWHERE.get(kind, _FOLDER / (kind + _SUFFIX))
    return Draft202012Validator(json.loads(path.read_text(encoding="utf-8")))
