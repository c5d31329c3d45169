"""The dashboards that are served: what the providers' files hold, looked at again and again."""

from __future__ import annotations

import datetime as dt
import threading
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from acceptance.world.grafana.provisioning.dashboard_file import DashFile, FileRefusedError, read_file, slug
from acceptance.world.grafana.provisioning.log import ProvisioningLog
from acceptance.world.grafana.provisioning.providers import Provider

__all__ = ["DashboardFolder", "Library", "Served"]

_LOGGER = "provisioning.dashboard"


@dataclass(frozen=True, slots=True)
class _Problem:
    """What the log says of a file or folder; the same problem is said once, until it has gone."""

    level: str
    message: str
    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardFolder:
    """A folder of dashboards."""

    id: int
    uid: str
    title: str

    @property
    def url(self) -> str:
        """Path of its page."""
        return f"/dashboards/f/{self.uid}/{slug(self.title)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A dashboard as it is served."""

    id: int
    version: int
    created: str
    updated: str
    folder: DashboardFolder | None  # None is General
    file: DashFile
    provisioned: bool = True  # False once its file is gone

    @property
    def url(self) -> str:
        """Path of its page."""
        return f"/d/{self.file.uid}/{slug(self.file.title)}"

    def document(self) -> dict[str, Any]:
        """Give it as ``/api/dashboards/uid/<uid>`` answers."""
        rights = {"canAdd": True, "canEdit": True, "canDelete": True}
        folder = self.folder
        return {
            "meta": {
                "type": "db",
                **dict.fromkeys(("canSave", "canEdit", "canAdmin", "canStar", "canDelete"), True),
                "slug": slug(self.file.title),
                "url": self.url,
                "expires": "0001-01-01T00:00:00Z",
                "created": self.created,
                "updated": self.updated,
                "updatedBy": "Anonymous",
                "createdBy": "Anonymous",
                "version": self.version,
                "hasAcl": False,
                "isFolder": False,
                "folderId": folder.id if folder else 0,
                "folderUid": folder.uid if folder else "",
                "folderTitle": folder.title if folder else "General",
                "folderUrl": folder.url if folder else "",
                "provisioned": self.provisioned,
                "provisionedExternalId": self.external_id if self.provisioned else "",
                "annotationsPermissions": {"dashboard": rights, "organization": rights},
                "publicDashboardAccessToken": "",
                "publicDashboardUid": "",
                "publicDashboardEnabled": False,
            },
            "dashboard": {**self.file.content, "id": self.id, "uid": self.file.uid, "version": self.version},
        }

    @property
    def external_id(self) -> str:
        """The file's name below its provider's folder."""
        return str(self.file.path.relative_to(self.file.provider.path))


