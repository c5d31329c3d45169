"""The one door through which every file enters a bundle, without secrets and paths of the machine, and whole.

Several processes write into one bundle, each through a `Bundle` of its own, which knows that process's secrets.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Final, Self

from evidence import schema, strict_json
from evidence.bundle import layout
from evidence.bundle.files import listed
from evidence.bundle.journal import Journal
from evidence.bundle.names import is_portable
from evidence.errors import (
    BundleClosedError,
    BundleMissingError,
    DocumentError,
    EvidenceError,
    NameRefusedError,
    SecretFoundError,
)
from evidence.machine import MachinePaths
from evidence.redact import Redactor, to_bytes

LATEST: Final = "latest"
_FILE_MODE = 0o644  # evidence is there to be read
_RESERVED = frozenset({layout.MANIFEST, layout.STATEMENT, layout.JOURNAL})


class Bundle:
    """A bundle that is open for writing. Use `Bundle.join`; as a context manager it leaves at the end."""

    def __init__(self, path: Path, *, within: str = "", redactor: Redactor | None = None) -> None:
        self.path = path  # the bundle's folder
        self.within = within  # where this view's names begin, such as "e2e/compose"
        self._redactor = Redactor() if redactor is None else redactor
        self._paths = MachinePaths()
        self._journal = Journal(path)

    @classmethod
    def join(cls, path: Path, *, secrets: Iterable[str] = (), new: bool = False) -> Bundle:
        """Write into a bundle that `open_run` made.

        Args:
            path: its folder.
            secrets: values that must not appear in any file; more may follow by `know_secret`.
            new: the folder was made just now and has no ``run.json`` yet.

        Raises:
            BundleMissingError: there is no such bundle.
            BundleClosedError: it is sealed.
            ValueError: a secret is too short to be told from ordinary text.
        """
        if not new and not (path / layout.RUN).is_file():
            message = f"{path} is not a bundle: it has no {layout.RUN}; open one by `python -m evidence open`"
            raise BundleMissingError(message)
        if (path / layout.MANIFEST).exists():
            raise BundleClosedError(f"{path.name} is sealed: nothing can enter it any more")
        return cls(path.resolve(), redactor=Redactor(secrets))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.leave()

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.name

    def inside(self, folder: str) -> Bundle:
        """Return a view of the same bundle whose names begin in `folder`; secrets are shared."""
        return Bundle(self.path, within=folder, redactor=self._redactor)

    def where(self, name: str) -> Path:
        """Return where a file of this name lies or will lie."""
        return self._target(self._full(name))

    def has(self, name: str) -> bool:
        """Tell whether there is a file of this name."""
        return self.where(name).is_file()

    def know_secret(self, value: str) -> None:
        """Take a value out of everything that enters from now on, and look for it when leaving.

        Raises:
            ValueError: the value is too short to be told from ordinary text.
        """
        self._redactor.know(value)

    def redact_tree(self, document: object) -> object:
        """Return a copy of a JSON-like document without any known secret value."""
        return self._redactor.redact_tree(document)

    def add_text(self, name: str, text: str, *, replace: bool = False) -> Path:
        """Write a text as UTF-8. Arguments, answer and errors as `add_bytes`."""
        return self.add_bytes(name, to_bytes(text), replace=replace)

    def add_json(self, name: str, document: object, *, replace: bool = False, compact: bool = False) -> Path:
        """Write a document as JSON, indented or `compact`. Arguments, answer and errors as `add_bytes`.

        Raises:
            DocumentError: also for what JSON cannot hold, NaN and infinity included.
        """
        try:
            # Strings are redacted before they are written, so that the result stays JSON.
            clean = self._redactor.redact_tree(document)
            text = json.dumps(clean, indent=None if compact else 2, ensure_ascii=False, allow_nan=False)
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
        target = self.where(name)
        if target.is_symlink():
            raise NameRefusedError(f"{name} is a symlink: only files belong into a bundle")
        return self.add_file(name, target, replace=True)

    def add_bytes(self, name: str, data: bytes, *, replace: bool = False) -> Path:
        """Redact, hide the machine's paths, check against the name's schema, write atomically.

        Args:
            name: path with ``/``, such as ``logs/redis.log``; it begins in `within`.
            data: the content.
            replace: allow a name that is taken.

        Returns:
            Where the file lies.

        Raises:
            BundleClosedError: the bundle is sealed.
            NameRefusedError: the name leaves the bundle, is reserved, or is taken.
            DocumentError: the name has a schema and the content does not follow it.
            EvidenceError: the file cannot be written.
        """
        full = self._full(name)
        if (self.path / layout.MANIFEST).exists():
            raise BundleClosedError(f"{full} cannot enter {self.name}: the bundle is sealed")
        if full in _RESERVED:
            raise NameRefusedError(f"{full} is written by sealing the bundle, not by hand")
        target = self._target(full)
        if not replace and (target.exists() or target.is_symlink()):
            raise NameRefusedError(f"{full} is in the bundle already: pass replace=True to write it anew")
        clean = self._redactor.redact(data)
        # What sealing packs is clean already, and might hold any bytes.
        self._write(full, target, clean if full.endswith(layout.PACKED) else self._paths.hide(clean))
        return target

    def leave(self) -> None:
        """Look for this process's secrets in every file of the bundle; to be called when it has written its last.

        Raises:
            SecretFoundError: a file holds a secret that became known after the file had entered. The value is taken
                out of it, and the bundle can no longer be sealed.
        """
        leaks = []
        for name in listed(self.path):
            path = self.path / name
            if path.is_symlink() or not path.is_file() or name == layout.JOURNAL:
                continue
            try:
                data = path.read_bytes()
            except FileNotFoundError:  # written beside its name by another process, and renamed by now
                continue
            if self._redactor.found_in(data):
                leaks.append(name)
                clean = self._redactor.redact(data)
                write_atomically(path, clean)
                self._journal.enter(name, hashlib.sha256(clean).hexdigest())
        if leaks:
            message = (
                f"a known secret stood in {', '.join(leaks)} of {self.name}: it is taken out, and the bundle "
                "stays INCOMPLETE; make the secret known before the file is added"
            )
            self._journal.refuse(message)
            raise SecretFoundError(message)

    def _full(self, name: str) -> str:
        return f"{self.within}/{name}" if self.within else name

    def _target(self, name: str) -> Path:
        pure = PurePosixPath(name)
        parts = name.split("/")
        if pure.is_absolute() or any(part in {"", ".", ".."} for part in parts) or {"\\", "\0"} & set(name):
            raise NameRefusedError(f"{name!r} is not a path inside a bundle: use names such as logs/redis.log")
        if not is_portable(name):
            raise NameRefusedError(
                f"{name!r} is not a name that every system can hold: use names such as logs/redis.log"
            )
        target = self.path / pure
        if not target.parent.resolve().is_relative_to(self.path.resolve()):
            raise NameRefusedError(f"{name!r} leads out of the bundle through a symlink")
        return target

    def _write(self, name: str, target: Path, data: bytes) -> None:
        if kind := schema.kind_of(name):
            try:
                document = strict_json.loads(data)
            except ValueError as error:
                raise DocumentError(f"{name} is not JSON: {error}") from error
            schema.validate(kind, document, name)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(target, data)
            self._journal.enter(name, hashlib.sha256(data).hexdigest())
        except OSError as error:
            message = f"{name} cannot be written into {self.path}: {error.strerror}"
            raise EvidenceError(message) from error


def point_latest(bundle: Path) -> None:
    """Let ``latest`` beside a bundle point to it.

    Raises:
        EvidenceError: the link cannot be made.
    """
    latest = bundle.parent / LATEST
    beside = latest.with_name(f".{LATEST}-{os.getpid()}-{bundle.name}")
    try:
        beside.unlink(missing_ok=True)
        beside.symlink_to(bundle.name, target_is_directory=True)
        beside.replace(latest)
    except OSError as error:
        beside.unlink(missing_ok=True)
        message = f"{latest} cannot be pointed to {bundle.name}: {error.strerror}"
        raise EvidenceError(message) from error


def write_atomically(target: Path, data: bytes) -> None:
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
