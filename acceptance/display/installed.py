"""Finds Grafana's display library where the component cache keeps it, installing it if need be."""

from __future__ import annotations

from acceptance.display.library import GrafanaLibrary
from acceptance.stack.binaries.progress import Progress
from acceptance.stack.binaries.resolve import DISPLAY, resolve_all

__all__ = ["installed_library"]


def installed_library(*, majors: tuple[str, ...] = (), progress: Progress | None = None) -> GrafanaLibrary:
    """Return the library, not yet started.

    Args:
        majors: Which major versions to ask; all that are pinned if empty.
        progress: Told what is being made; standard error by default.

    Raises:
        ComponentError: Node or the library cannot be had; one sentence says why, and the ways on.
    """
    found = resolve_all(DISPLAY, progress=progress)
    folder = found["grafana-display"].binary.parent
    return GrafanaLibrary(node=found["node"].binary, folder=folder, majors=majors)
