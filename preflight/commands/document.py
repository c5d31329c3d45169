"""What a command did, as a JSON file."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

from preflight.errors import UsageError
from preflight.outfile import open_output


def write_document(output: Path | None, document: dict[str, Any]) -> None:
    """Write the document; with no file named do nothing.

    Raises:
        UsageError: It cannot be written.
    """
    if output is None:
        return
    try:
        with closing(open_output(output)) as file:
            file.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
    except OSError as e:
        raise UsageError(f"--output {output}: cannot be written: {e.strerror}") from e
