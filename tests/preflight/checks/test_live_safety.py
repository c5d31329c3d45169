from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import redis

from engine.control import is_thrown
from preflight.check import Context
from preflight.checks.live_safety import DEFAULT_KEY, LiveSafetyCheck
from preflight.model import Outcome, Status

MakeContext = Callable[..., Context]
MakeSettings = Callable[..., Any]
ARMED = {"armed": True, "max_order_krw": 100_000, "max_daily_loss_krw": 500_000}


class FakeRedis:
    """One key."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[str] = []
        self.closed = False

    def get(self, key: str) -> Any:
        """GET."""
        self.asked.append(key)
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer

    def role(self) -> list[Any]:
        """ROLE."""
        return ["master", 0, []]

    def info(self, section: str) -> dict[str, Any]:
        """INFO, of a server that reads back what was written."""
        answers: dict[str, dict[str, Any]] = {
            "memory": {"maxmemory_policy": "noeviction"},
            "persistence": {"aof_enabled": 1},
        }
        return answers[section]

    def config_get(self, *names: str) -> dict[str, Any]:
        """CONFIG GET, of a server that does not know it."""
        raise redis.ResponseError(f"unknown command 'CONFIG' {names}")

    def close(self) -> None:
        """Take note."""
        self.closed = True


def run(make_context: MakeContext, settings: Any, server: FakeRedis) -> Outcome:
    outcome = LiveSafetyCheck().run(make_context(settings=settings, open_redis=lambda _: server))
    assert server.closed
    assert server.asked == [settings.live.kill_switch_key]
    assert outcome.status is Status.PASS or outcome.hint
    return outcome


@pytest.mark.parametrize("env", ["paper", "dev", "test"])
def test_only_live(env: str, make_context: MakeContext, make_settings: MakeSettings) -> None:
    """Outside live it says so and asks nothing."""
    outcome = LiveSafetyCheck().run(make_context(settings=make_settings(env=env)))
    assert (outcome.status, outcome.summary) == (Status.SKIP, "applies to live only")


def test_armed_and_limited(make_context: MakeContext, make_settings: MakeSettings) -> None:
    """Armed, with both limits and no kill switch, is a PASS that says the limits."""
    outcome = run(make_context, make_settings(env="live", live=ARMED), FakeRedis(None))
    assert outcome.status is Status.PASS
    assert "100,000 KRW an order and 500,000 KRW of loss a day" in outcome.summary


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("armed", "live is not armed"),
        ("max_order_krw", "max_order_krw is not set"),
        ("max_daily_loss_krw", "max_daily_loss_krw is not set"),
    ],
)
def test_each_is_needed(key: str, text: str, make_context: MakeContext, make_settings: MakeSettings) -> None:
    """Without the arming or one of the limits it is a FAIL that names it."""
    live = {name: value for name, value in ARMED.items() if name != key}
    outcome = run(make_context, make_settings(env="live", live=live), FakeRedis(None))
    assert (outcome.status, outcome.summary) == (Status.FAIL, text)


@pytest.mark.parametrize("value", ["1", "true", "", " ", "on", "thrown by Kim", "nope", "00"])
@pytest.mark.parametrize("key", ["arbitrage:kill_switch", "my:switch"])
def test_thrown(value: str, key: str, make_context: MakeContext, make_settings: MakeSettings) -> None:
    """Whatever the key holds, an empty value included, is thrown, and the hint says how to reset it."""
    settings = make_settings(env="live", live={**ARMED, "kill_switch_key": key})
    outcome = run(make_context, settings, FakeRedis(value))
    assert (outcome.status, outcome.actual) == (Status.FAIL, "thrown")
    assert key in outcome.summary
    assert f"DEL {key}" in outcome.hint
    assert is_thrown(value.encode())  # the engine reads it the same way


@pytest.mark.parametrize("value", [None, "0", "off", "OFF", " no ", "False"])
def test_not_thrown(value: str | None, make_context: MakeContext, make_settings: MakeSettings) -> None:
    """No key, or a plain no, is not thrown."""
    assert run(make_context, make_settings(env="live", live=ARMED), FakeRedis(value)).status is Status.PASS
    assert not is_thrown(None if value is None else value.encode())


def test_bytes_that_are_no_text_are_thrown(make_context: MakeContext, make_settings: MakeSettings) -> None:
    """A value that cannot be read as text counts as thrown, for the engine and here."""
    garbage = FakeRedis(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"))
    assert run(make_context, make_settings(env="live", live=ARMED), garbage).status is Status.FAIL
    assert is_thrown(b"\xff")


@pytest.mark.parametrize(
    "error",
    [
        redis.ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value"),
        redis.ConnectionError("gone"),
        redis.TimeoutError("late"),
    ],
)
def test_cannot_tell(error: Exception, make_context: MakeContext, make_settings: MakeSettings) -> None:
    """A key of another kind or a Redis that fails is an ERROR."""
    outcome = run(make_context, make_settings(env="live", live=ARMED), FakeRedis(error))
    assert outcome.status is Status.ERROR
    assert str(error) in outcome.summary


def test_not_armed_and_thrown_says_both(make_context: MakeContext, make_settings: MakeSettings) -> None:
    """What is missing does not hide the kill switch."""
    outcome = run(make_context, make_settings(env="live"), FakeRedis("1"))
    assert outcome.status is Status.FAIL
    for text in ("not armed", "max_order_krw", "max_daily_loss_krw", "kill switch is thrown"):
        assert text in outcome.summary


def test_q4_the_default_key_is_always_read(make_context: MakeContext, make_settings: MakeSettings) -> None:
    """A variable that names another key does not hide a switch that was thrown where it is always thrown."""

    class Both(FakeRedis):
        def get(self, key: str) -> Any:
            self.asked.append(key)
            return "1" if key == DEFAULT_KEY else None

    server = Both(None)
    settings = make_settings(env="live", live={**ARMED, "kill_switch_key": "elsewhere"})
    outcome = LiveSafetyCheck().run(make_context(settings=settings, open_redis=lambda _: server))
    assert server.asked == ["elsewhere", DEFAULT_KEY]
    assert (outcome.status, outcome.actual) == (Status.FAIL, "thrown")


@pytest.mark.parametrize("key", ["max_order_krw", "max_daily_loss_krw"])
def test_q4_a_limit_above_its_ceiling(key: str, make_context: MakeContext, make_settings: MakeSettings) -> None:
    """A limit that limits nothing is none; the hint says where the ceiling stands."""
    outcome = run(make_context, make_settings(env="live", live={**ARMED, key: 1e300}), FakeRedis(None))
    assert outcome.status is Status.FAIL
    assert outcome.summary.startswith(f"{key} 1,0")
    assert "raise the ceiling in the table [live] of preflight.toml" in outcome.hint
