"""Talking to the supervisor when it dies, hangs, or ends with its last reply."""

from __future__ import annotations

import itertools
import json
import os
import signal
import threading
from collections.abc import Callable

import psutil
import pytest

from acceptance.stack.embedded.supervisor.client import SupervisorClient
from acceptance.stack.interface import StackError
from tests.acceptance.stack.light import Light


def test_a_supervisor_that_dies_is_named_not_waited_for(light: Callable[..., Light]) -> None:
    """When the supervisor itself is killed, a waiting start and a later command fail at once and say so."""
    stack = light(quiet="silent")
    os.kill(stack.supervisor.pid, signal.SIGKILL)
    with pytest.raises(StackError, match="supervisor ended with exit code -9"):
        stack.supervisor.wait_up(timeout=20)
    with pytest.raises(StackError, match="supervisor ended with exit code -9"):
        stack.supervisor.request("status")


def test_a_start_that_takes_too_long_is_given_up(light: Callable[..., Light]) -> None:
    """The caller's own deadline holds even when a service's is longer."""
    stack = light(quiet="silent")
    with pytest.raises(StackError, match="not ready after 0 s"):
        stack.supervisor.wait_up(timeout=0.2)


def test_a_supervisor_that_is_frozen_is_not_waited_for_for_ever(light: Callable[..., Light]) -> None:
    """A command without a reply fails at its deadline and names itself."""
    stack = light(web="serve")
    stack.supervisor.wait_up(timeout=20)
    process = psutil.Process(stack.supervisor.pid)
    process.suspend()
    try:
        with pytest.raises(StackError, match="did not answer 'stop web'"):
            stack.supervisor.request("stop", "web", timeout=0.2)
    finally:
        process.resume()


def test_every_event_of_the_start_is_told(light: Callable[..., Light]) -> None:
    """The caller sees each service starting and ready, then that all are up."""
    stack = light(web="serve", slow="serve")
    told: list[tuple[str, str]] = []
    seconds = stack.supervisor.wait_up(
        timeout=20, tell=lambda event: told.append((event["event"], event.get("service", "")))
    )
    assert seconds > 0
    assert told[:2] == [("starting", "web"), ("starting", "slow")]
    assert set(told[2:4]) == {("ready", "web"), ("ready", "slow")}
    assert told[4:] == [("up", "")]


class _Ended(SupervisorClient):
    """A supervisor whose pipe has ended by the time the asker looks; it may have replied before."""

    def __init__(self, *, replies: bool) -> None:
        self._ids = itertools.count(1)
        self._replies = {}
        self._reader = threading.Thread(target=int)  # never started: not alive
        self._replies_first = replies

    def _send(self, line: str) -> None:
        number = json.loads(line)["id"]
        if self._replies_first:
            self._replies[number].put({"event": "reply", "id": number})

    def _how_it_ended(self) -> str:
        return "it ended"


def test_a_last_reply_counts() -> None:
    """A reply that came right before the end of the pipe is an answer: `make up` once took it for a death."""
    assert _Ended(replies=True).request("detach") == {"event": "reply", "id": 1}


def test_an_end_without_a_reply_is_an_error() -> None:
    """Without a reply the end of the pipe is the news."""
    with pytest.raises(StackError, match="it ended"):
        _Ended(replies=False).request("detach")
