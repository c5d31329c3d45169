"""Where things lie in the run folder, and the secrets of one start."""

from __future__ import annotations

import os
import secrets
from dataclasses import astuple, dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of one stack, all below its run folder."""

    root: Path

    @property
    def conf(self) -> Path:
        """Configuration files; 0700."""
        return self.root / "conf"

    @property
    def bin(self) -> Path:
        """Programs that another user could not reach where they are."""
        return self.root / "bin"

    @property
    def textfile(self) -> Path:
        """What preflight writes and node_exporter reads; 0755."""
        return self.root / "textfile"

    @property
    def ledger(self) -> Path:
        """Preflight's ledger file."""
        return self.root / "ledger" / "preflight.sqlite"

    @property
    def spool(self) -> Path:
        """Preflight's alert spool."""
        return self.root / "spool"

    def data(self, service: str) -> Path:
        """A service's own folder; its builder makes it."""
        return self.root / "data" / service

    def log(self, service: str) -> Path:
        """A service's stdout and stderr."""
        return self.root / "logs" / f"{service}.log"

    def make(self) -> None:
        """Make the folders, whatever the umask.

        Raises:
            OSError: The disk is full or the folder is not writable.
        """
        for path, mode in (
            (self.conf, 0o700),
            (self.root / "logs", 0o700),
            (self.ledger.parent, 0o700),
            (self.spool, 0o700),
            (self.root / "data", 0o711),
            (self.bin, 0o755),
            (self.textfile, 0o755),
        ):
            path.mkdir(exist_ok=True)
            path.chmod(mode)


def _make_secret() -> str:
    """160 bits as hexadecimal digits: no configuration format can misread them."""
    return secrets.token_hex(20)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Secrets:
    """Every secret of one stack; new ones at each start, and no ``repr`` that could leak them."""

    redis: str = field(default_factory=_make_secret)
    postgres: str = field(default_factory=_make_secret)  # the application's role
    postgres_owner: str = field(default_factory=_make_secret)  # the superuser's
    grafana: str = field(default_factory=_make_secret)  # the administrator's
    grafana_key: str = field(default_factory=_make_secret)  # encrypts what its database holds

    def values(self) -> tuple[str, ...]:
        """All of them, for redaction."""
        return astuple(self)


def write_private(path: Path, text: str) -> Path:
    """Write a file that is 0600 from its first byte on.

    Raises:
        FileExistsError: It is there already.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return path
