"""The file that ``make backup`` writes: one tar of several volumes, with a manifest that says what every entry is.

A file that was cut off, changed, or is somebody else's tar is found out before anything is done with it.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import IO

MANIFEST = "manifest.json"
FORMAT = 1

_CHUNK = 1 << 20
_KINDS = {tarfile.REGTYPE: "file", tarfile.AREGTYPE: "file", tarfile.DIRTYPE: "folder", tarfile.SYMTYPE: "link"}


class ArchiveError(RuntimeError):
    """The file is no backup that can be used; one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a backup holds."""

    made_at: str  # UTC, ISO 8601
    project: str  # compose project that it was made of
    postgres: str  # major version that wrote the cluster; "" when there is none in it
    volumes: tuple[str, ...]  # names as in docker-compose.yml
    entries: Mapping[str, str]  # path -> kind, mode, owner, and size with sha256 or target


def entries_of(stream: IO[bytes]) -> dict[str, str]:
    """Read a tar to its end and describe each entry but the manifest.

    Raises:
        ArchiveError: It is no whole tar, or holds what no volume of ours does.
    """
    found: dict[str, str] = {}
    try:
        with tarfile.open(fileobj=stream, mode="r|", errorlevel=2) as tar:
            for member in tar:
                name = str(PurePosixPath(member.name))
                if name != MANIFEST:
                    found[name] = _describe(tar, member, name)
    except (tarfile.TarError, EOFError) as error:
        message = f"it is no whole tar file ({error})"
        raise ArchiveError(message) from error
    return found


def _describe(tar: tarfile.TarFile, member: tarfile.TarInfo, name: str) -> str:
    parts = PurePosixPath(name).parts
    if name.startswith("/") or ".." in parts or not parts:
        message = f"it holds {name!r}, a path outside every volume"
        raise ArchiveError(message)
    kind = _KINDS.get(member.type)
    owner = f"{member.mode & 0o7777:04o} {member.uid}:{member.gid}"
    if member.islnk():
        return f"same as {PurePosixPath(member.linkname)}"
    if kind is None:
        message = f"it holds {name!r}, which is neither file, folder nor link"
        raise ArchiveError(message)
    if kind == "link":
        return f"link {member.uid}:{member.gid} {member.linkname}"
    if kind == "folder":
        return f"folder {owner}"
    digest, size = hashlib.sha256(), 0
    body = tar.extractfile(member)
    while body is not None and (chunk := body.read(_CHUNK)):
        digest.update(chunk)
        size += len(chunk)
    if size != member.size:
        message = f"it is cut off within {name!r}"
        raise ArchiveError(message)
    return f"file {owner} {size} {digest.hexdigest()}"


def postgres_version(path: Path) -> str:
    """Major version of the Postgres cluster in a tar file, ``""`` when there is none."""
    with tarfile.open(path, mode="r:") as tar:
        for member in tar:
            if str(PurePosixPath(member.name)) == "postgres-data/PG_VERSION":
                body = tar.extractfile(member)
                return body.read(16).decode("ascii", "replace").strip() if body is not None else ""
    return ""


def seal(path: Path, manifest: Manifest) -> None:
    """Add the manifest to a tar file as its last entry."""
    text = json.dumps({"format": FORMAT, **asdict(manifest)}, indent=1).encode()
    with tarfile.open(path, mode="a:") as tar:
        entry = tarfile.TarInfo(MANIFEST)
        entry.size, entry.mode = len(text), 0o600
        tar.addfile(entry, io.BytesIO(text))


def verify(path: Path, known: Iterable[str]) -> Manifest:
    """Read a backup from its first to its last byte and hold it against its manifest.

    Args:
        path: The file.
        known: The volumes that can be restored.

    Raises:
        ArchiveError: It is not as it was made, or was not made by ``make backup``; says what is wrong.
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        entries = entries_of(file)
    manifest = _manifest(path)
    for name in sorted({*manifest.entries, *entries}):
        if manifest.entries.get(name) != entries.get(name):
            message = f"{name!r} in it is not what its manifest says"
            raise ArchiveError(message)
    strange = sorted({PurePosixPath(name).parts[0] for name in entries} - {*manifest.volumes})
    strange += sorted({*manifest.volumes} - {*known})
    if strange or not manifest.volumes:
        message = f"it holds {', '.join(strange) or 'nothing'}; volumes that can be restored: {', '.join(known)}"
        raise ArchiveError(message)
    return manifest


def _manifest(path: Path) -> Manifest:
    with tarfile.open(path, mode="r:") as tar:
        try:
            body = tar.extractfile(MANIFEST)
            raw = json.loads(body.read()) if body is not None else {}
        except (KeyError, ValueError) as error:
            message = "it has no manifest, so 'make backup' did not make it or did not finish"
            raise ArchiveError(message) from error
    try:
        if raw.pop("format") != FORMAT:
            message = f"its manifest is not of format {FORMAT}: use the version of this project that made it"
            raise ArchiveError(message)
        return Manifest(**{**raw, "volumes": tuple(raw["volumes"])})
    except (AttributeError, KeyError, TypeError) as error:
        message = "its manifest is not one of 'make backup'"
        raise ArchiveError(message) from error
