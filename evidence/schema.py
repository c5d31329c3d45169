"""JSON Schemas of the documents in a bundle, and the check against them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from textwrap import shorten
from typing import Any

from evidence.errors import DocumentError

_FOLDER = Path(__file__).with_name("schema")
_SUFFIX = ".schema.json"
_MESSAGE = 300  # characters


@cache
def names() -> frozenset[str]:
    """File names in a bundle that have a schema, such as ``manifest.json``.

    Raises:
        DocumentError: the schemas are not there: without them everything would look right.
    """
    found = frozenset(path.name.removesuffix(_SUFFIX) + ".json" for path in _FOLDER.glob("*" + _SUFFIX))
    if not found:
        message = f"no JSON Schema lies in {_FOLDER}: the package is not whole; install it again"
        raise DocumentError(message)
    return found


def problems(name: str, document: object) -> tuple[str, ...]:
    """Say where `document` departs from the schema of `name`.

    Args:
        name: a file name in the bundle; a name without a schema has no problems.
        document: the parsed JSON.

    Returns:
        One sentence each, with the place inside the document as a JSON path (``$.queries[0].value``).
    """
    if name not in names():
        return ()
    found = sorted(_validator(name).iter_errors(document), key=lambda error: error.json_path)
    # A message quotes the offending part, which may be the whole document.
    return tuple(f"{error.json_path}: {shorten(error.message, _MESSAGE)}" for error in found)


def validate(name: str, document: object) -> None:
    """Refuse a document that departs from the schema of `name`.

    Raises:
        DocumentError: names the file and the first place that is wrong, and how many more there are.
    """
    if found := problems(name, document):
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        message = f"{name} does not follow its schema at {found[0]}{more}"
        raise DocumentError(message)


@cache
def _validator(name: str) -> Any:
    # Imported here: `evidence --help` must not pay for it. Any: its type would need the import above.
    from jsonschema import Draft202012Validator  # noqa: PLC0415 -- see the line above

    path = _FOLDER / (name.removesuffix(".json") + _SUFFIX)
    return Draft202012Validator(json.loads(path.read_text(encoding="utf-8")))
