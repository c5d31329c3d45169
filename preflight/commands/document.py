"""What a command did, as a JSON file."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

from preflight.commands.outfile import open_output
from preflight.errors import UsageError
from preflight.message import message
from preflight.render.json import render_document


def write_document(output: Path | None, document: dict[str, Any]) -> None:
    """Write the document; with no file named do nothing.

    Raises:
        UsageError: It cannot be written.
    """
    if output is None:
        return
    try:
        with closing(open_output(output)) as file:
            file.write(render_document(document))
    except OSError as e:
        raise UsageError(
            message("--output {output}: cannot be written: {strerror}", output=output, strerror=e.strerror)
        ) from e
