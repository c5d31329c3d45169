"""The way of one value: from the run of preflight to the panel, hop by hop, with times."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from evidence.times import iso

#: The value by which a run is followed: the end of the last recorded run, Unix seconds.
FOLLOWED: Final = "arbitrage_preflight_last_run_timestamp_seconds"
_LINE: Final = re.compile(rf"^{FOLLOWED}\{{[^}}]*\}}\s+(\S+)$", re.MULTILINE)
_PANEL_SECONDS: Final = 0.001  # JSON through Grafana keeps milliseconds at least


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """Where the value was seen."""

    en: str
    ko: str
    value: str  # the timestamp as it was seen there, in Unix seconds
    at: str | None  # UTC; None: the place tells no time of its own
    asked: str  # what was asked, or which file was read
    file: str  # in the bundle
    same: bool  # the value is the run's own


def follow(
    report: Mapping[str, Any],
    *,
    textfile: tuple[str, str] | None,
    prometheus: tuple[str, Mapping[str, Any]] | None,
    grafana: tuple[str, Mapping[str, Any]] | None,
    chat: tuple[str, Mapping[str, Any]] | None,
    report_file: str,
) -> Iterator[Hop]:
    """Follow the run through the documents of a bundle.

    Args:
        report: preflight's own report.
        textfile: name in the bundle and content of the ``.prom`` file.
        prometheus: name and content of ``prometheus_query_result.json``.
        grafana: name and content of ``grafana_api_result.json``.
        chat: name and content of ``telegram_chat.json``.
        report_file: name of the report in the bundle.

    Yields:
        One hop for each place; what has no document is left out.
    """
    ended = float(report["ended_at"])
    yield Hop(
        en="preflight ran and reported",
        ko="preflight 실행과 보고",
        value=_shown(ended),
        at=iso(ended),
        asked=f"run {report['run_id']}, verdict {report['verdict']}",
        file=report_file,
        same=True,
    )
    if textfile is not None:
        name, text = textfile
        found = _LINE.findall(text)
        yield Hop(
            en="written to the textfile that node_exporter reads",
            ko="node_exporter가 읽는 textfile에 기록",
            value=", ".join(map(_number, found)) or "-",
            at=None,
            asked=FOLLOWED,
            file=name,
            same=bool(found) and all(_equal(value, ended) for value in found),
        )
    if prometheus is not None:
        name, document = prometheus
        for query in document.get("queries", ())[:1]:
            yield Hop(
                en="scraped from node_exporter and answered by Prometheus",
                ko="node_exporter에서 scrape되어 Prometheus가 응답",
                value=_shown(query["last_run_timestamp"]),
                at=iso(query["sample_time"]),
                asked=query["query"],
                file=name,
                same=_equal(query["last_run_timestamp"], ended),
            )
    if grafana is not None:
        name, document = grafana
        for panel in document.get("panels", ()):
            yield Hop(
                en=f"shown by the panel {panel['title']}",
                ko=f"패널 {panel['title']}에 표시",
                value=_shown(panel["last_run_timestamp"]),
                at=None,
                asked=" ; ".join(panel["queries"]),
                file=name,
                same=abs(panel["last_run_timestamp"] - ended) <= _PANEL_SECONDS,
            )
    if chat is not None:
        yield from _told(chat, report["run_id"])


def _told(chat: tuple[str, Mapping[str, Any]], run_id: str) -> Iterator[Hop]:
    """The first message that names the run, if the run had something to say."""
    name, document = chat
    for message in [one for one in document.get("chat", ()) if run_id in one["text"]][:1]:
        yield Hop(
            en="told in the chat (stand-in for Telegram), under its run id",
            ko="실행 id로 채팅에 알림(Telegram 대역)",
            value=run_id,
            at=iso(message["at"]),
            asked=re.sub(r"<[^>]*>", "", message["text"].splitlines()[0]),
            file=name,
            same=True,
        )


def _shown(seconds: float) -> str:
    return f"{seconds:.3f}"


def _number(text: str) -> str:
    """Write a number of the textfile, which has an exponent, as the others are written."""
    try:
        return _shown(float(text))
    except ValueError:
        return text


def _equal(value: object, ended: float) -> bool:
    try:
        return float(str(value)) == ended
    except ValueError:
        return False
