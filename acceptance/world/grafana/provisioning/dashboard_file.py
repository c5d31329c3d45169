"""Reads one dashboard file, and refuses what Grafana's file provisioning refuses."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acceptance.world.grafana.provisioning.providers import Provider

__all__ = ["DashFile", "FileRefusedError", "read_file", "slug"]

_UID = re.compile(r"[A-Za-z0-9_-]+")
_LONGEST_UID = 40


class FileRefusedError(Exception):
    """A file is not served; ``message`` is the log line's, the text its reason."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(reason)
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class DashFile:
    """A dashboard as its file has it."""

    path: Path
    provider: Provider
    folder: str  # title of its folder; "" is General
    uid: str
    title: str
    content: dict[str, Any]
    digest: str  # of the file's bytes

    @property
    def tags(self) -> tuple[str, ...]:
        """Its tags, as often as they are written."""
        written = self.content.get("tags")
        return tuple(map(str, written)) if isinstance(written, list) else ()


def read_file(path: Path, provider: Provider) -> DashFile:
    """Read a file.

    Raises:
        FileRefusedError: It cannot be read, is no JSON object, has no title (as one wrapped in ``{"dashboard": ...}``),
            or a uid that Grafana does not take.
    """
    loading = "failed to load dashboard from "
    try:
        data = path.read_bytes()
        content = json.loads(data)
    except OSError as error:
        raise FileRefusedError(loading, error.strerror or type(error).__name__) from error
    except (ValueError, RecursionError) as error:
        raise FileRefusedError(loading, f"no JSON: {error}") from error
    if not isinstance(content, dict):
        raise FileRefusedError(loading, f"no JSON object but a {type(content).__name__}")
    title, uid = content.get("title"), content.get("uid") or ""
    if not isinstance(title, str) or not title.strip():
        raise FileRefusedError(loading, "Dashboard title cannot be empty")
    if not isinstance(uid, str) or (uid and not _UID.fullmatch(uid)):
        raise FileRefusedError("failed to save dashboard", "uid contains illegal characters")
    if len(uid) > _LONGEST_UID:
        raise FileRefusedError("failed to save dashboard", f"uid too long, max {_LONGEST_UID} characters")
    return DashFile(
        path=path,
        provider=provider,
        folder=provider.folder_of(path),
        uid=uid or hashlib.sha256(str(path).encode()).hexdigest()[:14],  # Grafana makes one; this one stays
        title=title,
        content=content,
        digest=hashlib.sha256(data).hexdigest(),
    )


def slug(title: str) -> str:
    """Give a title as addresses have it: ``D77 Top-N`` is ``d77-top-n``."""
    return re.sub(r"[\W_]+", "-", title.lower()).strip("-")
