"""No secret travels where others can read it: which addresses are refused before anything is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from preflight.config.sections import ExchangeSection, TelegramSection
from preflight.config.settings import Settings
from preflight.errors import UsageError
from preflight.message import message
from preflight.model import Env

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_LENIENT = frozenset({Env.DEV, Env.TEST})  # where a stand-in on this machine may be given the keys that it made

Loc = tuple[str, ...]


def must_not_send_in_the_clear(settings: Settings, source: Callable[[Loc], str]) -> None:
    """Refuse an address without TLS for an exchange or a chat whose secret is set.

    Args:
        settings: Of the run.
        source: Gives where the value of a key comes from.

    Raises:
        UsageError: There is one; names its key.
    """
    for loc in _in_the_clear(settings):
        if settings.env is Env.LIVE:
            remedy = message("give an https address, or none")
        else:
            remedy = message(
                "give an https address, or say {table}.plain_http = true if that is meant", table=".".join(loc)
            )
        raise UsageError(
            message(
                "{source}: {table}.url is not https, so that its secrets would travel in the clear: {remedy}",
                source=source((*loc, "url")),
                table=".".join(loc),
                remedy=remedy,
            )
        )


def notes_of(settings: Settings) -> tuple[str, ...]:
    """Say, for each run's report, where an operator lets secrets travel in the clear; nothing in live."""
    sections: dict[str, ExchangeSection | TelegramSection] = {
        **{f"exchanges.{name}": one for name, one in settings.exchanges.items()},
        "telegram": settings.telegram,
    }
    return tuple(
        message("{name}.plain_http is set: secrets travel in the clear", name=name)
        for name, one in sections.items()
        if one.plain_http and any(one.secret_values()) and not (one.url or "https:").startswith("https:")
    )


def _in_the_clear(settings: Settings) -> Iterator[Loc]:
    for name, exchange in settings.exchanges.items():
        if exchange.url is not None and _is_refused(exchange, exchange.url, settings.env):
            yield "exchanges", name
    if _is_refused(settings.telegram, settings.telegram.url, settings.env):
        yield ("telegram",)


def _is_refused(section: ExchangeSection | TelegramSection, url: str, env: Env) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:  # nothing can be sent there, and the check that tries says so
        return False
    if parts.scheme == "https" or not any(section.secret_values()):
        return False
    if env is Env.LIVE:
        return True
    return not section.plain_http and not (env in _LENIENT and host in _LOOPBACK)
