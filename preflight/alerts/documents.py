"""Documents that another process wrote into the spool: nothing in them is believed to be of its type.

pydantic reads them strictly: a field that is missing, unknown or of another type is an error, and so is a number that
is not finite. It is imported when the first one is read, since most runs read none.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

from preflight.message import message

if TYPE_CHECKING:
    from pydantic import ConfigDict

_T = TypeVar("_T")

# For `__pydantic_config__` of each dataclass that is read, those inside of others too.
STRICT: ConfigDict = {"strict": True, "extra": "forbid", "allow_inf_nan": False}
_ADAPTERS: dict[type[Any], Any] = {}  # made once: each takes pydantic a millisecond or more


class BadDocumentError(ValueError):
    """A file in the spool is not what this program writes."""


def read(kind: type[_T], text: str) -> _T:
    """Read a JSON object as a dataclass.

    Args:
        kind: The dataclass, with types that pydantic knows, and `STRICT`.
        text: The document.

    Raises:
        BadDocumentError: It is not one; says which field is wrong, without its value.
    """
    from pydantic import ValidationError  # noqa: PLC0415 - see above

    try:
        found: _T = _adapter(kind).validate_json(text)
    except ValidationError as e:
        wrong = "; ".join(f"{_place(error['loc'])}{error['msg']}" for error in e.errors(include_input=False)[:3])
        raise BadDocumentError(wrong[:300]) from None
    except UnicodeEncodeError as e:
        raise BadDocumentError(message("it is not text")) from e
    return found


def write(document: dict[str, Any]) -> str:
    """Write a JSON document as `read` takes it: what is no text, such as a byte of a path, becomes a question mark."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace").decode("utf-8")


def _adapter(kind: type[Any]) -> Any:
    from pydantic import TypeAdapter  # noqa: PLC0415 - see above

    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def _place(location: tuple[int | str, ...]) -> str:
    return f"{'.'.join(map(str, location))}: " if location else ""
