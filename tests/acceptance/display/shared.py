"""Grafana's library, started once for all tests of a process: a start takes two seconds of CPU time."""

from __future__ import annotations

import atexit
import functools

from acceptance.display import GrafanaLibrary
from acceptance.display.installed import installed_library


@functools.cache
def display_library() -> GrafanaLibrary:
    """The library as `make components` put it."""
    library = installed_library()
    atexit.register(library.close)
    return library
