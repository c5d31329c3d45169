"""Plain log lines on stderr, without secrets."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Sequence

__all__ = ["set_up"]


class _Formatter(logging.Formatter):
    """One line for each record, UTC, with every known secret value masked: the last guard, not the first."""

    def __init__(self, secrets: Sequence[str]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._secrets = sorted(secrets, key=len, reverse=True)

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 (the base class's name)
        return time.strftime(datefmt or "%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        for secret in self._secrets:
            line = line.replace(secret, "***")
        return line


def set_up(level: str, secrets: Sequence[str]) -> None:
    """Send records of this package at ``level`` and above to stderr, masking ``secrets``."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter(secrets))
    logger = logging.getLogger("engine")
    logger.handlers[:] = [handler]
    logger.setLevel(level.upper())
    logger.propagate = False
