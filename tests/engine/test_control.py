from __future__ import annotations

import pytest
from redis import Redis

from acceptance.stack.embedded.stack import EmbeddedStack
from engine.control import RedisControl, is_thrown
from engine.errors import DependencyDown
from engine.settings import Redis as RedisSettings


def control(settings: RedisSettings, timeout: float = 0.5) -> RedisControl:
    return RedisControl(settings, heartbeat_key="beat", kill_switch_key="kill", ttl=30, timeout=timeout)


@pytest.mark.parametrize(
    ("value", "thrown"),
    [
        (None, False),
        (b"0", False),
        (b" OFF ", False),
        (b"false", False),
        (b"no", False),
        (b"1", True),
        (b"on", True),
        (b"", True),
        (b"\xff", True),
        (b"reason: exchange outage", True),
    ],
    ids=repr,
)
def test_what_counts_as_thrown(value: bytes | None, thrown: bool) -> None:
    """A key that exists and does not plainly say no is a thrown switch."""
    assert is_thrown(value) is thrown


def test_the_heartbeat_lives_for_a_while(redis_settings: RedisSettings, redis_client: Redis) -> None:
    """The heartbeat is Unix seconds under a key that vanishes by itself."""
    one = control(redis_settings)
    assert one.beat(1234.5678) is False
    assert redis_client.get("beat") == "1234.568"
    assert 0 < int(redis_client.ttl("beat")) <= 30
    one.close()


def test_the_kill_switch_is_read(redis_settings: RedisSettings, redis_client: Redis) -> None:
    """Setting the key throws it, deleting it releases it, with the next heartbeat."""
    one = control(redis_settings)
    redis_client.set("kill", "1")
    assert one.beat(1) is True
    redis_client.delete("kill")
    assert one.beat(2) is False
    one.close()


def test_a_key_of_another_kind_is_unknown(redis_settings: RedisSettings, redis_client: Redis) -> None:
    """A kill switch that cannot be read is not a released one."""
    redis_client.lpush("kill", "1")
    one = control(redis_settings)
    with pytest.raises(DependencyDown, match="WRONGTYPE"):
        one.beat(1)
    one.close()


def test_a_wrong_password_is_told_without_showing_it(redis_settings: RedisSettings) -> None:
    """Authentication that fails names the server and no password."""
    wrong = RedisSettings(port=redis_settings.port, password="made-up-wrong")
    one = control(wrong)
    with pytest.raises(DependencyDown) as caught:
        one.beat(1)
    assert f"127.0.0.1:{redis_settings.port}" in str(caught.value)
    assert "made-up-wrong" not in str(caught.value)
    one.close()


def test_a_frozen_redis_costs_the_timeout_and_is_found_again(
    servers: EmbeddedStack, redis_settings: RedisSettings, redis_client: Redis
) -> None:
    """A server that stops answering is given up on, and answers again once it goes on."""
    del redis_client  # emptied it
    one = control(redis_settings, timeout=0.1)
    assert one.beat(1) is False
    servers.pause_service("redis")
    with pytest.raises(DependencyDown, match="TimeoutError"):
        one.beat(2)
    servers.resume_service("redis")
    assert one.beat(3) is False
    one.close()


def test_a_restarted_redis_is_found_again(
    servers: EmbeddedStack, redis_settings: RedisSettings, redis_client: Redis
) -> None:
    """A connection that broke is replaced."""
    del redis_client  # emptied it
    one = control(redis_settings)
    assert one.beat(1) is False
    servers.stop_service("redis")
    with pytest.raises(DependencyDown):
        one.beat(2)
    servers.start_service("redis")
    assert one.beat(3) is False
    one.close()
