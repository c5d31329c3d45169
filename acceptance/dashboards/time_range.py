"""The time range that a panel has for itself: `timeFrom` and `timeShift` in its JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from acceptance.dashboards.template import Window

__all__ = ["seconds", "shifted"]

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "M": 2_592_000, "y": 31_536_000}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdwMy])")


def seconds(text: str) -> float | None:
    """Read a duration of Grafana or Prometheus: `90s`, `1h30m`, `now-6h`; None if it is none."""
    plain = text.strip().removeprefix("now").removeprefix("-").partition("/")[0]
    parts = _DURATION.findall(plain)
    if not parts or "".join(number + unit for number, unit in parts) != plain:
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def shifted(panel: Mapping[str, Any], window: Window) -> tuple[Window, str]:
    """Return the window that a panel asks for, and why it is another than the given one; "" if it is not.

    A value that is no duration is ignored, as Grafana does.

    Args:
        panel: As in the dashboard.
        window: Of the dashboard.
    """
    said = []
    length, shift = (seconds(str(panel.get(key) or "")) for key in ("timeFrom", "timeShift"))
    if length:
        window = replace(window, start=window.end - length)
        said.append(f"timeFrom {panel['timeFrom']}")
    if shift:
        window = replace(window, start=window.start - shift, end=window.end - shift)
        said.append(f"timeShift {panel['timeShift']}")
    if not said:
        return window, ""
    ends = [datetime.fromtimestamp(at, tz=UTC).strftime("%Y-%m-%d %H:%M:%S") for at in (window.start, window.end)]
    return window, f"the panel's {' and '.join(said)}: it asks for {' to '.join(ends)} UTC"
