"""Which image serves the dashboards of the compose stack: a Grafana of the user's choice, or the stand-in."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from acceptance.stack.compose.images import contexts
from acceptance.stack.docker import env_file
from acceptance.stack.interface import GrafanaChoice

VARIABLE = "GRAFANA_IMAGE"

STANDIN = "the stand-in, built here (no Grafana; GRAFANA=real wants one)"

WAYS = (
    "A Grafana is never built here; ways to have one: a machine that can pull the image; "
    f"'docker load' on this one, and {VARIABLE}=NAME in docker/.env where it is not the official one; "
    "or the stand-in: --grafana standin, make ... GRAFANA=standin"
)


def real_image(
    choice: GrafanaChoice, *, kind: str, root: Path, official: str, tell: Callable[[str], object]
) -> str | None:
    """Name the Grafana to run; None for the stand-in.

    Args:
        choice: What was asked for.
        kind: The family of the other images, ``official`` or ``local``.
        root: The checkout, whose ``docker/.env`` may name an image of the user's.
        official: The official image that docker-compose.yml names.
        tell: Is given a line where a choice overrules what stands in ``docker/.env``.
    """
    own = os.environ.get(VARIABLE) or env_file.read(root / "docker" / ".env").get(VARIABLE, "")
    if own.startswith(f"{contexts.NAMESPACE}/"):  # one that was built here
        own = ""
    if choice == "standin":
        if own:
            tell(f"grafana: not {own}, which {VARIABLE} names, since the stand-in was asked for")
        return None
    if own:
        return own
    return official if choice == "real" or kind == "official" else None
