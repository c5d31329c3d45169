"""The connection to Redis: one try, hard timeouts, no hidden retries, and no word to a stranger."""

from __future__ import annotations

import ssl
from datetime import datetime
from typing import TYPE_CHECKING, Any

import redis
from redis.backoff import NoBackoff
from redis.connection import SSLConnection
from redis.retry import Retry
from redis.sentinel import Sentinel

from preflight.message import message
from preflight.servers.certificates import end_of_peer
from preflight.servers.owner import NotTakenError, StrangerError, must_be_of

if TYPE_CHECKING:
    from pydantic import SecretStr

    from preflight.config.sections import RedisSection


class UnprovenRedisError(redis.ConnectionError):
    """Whoever answers there could not prove to be the server; the text says why. Nothing was sent."""


class EndlessAnswerError(redis.exceptions.InvalidResponse):
    """An answer takes more memory than it may; the text names the command."""


class _Client(redis.Redis):
    """A client of which whatever trips over an answer is an error of the library's own kind."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Ask.

        Raises:
            EndlessAnswerError: The answer takes more memory than it may.
            redis.InvalidResponse: The answer is none in Redis' protocol, or none to that command.
            UnicodeDecodeError: It is no text.
        """
        try:
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call] # the library has none
        except (redis.RedisError, OSError, UnicodeDecodeError):
            raise
        except Exception as e:
            if _out_of_memory(e):
                raise EndlessAnswerError(f"{args[0]}: an answer without an end") from e
            raise redis.exceptions.InvalidResponse(f"{args[0]}: {type(e).__name__}: {e}") from e


def _out_of_memory(error: BaseException | None) -> bool:
    """Return whether memory was what lacked first: the library trips again while it cleans up."""
    while error is not None and not isinstance(error, MemoryError):
        error = error.__context__
    return error is not None


def open_redis(settings: RedisSection) -> redis.Redis:
    """Return a client for one connection; nothing is sent before the first command.

    RESP2 is spoken, and neither HELLO nor CLIENT is sent: servers before Redis 6 and proxies know neither.
    """
    common = {
        "socket_timeout": settings.timeout,
        "socket_connect_timeout": settings.timeout,
        "retry": Retry(NoBackoff(), 0),  # the library's default of several tries would hide an outage and its cost
        "protocol": 2,
        "driver_info": None,
        **_tls(settings),
        **_met(settings),
    }
    login = {
        **common,
        "db": settings.db,
        "username": settings.username,
        "password": _revealed(settings.password),
        "decode_responses": True,
    }
    if settings.sentinels:
        addresses = [address.rpartition(":") for address in settings.sentinels]
        sentinel = Sentinel(  # type: ignore[no-untyped-call] # the library has no types there
            [(host.strip("[]"), int(port)) for host, _, port in addresses],
            sentinel_kwargs={**common, "password": _revealed(settings.sentinel_password), "decode_responses": True},
        )
        primary: redis.Redis = sentinel.master_for(settings.master or "", _Client, **login)  # type: ignore[no-untyped-call]
        return primary
    if settings.socket:
        return _Client(unix_socket_path=str(settings.socket), **login)
    return _Client(host=settings.host or "", port=settings.port, **login)


def end_of_certificate(client: redis.Redis) -> datetime:
    """Return when the certificate ends that the server showed on the connection of this client."""
    connection: Any = client.connection_pool.get_connection()
    try:
        return end_of_peer(connection._sock.getpeercert())
    finally:
        client.connection_pool.release(connection)


def _revealed(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def _tls(settings: RedisSection) -> dict[str, Any]:
    if not settings.tls:
        return {}
    return {
        "ssl": True,
        "ssl_cert_reqs": "required",
        "ssl_check_hostname": True,
        "ssl_min_version": ssl.TLSVersion.TLSv1_2,
        "ssl_ca_certs": None if settings.ca_file is None else str(settings.ca_file),
        "ssl_certfile": None if settings.cert_file is None else str(settings.cert_file),
        "ssl_keyfile": None if settings.key_file is None else str(settings.key_file),
    }


def _met(settings: RedisSection) -> dict[str, Any]:
    """Have each new connection proven before a byte is sent on it, and hear what the server says unasked."""

    def meet(connection: Any) -> None:
        if settings.require_proof and not isinstance(connection, SSLConnection):  # TLS has proven it by its certificate
            _prove(connection, settings)
        connection.on_connect()

        def hear(timeout: float = 0) -> bool:
            if type(connection).can_read(connection, timeout):
                raise redis.exceptions.InvalidResponse(f"{connection.read_response()!r} before anything was asked")
            return False

        # A refusal, such as of one client too many, may also come a moment later, when the pool looks: it would drop it
        # unread, connect again, and say no more than "Connection not ready".
        connection.can_read = hear
        hear()

    return {"redis_connect_func": meet}


def _prove(connection: Any, settings: RedisSection) -> None:
    try:
        must_be_of(connection._sock, settings.owners, settings.timeout)
    except StrangerError as e:
        raise UnprovenRedisError(str(e)) from e
    except NotTakenError as e:
        raise redis.TimeoutError(message("nobody took the connection")) from e
    except OSError as e:
        raise redis.ConnectionError(str(e)) from e
