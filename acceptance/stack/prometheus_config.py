"""The harness's copy of ``monitoring/prometheus``: as committed, but for intervals and addresses."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from acceptance.stack.interface import StackError
from acceptance.stack.ports import HOST

_INTERVAL = re.compile(
    r"^(?P<key>\s*(?:-\s+)?(?:scrape_interval|scrape_timeout|evaluation_interval):\s*)[^\s#]+", re.MULTILINE
)


def with_interval(text: str, interval: str) -> str:
    """A ``prometheus.yml`` in which every interval (and the timeout, which may not exceed it) is this one.

    Raises:
        StackError: There is no interval in it, so it is not the file we know.
    """
    changed, count = _INTERVAL.subn(rf"\g<key>{interval}", text)
    if count == 0:
        message = "monitoring/prometheus/prometheus.yml names no scrape_interval; restore it from git"
        raise StackError(message, service="prometheus")
    return changed


def copy(source: Path, target: Path, *, interval: str | None, ports: Mapping[str, int]) -> Path:
    """Copy the folder, pointing ``targets/<service>.json`` at the ports of this stack.

    Targets of services that this stack does not run are emptied: they would only be down.

    Args:
        source: ``monitoring/prometheus`` of the checkout.
        target: Folder to make.
        interval: Such as ``1s``; None keeps the committed intervals.
        ports: Service name -> port on 127.0.0.1.

    Returns:
        Path of the copied ``prometheus.yml``.

    Raises:
        StackError: The source is not there or not as expected.
    """
    try:
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("tests"))
        config = target / "prometheus.yml"
        if interval is not None:
            config.write_text(with_interval(config.read_text(encoding="utf-8"), interval), encoding="utf-8")
        for path in sorted((target / "targets").glob("*.json")):
            groups = json.loads(path.read_text(encoding="utf-8"))
            path.write_text(json.dumps(_retarget(groups, ports.get(path.stem))) + "\n", encoding="utf-8")
    except (OSError, ValueError) as error:
        message = f"cannot use {source}: {error}; restore it from git"
        raise StackError(message, service="prometheus") from error
    return config


def _retarget(groups: list[dict[str, object]], port: int | None) -> list[dict[str, object]]:
    if port is None:
        return []
    return [{**group, "targets": [f"{HOST}:{port}"]} for group in groups[:1]]
