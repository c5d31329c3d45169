"""A bundle: the folder of one run, with one door through which every file enters it.

The manifest is written last. A run that dies half way leaves a folder without one, which reads as
INCOMPLETE, and ``artifacts/latest`` points to it from its first moment, so that an older bundle never
passes for this run's.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any, Final

from evidence import manifest, schema
from evidence.errors import (
    BundleClosedError,
    DocumentError,
    EvidenceError,
    NameRefusedError,
    SecretFoundError,
    StrayFileError,
)
from evidence.git import Commit
from evidence.redact import Redactor, to_bytes

LATEST: Final = "latest"
_FILE_MODE = 0o644  # evidence is there to be read
_NAMES_TRIED = 100  # runs that start within one second


class Bundle:
    """An open bundle. Make one with `Bundle.create`."""

    def __init__(
        self, path: Path, *, commit: Commit, clock: Callable[[], float], start: float, redactor: Redactor
    ) -> None:
        self.path = path  # the bundle's folder
        self.commit = commit
        self.start = start  # Unix seconds
        self.closed = False
        self._clock = clock
        self._redactor = redactor
        self._entered: set[str] = set()

    @classmethod
    def create(
        cls,
        root: Path,
        *,
        commit: str,
        dirty: bool,
        clock: Callable[[], float] = time.time,
        secrets: Iterable[str] = (),
    ) -> Bundle:
        """Make the folder ``<root>/<UTC time>-<short sha>/`` and point ``<root>/latest`` to it.

        Args:
            root: the folder of all bundles; made if missing.
            commit: sha of the tree under test, or "unknown".
            dirty: whether the tree differed from it.
            clock: gives Unix seconds.
            secrets: values that must not appear in any file; more may follow by `know_secret`.

        Raises:
            EvidenceError: the folder cannot be made.
            ValueError: a secret is too short to be told from ordinary text.
        """
        redactor = Redactor(secrets)
        state = Commit(sha=commit, dirty=dirty)
        start = clock()
        path = _new_folder(root, f"{datetime.fromtimestamp(start, UTC):%Y%m%dT%H%M%SZ}-{state.short}")
        bundle = cls(path, commit=state, clock=clock, start=start, redactor=redactor)
        bundle._point_latest()
        return bundle

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.name

    def know_secret(self, value: str) -> None:
        """Take a value out of everything that enters from now on, and look for it before closing.

        Raises:
            ValueError: the value is too short to be told from ordinary text.
        """
        self._redactor.know(value)

    def redact_tree(self, document: object) -> object:
        """Give a copy of a JSON-like document without any known secret value."""
        return self._redactor.redact_tree(document)

    def add_text(self, name: str, text: str, *, replace: bool = False) -> Path:
        """Write a text as UTF-8. Arguments, answer and errors as `add_bytes`."""
        return self.add_bytes(name, to_bytes(text), replace=replace)

    def add_json(self, name: str, document: object, *, replace: bool = False) -> Path:
        """Write a document as JSON. Arguments, answer and errors as `add_bytes`.

        Raises:
            DocumentError: also for what JSON cannot hold, NaN and infinity included.
        """
        try:
            # Strings are redacted before they are written, so that the result stays JSON.
            clean = self._redactor.redact_tree(document)
            text = json.dumps(clean, indent=2, ensure_ascii=False, allow_nan=False)
        except (TypeError, ValueError) as error:
            message = f"{name} cannot be written as JSON: {error}"
            raise DocumentError(message) from error
        return self.add_bytes(name, to_bytes(text + "\n"), replace=replace)

    def add_file(self, name: str, source: Path, *, replace: bool = False) -> Path:
        """Copy a file in. Arguments, answer and errors as `add_bytes`.

        Raises:
            EvidenceError: also when `source` cannot be read.
        """
        try:
            data = source.read_bytes()
        except OSError as error:
            message = f"{source} cannot be read, so it does not enter the bundle as {name}: {error.strerror}"
            raise EvidenceError(message) from error
        return self.add_bytes(name, data, replace=replace)

    def adopt(self, name: str) -> Path:
        """Take in a file that a tool wrote into the folder itself: it is redacted in place."""
        target = self._target(name)
        if target.is_symlink():
            raise NameRefusedError(f"{name} is a symlink: only files belong into a bundle")
        return self.add_file(name, target, replace=True)

    def add_bytes(self, name: str, data: bytes, *, replace: bool = False) -> Path:
        """The one door: redact, check against the name's schema, write atomically.

        Args:
            name: path inside the bundle with ``/``, such as ``logs/redis.log``.
            data: the content.
            replace: allow a name that is taken.

        Returns:
            Where the file lies.

        Raises:
            BundleClosedError: the bundle is closed.
            NameRefusedError: the name leaves the bundle, is reserved, or is taken.
            DocumentError: the name has a schema and the content does not follow it.
            EvidenceError: the file cannot be written.
        """
        if self.closed:
            raise BundleClosedError(f"{name} cannot enter {self.name}: the bundle is closed")
        if name == manifest.FILE_NAME:
            raise NameRefusedError(f"{name} is written by closing the bundle, not by hand")
        target = self._target(name)
        if not replace and (target.exists() or target.is_symlink()):
            raise NameRefusedError(f"{name} is in the bundle already: pass replace=True to write it anew")
        self._write(name, target, self._redactor.redact(data))
        return target

    def close(self, run: manifest.Run) -> dict[str, Any]:
        """Scan for secrets, write the manifest, point ``latest`` here.

        Returns:
            The manifest.

        Raises:
            BundleClosedError: it was closed before.
            StrayFileError: a file lies in the folder that did not come through the door.
            SecretFoundError: a file holds a secret that became known after the file had entered. The
                value is taken out of it; the bundle stays without manifest.
            EvidenceError: the manifest cannot be written.
        """
        if self.closed:
            raise BundleClosedError(f"{self.name} is closed already")
        self._refuse_strays()
        self._refuse_secrets()
        document = manifest.build(
            name=self.name,
            run=run,
            commit=self.commit,
            start=self.start,
            end=self._clock(),
            folder=self.path,
        )
        clean = self._redactor.redact_tree(document)
        data = to_bytes(json.dumps(clean, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
        if self._redactor.found_in(data):
            raise SecretFoundError(f"a secret stands in the numbers of {manifest.FILE_NAME} of {self.name}")
        self._write(manifest.FILE_NAME, self.path / manifest.FILE_NAME, data)
        self.closed = True
        self._point_latest()
        return manifest.read(self.path)

    def _refuse_strays(self) -> None:
        strays = [name for name in manifest.files(self.path) if name not in self._entered]
        if strays:
            message = f"did not come into {self.name} through its door: {', '.join(strays)}"
            raise StrayFileError(message)

    def _refuse_secrets(self) -> None:
        leaks = []
        for name in manifest.files(self.path):
            data = (self.path / name).read_bytes()
            if self._redactor.found_in(data):
                leaks.append(name)
                _write_atomically(self.path / name, self._redactor.redact(data))
        if leaks:
            message = (
                f"a known secret stood in {', '.join(leaks)} of {self.name}: it is taken out, and the bundle "
                "stays INCOMPLETE; make the secret known before the file is added"
            )
            raise SecretFoundError(message)

    def _target(self, name: str) -> Path:
        pure = PurePosixPath(name)
        parts = name.split("/")
        if pure.is_absolute() or any(part in {"", ".", ".."} for part in parts) or {"\\", "\0"} & set(name):
            raise NameRefusedError(f"{name!r} is no path inside a bundle: use names such as logs/redis.log")
        target = self.path / pure
        if not target.parent.resolve().is_relative_to(self.path.resolve()):
            raise NameRefusedError(f"{name!r} leads out of the bundle through a symlink")
        return target

    def _write(self, name: str, target: Path, data: bytes) -> None:
        if name in schema.names():
            try:
                document = json.loads(data)
            except ValueError as error:
                raise DocumentError(f"{name} is no JSON: {error}") from error
            schema.validate(name, document)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            _write_atomically(target, data)
        except OSError as error:
            message = f"{name} cannot be written into {self.path}: {error.strerror}"
            raise EvidenceError(message) from error
        self._entered.add(name)

    def _point_latest(self) -> None:
        latest = self.path.parent / LATEST
        beside = latest.with_name(f".{LATEST}-{os.getpid()}-{self.name}")
        try:
            beside.unlink(missing_ok=True)
            beside.symlink_to(self.path.name, target_is_directory=True)
            beside.replace(latest)
        except OSError as error:
            beside.unlink(missing_ok=True)
            message = f"{latest} cannot be pointed to {self.name}: {error.strerror}"
            raise EvidenceError(message) from error


def _new_folder(root: Path, name: str) -> Path:
    """Make a folder that was not there before; a second run within one second gets ``-2``."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        for number in range(1, _NAMES_TRIED):
            path = root / (name if number == 1 else f"{name}-{number}")
            try:
                path.mkdir()
            except FileExistsError:
                continue
            return path
    except OSError as error:
        message = f"no bundle can be made in {root}: {error.strerror}; name another place by --evidence-dir"
        raise EvidenceError(message) from error
    raise EvidenceError(f"{root} holds {_NAMES_TRIED} bundles named {name} already")


def _write_atomically(target: Path, data: bytes) -> None:
    """Write beside the target and rename: a reader sees the old file or the new one."""
    handle, beside = tempfile.mkstemp(dir=target.parent, prefix=".tmp-")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        Path(beside).chmod(_FILE_MODE)
        Path(beside).replace(target)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
