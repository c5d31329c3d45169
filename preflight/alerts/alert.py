"""What an alert is: a value that can wait in a file and be sent by another process."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import PlainValidator

from preflight.alerts.documents import STRICT, read, write
from preflight.message import from_data, to_data


def _text(value: object) -> str:
    """Return a text, or a message from the form that `to_json` gave it."""
    if isinstance(value, str):
        return value
    return from_data(value)


# A text that can be said in another language: in a file it stands as its template and values.
Text = Annotated[str, PlainValidator(_text)]


class Severity(StrEnum):
    """How urgent an alert is."""

    P0 = "P0"  # the bot must not go: Telegram, never throttled, never lost
    P1 = "P1"  # a warning: Telegram, throttled
    P2 = "P2"  # a slow GO: the row only
    P3 = "P3"  # a GO: the row only


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFinding:
    """What one check had to say."""

    __pydantic_config__ = STRICT

    check: str  # its id
    status: str  # fail, error, skip or warn; where it was lowered to warn: what it was before
    summary: Text
    hint: Text
    said: str = ""  # the other side's own words


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert, whole. Holds no secret."""

    __pydantic_config__ = STRICT

    id: str  # run id and severity: the same alert sent twice has the same one
    severity: Severity
    env: str
    host: str
    run_id: str
    at: float  # Unix seconds: end of the run, whenever it is sent
    verdict: str
    findings: tuple[AlertFinding, ...]  # the weightiest first
    reasons: tuple[Text, ...]  # those reasons of the verdict that no finding gives
    fingerprint: str  # what it is about: `paper/redis/fail paper/clock/error`
    report: str | None  # path of the run's report
    held_back: int  # P1 alerts that were throttled since the last one that was sent

    def __post_init__(self) -> None:
        if self.held_back < 0:
            raise ValueError("held_back is below 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class _AlertDocument(Alert):
    """An alert as it stands in a file."""

    __pydantic_config__ = STRICT
    schema_version: Literal[1]


def to_json(alert: Alert) -> str:
    """Write an alert as one JSON document."""
    document = asdict(alert)
    document["reasons"] = [to_data(reason) or reason for reason in alert.reasons]
    for written, finding in zip(document["findings"], alert.findings, strict=True):
        written["summary"] = to_data(finding.summary) or finding.summary
        written["hint"] = to_data(finding.hint) or finding.hint
    return write({"schema_version": 1, **document})


def from_json(text: str) -> Alert:
    """Read what `to_json` wrote.

    Raises:
        BadDocumentError: It is not an alert.
    """
    known = read(_AlertDocument, text)
    return Alert(**{field.name: getattr(known, field.name) for field in fields(Alert)})
