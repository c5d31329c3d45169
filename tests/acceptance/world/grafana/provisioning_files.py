"""Provisioning folders for tests: the project's own files, with dashboards of the test's."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[4]
OURS = ROOT / "monitoring" / "grafana" / "provisioning"
SOURCE = "arbitrage-prometheus"


def write(folder: Path, dashboards: Iterable[Mapping[str, Any]]) -> Path:
    """Copy the project's provisioning and put dashboards into its ``files`` folder; give the folder."""
    shutil.copytree(OURS, folder, dirs_exist_ok=True)
    (folder / "files").mkdir()
    for one in dashboards:
        (folder / "files" / f"{one['uid']}.json").write_text(json.dumps(one), encoding="utf-8")
    return folder


def dashboard(uid: str, title: str = "", **more: Any) -> dict[str, Any]:
    """Give a small dashboard."""
    return {"id": None, "uid": uid, "title": title or f"Title of {uid}", "tags": [], "panels": [], **more}
