"""The dashboard providers that provisioning names: which folder's files are served in which folder of Grafana."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from acceptance.world.grafana.provisioning.yaml_files import ProvisioningError, number, read_folder, truth

__all__ = ["Provider", "load_providers"]

_INTERVAL = 10.0  # seconds: Grafana's own updateIntervalSeconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One provider of type ``file``."""

    name: str
    path: Path
    folder: str  # title; "" is General
    folder_uid: str  # "" where the file leaves it to Grafana
    interval: float  # seconds between two looks
    keeps_deleted: bool  # disableDeletion
    folders_from_files: bool  # the folder's title is that of the directory that a file lies in

    def folder_of(self, file: Path) -> str:
        """Give the title of the folder that a file's dashboard lies in."""
        own = file.parent
        return own.name if self.folders_from_files and own != self.path else self.folder


def load_providers(provisioning: Path, environ: Mapping[str, str]) -> tuple[Provider, ...]:
    """Read ``dashboards/*.y*ml``.

    Raises:
        ProvisioningError: A file is no YAML, or a provider is not usable.
    """
    found: list[Provider] = []
    for file, document in read_folder(provisioning / "dashboards", environ):
        entries = document.get("providers") or []
        if not isinstance(entries, list):
            raise ProvisioningError(f"{file}: `providers` has to be a list")
        found.extend(_provider(file, entry) for entry in entries)
    return tuple(found)


def _provider(file: Path, entry: object) -> Provider:
    options = entry.get("options") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(options, dict):
        raise ProvisioningError(f"{file}: every provider needs `options` with a `path`")
    name, kind, path = entry.get("name") or "default", entry.get("type") or "file", options.get("path")
    if kind != "file":
        raise ProvisioningError(f"{file}: provider {name!r} is of type {kind!r}; only `file` is known")
    if not path:
        raise ProvisioningError(f"{file}: provider {name!r} has no `path`: name the folder with its dashboards")
    return Provider(
        name=str(name),
        path=Path(str(path)),
        folder=str(entry.get("folder") or ""),
        folder_uid=str(entry.get("folderUid") or ""),
        interval=number(entry.get("updateIntervalSeconds"), _INTERVAL),
        keeps_deleted=truth(entry.get("disableDeletion")),
        folders_from_files=truth(options.get("foldersFromFilesStructure")),
    )
