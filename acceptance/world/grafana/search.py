"""Answers ``/api/search``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from acceptance.world.grafana.provisioning.dashboard_file import slug
from acceptance.world.grafana.provisioning.dashboards import DashboardFolder, Library, Served

__all__ = ["search"]

_LIMIT = 1000  # Grafana's own


def search(library: Library, params: Mapping[str, tuple[str, ...]]) -> list[dict[str, Any]]:
    """Give the folders and dashboards that match, by title.

    Args:
        library: What there is.
        params: ``query`` (part of a title), ``type`` (``dash-db``, ``dash-folder``), ``tag``, ``dashboardUIDs``,
            ``folderUIDs``, ``limit`` and ``page``, as Grafana documents them.
    """
    kinds, wanted = params.get("type", ()), (params.get("query") or ("",))[-1].lower()
    tags, folders = set(params.get("tag", ())), params.get("folderUIDs", ())
    uids = params.get("dashboardUIDs", params.get("dashboardUID", ()))
    hits: list[dict[str, Any]] = []
    if (not kinds or "dash-folder" in kinds) and not (tags or uids or folders):
        hits += [_folder_hit(folder) for folder in library.folders]
    if not kinds or "dash-db" in kinds:
        hits += [
            _hit(one)
            for one in library.dashboards
            if (not uids or one.file.uid in uids)
            and tags <= set(one.file.tags)
            and (not folders or (one.folder.uid if one.folder else "general") in folders)
        ]
    found = sorted((hit for hit in hits if wanted in hit["title"].lower()), key=lambda hit: hit["title"].lower())
    limit = _number(params, "limit", _LIMIT)
    start = (_number(params, "page", 1) - 1) * limit
    return found[start : start + limit]


def _number(params: Mapping[str, tuple[str, ...]], name: str, default: int) -> int:
    text = (params.get(name) or ("",))[-1]
    return int(text[:9]) if text.isascii() and text.isdigit() and int(text[:9]) > 0 else default


def _folder_hit(folder: DashboardFolder) -> dict[str, Any]:
    return {
        "id": folder.id,
        "uid": folder.uid,
        "title": folder.title,
        "uri": f"db/{slug(folder.title)}",
        "url": folder.url,
        "slug": "",
        "type": "dash-folder",
        "tags": [],
        "isStarred": False,
        "sortMeta": 0,
    }


def _hit(one: Served) -> dict[str, Any]:
    folder = one.folder
    return {
        "id": one.id,
        "uid": one.file.uid,
        "title": one.file.title,
        "uri": f"db/{slug(one.file.title)}",
        "url": one.url,
        "slug": "",
        "type": "dash-db",
        "tags": sorted(one.file.tags),
        "isStarred": False,
        **(
            {"folderId": folder.id, "folderUid": folder.uid, "folderTitle": folder.title, "folderUrl": folder.url}
            if folder
            else {}
        ),
        "sortMeta": 0,
    }
