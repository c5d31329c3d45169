"""Addresses given as one URL, taken apart by each server's own library into the settings that say the same.

A library's own message may repeat a piece of the password (what follows an unquoted `/` is read as a port), so none is
passed on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from preflight.message import message

# The library's keyword -> the setting. What is in none of them is refused: it would be dropped in silence.
_REDIS = {
    "host": "host",
    "port": "port",
    "db": "db",
    "username": "username",
    "password": "password",
    "path": "socket",
    "ssl_ca_certs": "ca_file",
    "ssl_certfile": "cert_file",
    "ssl_keyfile": "key_file",
}
_REDIS_QUERY = frozenset({"db", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs"})
_POSTGRES = {
    "host": "host",
    "port": "port",
    "user": "user",
    "password": "password",
    "dbname": "database",
    "sslmode": "sslmode",
    "sslrootcert": "ca_file",
    "sslcert": "cert_file",
    "sslkey": "key_file",
    "channel_binding": "channel_binding",
}


def redis_parts(url: str) -> dict[str, Any]:
    """Return the settings that a `redis://`, `rediss://` or `unix://` URL stands for.

    Raises:
        ValueError: It is no such URL or has a parameter that is no setting; the text holds nothing of its value.
    """
    from redis.connection import parse_url  # noqa: PLC0415 - 146 ms, only where a URL is given

    try:
        split = urlsplit(url)
        query = parse_qs(split.query, keep_blank_values=True)
        given = parse_url(url)  # type: ignore[no-untyped-call] # the library has no types there
    except ValueError:
        split, query, given = None, {}, {}
    is_socket = split is not None and split.scheme == "unix"
    if split is None or ("path" if is_socket else "host") not in given or not (is_socket or _is_db(split.path)):
        raise ValueError(
            message(
                "url is not a Redis URL: {example}, redis://... or unix:///path "
                "(in a password, write % / ? # @ and : as %25 %2F %3F %23 %40 %3A)",
                example="rediss://user:password@host:6379/0",  # a value: what cleans texts masks its login
            )
        )
    if query.pop("ssl_cert_reqs", ["required"]) != ["required"]:
        raise ValueError(
            message("url switches the check of the certificate off: leave ssl_cert_reqs out and set ca_file")
        )
    _must_know(query, _REDIS_QUERY)
    parts = {_REDIS[name]: value for name, value in given.items() if name in _REDIS}
    return parts if is_socket else {**parts, "tls": split.scheme == "rediss"}


def postgres_parts(url: str) -> dict[str, Any]:
    """Return the settings that a `postgres://` or `postgresql://` URL stands for.

    Raises:
        ValueError: It is no such URL or has a parameter that is no setting; the text holds nothing of its value.
    """
    from psycopg2 import ProgrammingError  # noqa: PLC0415 - 44 ms, only where a URL is given
    from psycopg2.extensions import parse_dsn  # noqa: PLC0415

    wrong = message(
        "url is not a Postgres URL: {example} (in a password, write % / ? # @ and : as %25 %2F %3F %23 %40 %3A)",
        example="postgresql://user:password@host:5432/database",  # as above
    )
    plain = re.sub(r"\A(postgres|postgresql)\+\w+://", r"\1://", url)  # SQLAlchemy's way of naming the driver
    if not plain.startswith(("postgres://", "postgresql://")):
        raise ValueError(wrong)
    _must_know(parse_qs(plain.partition("?")[2], keep_blank_values=True), frozenset(_POSTGRES))
    try:
        given: dict[str, str] = parse_dsn(plain)
    except ProgrammingError:
        raise ValueError(wrong) from None  # its text may hold the password
    if given.get("sslrootcert") == "system":  # which is what is taken where no ca_file is named
        del given["sslrootcert"]
    if "," in given.get("host", "") + given.get("port", ""):
        raise ValueError(message("url names several hosts: name the one that the bot writes to"))
    if not given.get("host") or not given.get("port", "0").isdecimal():
        raise ValueError(wrong)
    return {_POSTGRES[name]: value for name, value in given.items() if value != ""}


def with_url(data: Mapping[str, Any], parts: Callable[[str], dict[str, Any]], alone: tuple[str, ...]) -> dict[str, Any]:
    """Lay what a table's `url` stands for over the table.

    Args:
        data: The table as it was given.
        parts: What takes the URL apart.
        alone: Settings that say the same as a URL and may not stand beside one.

    Raises:
        ValueError: The URL is refused, or something is said twice.
    """
    url = data.get("url")
    if url is None:
        return dict(data)
    found = parts(str(getattr(url, "get_secret_value", lambda: url)()))
    twice = [name for name in data if data[name] is not None and (name in alone or name in found)]
    if twice:
        raise ValueError(
            message("url and {names} are both set: keep the url or its parts", names=", ".join(sorted(twice)))
        )
    return {**data, **found}


def has_login(url: str) -> bool:
    """Return whether a URL holds a login, which would stand in every sentence that names the server."""
    return re.match(r"[^/?#]*//[^/?#]*@", url) is not None


def plain_host(host: str | None, table: str) -> str | None:
    """Return a host name or address back.

    Raises:
        ValueError: It is a URL, or has a login, a path or a blank in it; the text does not repeat it.
    """
    if host is not None and (re.search(r"[@?#\s]|://", host) or ("/" in host and not host.startswith("/"))):
        raise ValueError(
            message("host is a name or an address and nothing else; for a URL use {table}.url", table=table)
        )
    if host is not None and not host.startswith("/"):
        try:
            host.encode("idna")  # as it is before it is looked up
        except UnicodeError as e:
            raise ValueError(
                message("host is not a host name: a part between its dots is empty or longer than 63 letters")
            ) from e
    return host


def _is_db(path: str) -> bool:
    return re.fullmatch(r"(/\d*)?", path) is not None


def _must_know(query: Mapping[str, Any], known: frozenset[str]) -> None:
    for name in query:
        if name not in known:
            shown = name if re.fullmatch(r"[a-z_]{1,40}", name) else message("(one with a strange name)")
            raise ValueError(
                message(
                    "url has the parameter {name}, which preflight does not take: leave it out (timeouts are settings)",
                    name=shown,
                )
            )
