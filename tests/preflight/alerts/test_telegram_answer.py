from __future__ import annotations

import json
from typing import Any

import pytest

from preflight.alerts.telegram_answer import AnswerKind, judge


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b'{"ok": true, "result": {}}', AnswerKind.OK),
        (201, b'{"ok": true}', AnswerKind.OK),
        (200, b'{"ok": "true"}', AnswerKind.UNSURE),
        (200, b'{"ok": false}', AnswerKind.UNSURE),
        (200, b"", AnswerKind.UNSURE),
        (200, b"[" * 100_000, AnswerKind.UNSURE),
        (500, b'{"ok": true}', AnswerKind.AGAIN),
        (302, b'{"ok": true}', AnswerKind.REFUSED),
        (400, b'{"ok": true}', AnswerKind.BAD_REQUEST),
    ],
)
def test_accepted_is_2xx_and_ok(status: int, body: bytes, kind: AnswerKind) -> None:
    """Neither a status nor an ok:true alone is an acceptance."""
    assert judge(status, body, url="u").kind is kind


@pytest.mark.parametrize(
    ("status", "kind"),
    [(500, AnswerKind.AGAIN), (502, AnswerKind.UNSURE), (503, AnswerKind.AGAIN), (504, AnswerKind.UNSURE)],
)
def test_a_gateway_without_an_answer_knows_nothing(status: int, kind: AnswerKind) -> None:
    """What stands in front of the server may have handed the message on; the server's own errors are a no."""
    answer = judge(status, b"<html>", url="u")

    assert answer.kind is kind
    assert ("may have arrived" in answer.reason) is (kind is AnswerKind.UNSURE)


@pytest.mark.parametrize("value", [-1, "soon", None, [], True, float("inf"), float("nan")], ids=str)
def test_a_mad_retry_after_is_ignored(value: Any) -> None:
    """What is no number of seconds is as if it was not there."""
    body = json.dumps({"ok": False, "parameters": {"retry_after": value}}).encode()

    assert judge(429, body, url="u").retry_after is None


@pytest.mark.parametrize(("value", "expected"), [(0, 0.0), (7, 7.0), (0.5, 0.5), (10**400, 1e6)], ids=str)
def test_retry_after_is_seconds(value: float, expected: float) -> None:
    """A number is taken as it is, a mad one as a long time."""
    body = json.dumps({"ok": False, "parameters": {"retry_after": value}}).encode()

    assert judge(429, body, url="u").retry_after == expected


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"429", b'{"parameters": 1}', b'{"parameters": {}}'], ids=repr)
def test_a_429_without_parameters_is_one(body: bytes) -> None:
    """No body, or another one, changes nothing but the wait."""
    answer = judge(429, body, url="u")

    assert (answer.kind, answer.retry_after) == (AnswerKind.AGAIN, None)


def test_what_is_told_of_an_acceptance_is_number_and_name() -> None:
    """The chat's id and the text are nobody's business; control characters of a name are taken out."""
    result = {"message_id": 7, "chat": {"id": -100, "title": "a\x1bb"}, "text": "x"}

    assert judge(200, json.dumps({"ok": True, "result": result}).encode(), url="u").result == {
        "message_id": 7,
        "chat": "a b",
    }


@pytest.mark.parametrize("title", [None, 7, ["x"], ""])
def test_a_chat_whose_title_is_no_text_has_its_next_name(title: Any) -> None:
    """Only a text is a name; all of the answer is kept to be judged, and is not shown."""
    result = {"chat": {"title": title, "username": "ops", "secret": "canary"}}
    answer = judge(200, json.dumps({"ok": True, "result": result}).encode(), url="u")
    assert answer.result == {"chat": "ops"}
    assert "canary" not in repr(answer)


def test_a_description_is_cut() -> None:
    """A server that talks for ever does not fill the report."""
    answer = judge(403, json.dumps({"description": "x" * 10_000}).encode(), url="u")

    assert len(answer.reason) < 400


def test_cleaning_reaches_every_text() -> None:
    """A secret in a reason or in a result is taken out."""
    refused = judge(403, b'{"description": "hunter2"}', url="u").cleaned(lambda text: text.replace("hunter2", "*"))
    accepted = judge(200, b'{"ok": true, "result": {"chat": {"title": "hunter2"}}}', url="u")

    assert "hunter2" not in refused.reason
    assert accepted.cleaned(lambda text: text.replace("hunter2", "*")).result == {"chat": "*"}
