"""Log lines in the form that Grafana's have: ``logger=... t=... level=... msg="..." key=value``."""

from __future__ import annotations

import datetime as dt
import json
import re
import sys
from dataclasses import dataclass
from typing import TextIO

__all__ = ["LogfmtLog"]

_PLAIN = re.compile(r"[\w./:@+-]+")


@dataclass(frozen=True, slots=True)
class LogfmtLog:
    """Writes to ``stream``; None is standard error as it is at the time."""

    stream: TextIO | None = None

    def info(self, message: str, *, logger: str, **fields: object) -> None:
        """Write what went as it should."""
        self._write(logger, "info", message, fields)

    def warning(self, message: str, *, logger: str, **fields: object) -> None:
        """Write what somebody should look at."""
        self._write(logger, "warn", message, fields)

    def error(self, message: str, *, logger: str, **fields: object) -> None:
        """Write what did not work."""
        self._write(logger, "error", message, fields)

    def _write(self, logger: str, level: str, message: str, fields: dict[str, object]) -> None:
        now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        told = {"logger": logger, "t": now, "level": level}
        words = [f"{key}={_quoted(str(value))}" for key, value in told.items()]
        words += [f"msg={json.dumps(message, ensure_ascii=False)}"]
        words += [f"{key}={_quoted(str(value))}" for key, value in fields.items()]
        # One write, so that lines of several threads do not mix.
        (self.stream or sys.stderr).write(" ".join(words) + "\n")
        (self.stream or sys.stderr).flush()


def _quoted(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)
