"""Paths of the machine are taken out of whatever enters a bundle: they tell a reader nothing, and others too much."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

# The marks mean something in JSON, XML and HTML to nobody, and a shell reads them as what they stand for.
_CHECKOUT, _HOME, _TEMPORARY = b".", b"~", b"$TMPDIR"
# A path begins where no name does; in JSON the letter of an escaped line end may stand before it.
_BEGIN, _END = rb"(?:(?<![\w.~+-])|(?<=\\[nrt]))", rb"(?![\w-]|\.\w)"


class MachinePaths:
    """The folder that the run was started in, the home folder and the one for temporary files, as they are now."""

    def __init__(self) -> None:
        found = {tempfile.gettempdir(): _TEMPORARY, str(Path.home()): _HOME, str(Path.cwd()): _CHECKOUT}
        self._marks = {os.fsencode(path): mark for path, mark in found.items() if path != "/"}
        # Longest first: a checkout in the home folder is the checkout.
        longest = sorted(self._marks, key=len, reverse=True)
        self._pattern = re.compile(_BEGIN + b"(" + b"|".join(map(re.escape, longest)) + b")" + _END)

    def hide(self, data: bytes) -> bytes:
        """Return `data` with ``.`` for the checkout, ``~`` for the home folder, ``$TMPDIR`` for temporaries."""
        if not self._marks:  # all three are the root
            return data
        return self._pattern.sub(lambda path: self._marks[path[1]], data)
