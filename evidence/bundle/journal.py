"""What has entered an open bundle, shared by the processes that write into it.

Each write through the door appends one line. At sealing, a file that is not listed with its present content did
not come through the door, and a refusal that a process left keeps the bundle INCOMPLETE. The journal is not
evidence: sealing removes it.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from evidence.bundle import layout
from evidence.errors import EvidenceError


@dataclass(frozen=True, slots=True)
class Journal:
    """The journal of one bundle."""

    folder: Path

    def enter(self, name: str, sha256: str) -> None:
        """Note that a file with this content has entered under this name."""
        self._append({"name": name, "sha256": sha256})

    def leave_out(self, name: str) -> None:
        """Note that a file was taken out again."""
        self._append({"left": name})

    def refuse(self, reason: str) -> None:
        """Note why this bundle must never be sealed."""
        self._append({"refused": reason})

    def entries(self) -> dict[str, str]:
        """Return file name -> sha256 of what entered last under it."""
        found: dict[str, str] = {}
        for line in self._lines():
            if "name" in line:
                found[line["name"]] = line["sha256"]
            elif "left" in line:
                found.pop(line["left"], None)
        return found

    def refusals(self) -> tuple[str, ...]:
        """Return why the bundle must not be sealed."""
        return tuple(line["refused"] for line in self._lines() if "refused" in line)

    def remove(self) -> None:
        """Delete it: the manifest says the rest."""
        (self.folder / layout.JOURNAL).unlink(missing_ok=True)

    def _append(self, line: dict[str, str]) -> None:
        data = (json.dumps(line) + "\n").encode()
        # One write to a file opened for appending: lines of processes that run side by side do not mix.
        handle = os.open(self.folder / layout.JOURNAL, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            os.write(handle, data)
        finally:
            os.close(handle)

    def _lines(self) -> list[dict[str, str]]:
        path = self.folder / layout.JOURNAL
        try:
            return [json.loads(line) for line in path.read_bytes().splitlines()]
        except FileNotFoundError:
            return []
        except (OSError, ValueError) as error:
            message = f"{path} cannot be read, so what has entered the bundle is not known: {error}"
            raise EvidenceError(message) from error
