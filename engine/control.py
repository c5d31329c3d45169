"""Heartbeat and kill switch in Redis."""

from __future__ import annotations

from pathlib import Path
from ssl import TLSVersion
from typing import Any, Final, Protocol

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from engine.errors import DependencyDown
from engine.resolve import Resolver
from engine.settings import Redis as RedisSettings

__all__ = ["NOT_THROWN", "Control", "RedisControl", "is_thrown"]

NOT_THROWN: Final = frozenset({"0", "off", "false", "no"})


def is_thrown(value: bytes | None) -> bool:
    """Return whether the kill switch is thrown: its key exists and does not plainly say no.

    Anything unclear, an empty value or bytes that are no text included, counts as thrown.
    """
    return value is not None and value.decode("utf-8", "replace").strip().lower() not in NOT_THROWN


class Control(Protocol):
    """Where the engine says that it lives and hears that it must stop trading."""

    def beat(self, now: float) -> bool:
        """Write the heartbeat of Unix second ``now`` and return whether the kill switch is thrown.

        Raises:
            DependencyDown: if that could not be done.
        """
        ...

    def close(self) -> None:
        """Give back the connection."""
        ...


class RedisControl:
    """Heartbeat and kill switch in one round trip.

    Args:
        settings: where Redis is.
        heartbeat_key, kill_switch_key: names of the two keys.
        ttl: seconds the heartbeat key lives.
        timeout: seconds for connecting, and for each answer.
    """

    def __init__(
        self, settings: RedisSettings, *, heartbeat_key: str, kill_switch_key: str, ttl: int, timeout: float
    ) -> None:
        self._where = f"Redis at {settings.where}"
        self._settings = settings
        self._heartbeat_key = heartbeat_key
        self._kill_switch_key = kill_switch_key
        self._ttl = ttl
        self._timeout = timeout
        self._resolver = Resolver(settings.host, timeout=timeout)
        self._redis: Redis | None = None

    def beat(self, now: float) -> bool:
        """Write the heartbeat and return whether the kill switch is thrown.

        Raises:
            DependencyDown: if Redis did not do both.
        """
        try:
            if self._redis is None:
                self._redis = self._connect()
            with self._redis.pipeline(transaction=False) as pipe:
                pipe.set(self._heartbeat_key, f"{now:.3f}", ex=self._ttl)
                pipe.get(self._kill_switch_key)
                _, value = pipe.execute()
        except DependencyDown:
            self.close()
            raise
        except (RedisError, OSError) as error:
            self.close()  # the next attempt looks the address up again: a restarted container has another one
            message = f"{self._where}: {type(error).__name__}: {error}"
            raise DependencyDown(message) from error
        return is_thrown(value)

    def close(self) -> None:
        """Close the connection."""
        client, self._redis = self._redis, None
        if client is not None:
            client.close()

    def _connect(self) -> Redis:
        settings, password = self._settings, self._settings.password
        common: dict[str, Any] = {
            "db": settings.db,
            "username": settings.username,
            "password": password.get_secret_value() if password else None,
            "socket_timeout": self._timeout,
            "socket_connect_timeout": self._timeout,
            "retry": Retry(NoBackoff(), 0),  # the loop decides when to ask again
        }
        if settings.socket:
            return Redis(unix_socket_path=str(settings.socket), **common)
        address = self._resolver.address()
        if not settings.tls:
            return Redis(host=address, port=settings.port, **common)
        return Redis(
            host=settings.host,  # the name stands in the certificate; that it can be found is known by now
            port=settings.port,
            ssl=True,
            ssl_cert_reqs="required",
            ssl_check_hostname=True,
            ssl_min_version=TLSVersion.TLSv1_2,
            ssl_ca_certs=_path(settings.ca_file),
            ssl_certfile=_path(settings.cert_file),
            ssl_keyfile=_path(settings.key_file),
            **common,
        )


def _path(path: Path | None) -> str | None:
    return None if path is None else str(path)
