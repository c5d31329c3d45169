"""The three lines by which somebody else verifies a bundle."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any


def lines(view: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the commands, to be typed in a checkout of the project."""
    commit = view["git"]["commit"]
    return (
        f"git checkout {shlex.quote(commit)}",
        "make setup",
        f".venv/bin/evidence verify {shlex.quote(view['bundle'])} --key evidence.pub --commit {shlex.quote(commit)}",
    )
