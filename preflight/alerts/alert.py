"""What an alert is: a value that can wait in a file and be sent by another process."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import asdict, dataclass
from enum import StrEnum

from preflight.alerts import fields
from preflight.alerts.fields import BadAlertError

_SCHEMA_VERSION = 1


class Severity(StrEnum):
    """How urgent an alert is."""

    P0 = "P0"  # the bot must not go: Telegram, never throttled, never lost
    P1 = "P1"  # a warning: Telegram, throttled
    P2 = "P2"  # a slow GO: the row only
    P3 = "P3"  # a GO: the row only


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFinding:
    """What one check had to say."""

    check: str  # its id
    status: str  # fail, error, skip or warn; where it was lowered to warn: what it was before
    summary: str
    hint: str
    said: str = ""  # the other side's own words


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
    findings: tuple[AlertFinding, ...]  # the weightiest first
    reasons: tuple[str, ...]  # those reasons of the verdict that no finding gives
    fingerprint: str  # what it is about: `paper/redis/fail paper/clock/error`
    report: str | None  # path of the run's report
    held_back: int  # P1 alerts that were throttled since the last one that was sent


_FIELDS = frozenset(field.name for field in dataclasses.fields(Alert))
_FINDING_FIELDS = frozenset(field.name for field in dataclasses.fields(AlertFinding))


def to_json(alert: Alert) -> str:
    """Write an alert as one JSON document."""
    return json.dumps({"schema_version": _SCHEMA_VERSION, **asdict(alert)}, ensure_ascii=False, allow_nan=False)


def from_json(text: str) -> Alert:
    """Read what `to_json` wrote.

    Raises:
        BadAlertError: It is not an alert.
    """
    data = fields.document(text)
    if data.pop("schema_version", None) != _SCHEMA_VERSION:
        raise BadAlertError("its schema version is another")
    fields.only(data, _FIELDS)
    severity = fields.text(data, "severity")
    if severity not in set(Severity):
        raise BadAlertError("its severity is unknown")
    reasons = fields.items(data, "reasons")
    if not all(isinstance(reason, str) for reason in reasons):
        raise BadAlertError("a reason is no text")
    return Alert(
        id=fields.text(data, "id"),
        severity=Severity(severity),
        env=fields.text(data, "env"),
        host=fields.text(data, "host"),
        run_id=fields.text(data, "run_id"),
        at=fields.seconds(data, "at"),
        verdict=fields.text(data, "verdict"),
        findings=tuple(_finding(finding) for finding in fields.items(data, "findings")),
        reasons=tuple(reasons),
        fingerprint=fields.text(data, "fingerprint"),
        report=None if data["report"] is None else fields.text(data, "report"),
        held_back=fields.count(data, "held_back"),
    )


def _finding(value: object) -> AlertFinding:
    data = {"said": "", **fields.mapping(value)}  # a file of an earlier version has no such words
    fields.only(data, _FINDING_FIELDS)
    return AlertFinding(**{name: fields.text(data, name) for name in _FINDING_FIELDS})
