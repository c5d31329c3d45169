"""How soon the whole embedded stack is ready, initdb and migrations included."""

from __future__ import annotations

from collections.abc import Iterable

from acceptance.stack.embedded.stack import EmbeddedStack
from bench.figure import Figure


def measure() -> Iterable[Figure]:
    """Beside Redis alone: what the machinery itself takes."""
    with EmbeddedStack(services=("redis",)) as least:
        floor = least.start_seconds
    with EmbeddedStack() as whole:
        seconds = whole.start_seconds
    yield Figure(
        what="embedded stack ready", value=seconds or 0.0, unit="s", floor=floor, against="Redis alone", limit=8
    )