class Library:
    """All dashboards and folders; reading is safe while ``scan`` renews them."""

    def __init__(self, providers: Sequence[Provider], log: ProvisioningLog) -> None:
        self.providers = tuple(providers)
        self._log = log
        self._served: dict[str, Served] = {}
        self._folders: dict[str, DashboardFolder] = {}
        self._told: frozenset[_Problem] = frozenset()  # stands in the log already
        self._ids = 0
        self._scanning = threading.Lock()

    @property
    def interval(self) -> float:
        """Seconds between two scans: the shortest that a provider wants."""
        return min((provider.interval for provider in self.providers), default=10.0)

    @property
    def folders(self) -> tuple[DashboardFolder, ...]:
        """The folders by title."""
        return tuple(sorted(self._folders.values(), key=lambda folder: folder.title.lower()))

    @property
    def dashboards(self) -> tuple[Served, ...]:
        """The dashboards by title."""
        return tuple(sorted(self._served.values(), key=lambda one: one.file.title.lower()))

    def by_uid(self, uid: str) -> Served | None:
        """Give a dashboard, if it is served."""
        return self._served.get(uid)

    def scan(self) -> None:
        """Look at every file: serve what is new or changed, log what is refused, once."""
        with self._scanning:
            problems: list[_Problem] = []
            present: set[Path] = set()
            files: list[DashFile] = []
            for provider in self.providers:
                for path in _files(provider, problems):
                    present.add(path)
                    try:
                        files.append(read_file(path, provider))
                    except FileRefusedError as refused:
                        problems.append(_of_provider(provider, refused.message, file=str(path), error=str(refused)))
            doubled = _doubled(files, problems)
            self._served = self._renewed(files, doubled, present)
            self._tell(problems)

    def _renewed(
        self, files: Iterable[DashFile], doubled: Collection[Path], present: Collection[Path]
    ) -> dict[str, Served]:
        served = {
            uid: one if one.file.path in present else replace(one, provisioned=False)
            for uid, one in self._served.items()
            if one.file.path in present or one.file.provider.keeps_deleted
        }
        for file in files:
            rivals = [one for one in served.values() if _rivals(one.file, file)]
            if file.path in doubled and rivals:
                continue  # of two with one uid or title neither is updated, and the second is not served
            for one in [one for one in served.values() if one.file.path == file.path or one.file.uid == file.uid]:
                del served[one.file.uid]
                rivals.append(one)
            served[file.uid] = self._saved(file, next((one for one in rivals if one.file.uid == file.uid), None))
        return served

    def _saved(self, file: DashFile, before: Served | None) -> Served:
        same = before is not None and before.file.digest == file.digest and before.file.folder == file.folder
        if before is not None and same and before.provisioned and before.file.path == file.path:
            return before
        now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        folder = self._folder(file)
        if before is None:
            return Served(id=self._next_id(), version=1, created=now, updated=now, folder=folder, file=file)
        version = before.version + (not same)
        return replace(before, version=version, updated=now, folder=folder, file=file, provisioned=True)

    def _folder(self, file: DashFile) -> DashboardFolder | None:
        if not file.folder:
            return None
        if file.folder not in self._folders:
            fixed = file.provider.folder_uid if file.folder == file.provider.folder else ""
            uid = fixed or str(uuid.uuid5(uuid.NAMESPACE_OID, file.folder))
            made = DashboardFolder(id=self._next_id(), uid=uid, title=file.folder)
            self._folders = {**self._folders, file.folder: made}
        return self._folders[file.folder]

    def _next_id(self) -> int:
        self._ids += 1
        return self._ids

    def _tell(self, problems: Sequence[_Problem]) -> None:
        for problem in problems:
            if problem not in self._told:
                tell = self._log.error if problem.level == "error" else self._log.warning
                tell(problem.message, logger=_LOGGER, **dict(problem.fields))
        self._told = frozenset(problems)


def _of_provider(provider: Provider, message: str, **fields: str) -> _Problem:
    return _Problem("error", message, tuple({"type": "file", "name": provider.name, **fields}.items()))


def _files(provider: Provider, problems: list[_Problem]) -> list[Path]:
    """List a provider's files; what begins with a dot is not looked at, as where a mounted ConfigMap keeps versions."""
    root = provider.path
    if not root.is_dir():
        problems.append(_of_provider(provider, "Cannot read directory", error=f"stat {root}: no such directory"))
        return []
    found = (path for path in root.rglob("*.json") if path.is_file())
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(root).parts))


def _rivals(one: DashFile, other: DashFile) -> bool:
    """Say whether two have one uid, or one title in one folder."""
    return one.uid == other.uid or (one.folder, one.title) == (other.folder, other.title)


def _doubled(files: Sequence[DashFile], problems: list[_Problem]) -> frozenset[Path]:
    """Find the files that share a uid, or a title within a folder; note each as a problem."""
    by_uid, by_title = defaultdict[str, list[DashFile]](list), defaultdict[tuple[str, str], list[DashFile]](list)
    for file in files:
        by_uid[file.uid].append(file)
        by_title[file.folder, file.title].append(file)

    def note(message: str, key: str, value: str, sharing: Sequence[DashFile]) -> None:
        names = " ".join(sorted({file.provider.name for file in sharing}))
        fields = ((key, value), ("times", str(len(sharing))), ("providers", f"[{names}]"))
        problems.append(_Problem("warn", message, fields))

    doubled: set[Path] = set()
    for uid, sharing in by_uid.items():
        if len(sharing) > 1:
            note("the same UID is used more than once", "uid", uid, sharing)
            doubled.update(file.path for file in sharing)
    for (_, title), sharing in by_title.items():
        if len(sharing) > 1:
            note("dashboard title is not unique in folder", "title", title, sharing)
            doubled.update(file.path for file in sharing)
    return frozenset(doubled)
