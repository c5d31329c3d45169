"""``telegram_chat.json`` against itself, the time of its gate, and what the run says that it sent."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, Final

from evidence.verdict.report import Report

_TAGS: Final = re.compile(r"<[^>]*>")


def contradictions(document: Mapping[str, Any], report: Report | None, window: tuple[float, float]) -> Iterator[str]:
    """Say what in the chat cannot have come there.

    Args:
        document: follows its schema.
        report: of the run whose messages it must hold; None: there is none to compare with.
        window: begin and end of the gate, Unix seconds.
    """
    begin, end = window
    messages = document["chat"]
    if any(not begin <= message["at"] <= end for message in messages):
        yield "holds a message from outside the time of its gate"
    if any(not begin <= request["at"] <= end for request in document["requests"]):
        yield "holds a request from outside the time of its gate"
    if any(one["message_id"] >= other["message_id"] for one, other in pairwise(messages)):
        yield "holds messages that are not numbered in their order"
    if report is None:
        return
    texts = [html.unescape(_TAGS.sub("", message["text"])) for message in messages]
    heads = [text.partition("\n")[0] for text in texts if report.run_id in text]
    for severity in report.sent:
        wanted = f"{severity} {report.verdict} · {report.env}"
        if not any(wanted in head for head in heads):
            yield f"has no message {wanted!r} of the run {report.run_id}, which says that it sent one"
