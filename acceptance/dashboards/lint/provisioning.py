"""Reads the few facts that lint needs from Grafana's provisioning files, without a YAML library."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["datasource_uids"]

_UID = re.compile(r"^\s+(?:-\s+)?uid:\s*[\"']?([\w-]+)[\"']?\s*(?:#.*)?$", re.MULTILINE)


def datasource_uids(folder: Path) -> frozenset[str]:
    """Give the fixed datasource uids that the files in ``folder`` provision.

    Raises:
        ValueError: The files provision none, so that no dashboard could name one.
    """
    found = {uid for path in sorted(folder.glob("*.y*ml")) for uid in _UID.findall(path.read_text(encoding="utf-8"))}
    if not found:
        raise ValueError(f"{folder} provisions no datasource with a fixed uid; add `uid:` to each")
    return frozenset(found)
