"""Finds in Grafana's log the dashboards and datasources that it would not load.

Grafana starts all the same, and retries forever: whoever waits for the dashboard learns nothing but a timeout.
"""

from __future__ import annotations

import re
from pathlib import PurePath

__all__ = ["provisioning_problems", "refused_files"]

_FIELD = re.compile(r'(\w+)=(?:"((?:\\.|[^"\\])*)"|(\S*))')
_LOGGERS = ("provisioning.dashboard", "provisioning.datasources")
_LEVELS = frozenset({"crit", "critical", "eror", "error", "warn", "warning"})


def refused_files(log: str) -> tuple[str, ...]:
    """Give those of `provisioning_problems` that will not go away by themselves.

    A database that is locked for a moment is tried again, and says nothing about the file.
    """
    return tuple(problem for problem in provisioning_problems(log) if "locked" not in problem)


def provisioning_problems(log: str) -> tuple[str, ...]:
    """Give one sentence for each thing that provisioning complained about, without repetitions, in their order.

    Args:
        log: Grafana's log in its default ``console`` or ``text`` form (logfmt).
    """
    found: dict[str, None] = {}
    for line in log.splitlines():
        fields = {key: quoted or plain for key, quoted, plain in _FIELD.findall(line)}
        if not fields.get("logger", "").startswith(_LOGGERS) or fields.get("level") not in _LEVELS:
            continue
        name = PurePath(fields["file"]).name if "file" in fields else "provisioning"
        told = {key: value for key, value in fields.items() if key in {"error", "uid", "title", "times"}}
        detail = ", ".join(f"{key} {value}" if key != "error" else value for key, value in sorted(told.items()))
        found[f"Grafana would not load {name}: {fields.get('msg', '').strip()}" + (f": {detail}" if detail else "")] = (
            None
        )
    return tuple(found)
