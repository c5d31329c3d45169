"""The bot's own variables as they stand in a `.env.<env>` file: read, never expanded, never guessed at."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

from preflight.message import message


class UnreadableError(Exception):
    """A `.env.<env>` file is there and cannot be read; the text says why and holds no value."""


def read_dotenv(path: Path, read_text: Callable[[Path], str]) -> dict[str, str] | None:
    """Return the variables of a file, `KEY=VALUE` by `KEY=VALUE`; None where there is no such file.

    Raises:
        UnreadableError: It may not be read, is not UTF-8 text, or has a line that is no `KEY=VALUE`.
    """
    from dotenv.parser import parse_stream  # noqa: PLC0415 - only where such a file is looked at

    try:
        text = read_text(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as e:
        raise UnreadableError(
            message("{name} cannot be read: {strerror}", name=path.name, strerror=e.strerror or e)
        ) from e
    except UnicodeDecodeError as e:
        raise UnreadableError(message("{name} is not UTF-8 text (byte {start})", name=path.name, start=e.start)) from e
    found: dict[str, str] = {}
    for line in parse_stream(io.StringIO(text)):
        if line.error:
            raise UnreadableError(
                message("{name} line {line} is not KEY=VALUE", name=path.name, line=line.original.line)
            )
        if line.key is not None and line.value is not None:
            found[line.key] = line.value
    return found
