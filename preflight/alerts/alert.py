"""What an alert is: a value that can wait in a file and be sent by another process."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

_SCHEMA_VERSION = 1


class Severity(StrEnum):
    """How urgent an alert is."""

    P0 = "P0"  # the bot must not go: Telegram, never throttled, never lost
    P1 = "P1"  # a warning: Telegram, throttled
    P2 = "P2"  # a slow GO: the row only
    P3 = "P3"  # a GO: the row only


class BadAlertError(ValueError):
    """A file in the spool is not what this program writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check had to say."""

    check: str  # its id
    status: str  # fail, error, skip or warn; where it was lowered to warn: what it was before
    summary: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert, whole. Holds no secret."""

    id: str  # run id and severity: the same alert sent twice has the same one
    severity: Severity
    env: str
    host: str
    run_id: str
    at: float  # Unix seconds: end of the run, whenever it is sent
    verdict: str
    findings: tuple[Finding, ...]  # the weightiest first
    reasons: tuple[str, ...]  # those reasons of the verdict that no finding gives
    fingerprint: str  # what it is about: `paper/redis/fail paper/clock/error`
    report: str | None  # path of the run's report
    held_back: int  # P1 alerts that were throttled since the last one that was sent


def to_json(alert: Alert) -> str:
    """Write an alert as one JSON document."""
    return json.dumps({"schema_version": _SCHEMA_VERSION, **asdict(alert)}, ensure_ascii=False, allow_nan=False)


def from_json(text: str) -> Alert:
    """Read what `to_json` wrote.

    Raises:
        BadAlertError: It is not an alert.
    """
    try:
        data = json.loads(text)
        if data.pop("schema_version") != _SCHEMA_VERSION:
            raise BadAlertError("its schema version is another")
        findings = tuple(Finding(**_texts(finding)) for finding in data.pop("findings"))
        reasons = tuple(str(reason) for reason in data.pop("reasons"))
        alert = Alert(**{**data, "severity": Severity(data["severity"])}, findings=findings, reasons=reasons)
        if not math.isfinite(alert.at) or alert.held_back < 0:
            raise BadAlertError("its numbers make no sense")
    except BadAlertError:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as e:
        raise BadAlertError(f"{type(e).__name__} while reading it") from e
    return alert


def _texts(data: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in data.items()}
