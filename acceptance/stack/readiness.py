"""Each server's own readiness question, asked once.

The clients are as thin as they can be (``http.client``, a raw socket for Redis): ``requests`` would honour
proxy variables for 127.0.0.1, and importing the big clients would cost more than most servers' start.
"""

from __future__ import annotations

import base64
import http.client
import json
import socket
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from acceptance.stack.ports import HOST
from acceptance.stack.wait import Observation


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """How to ask a server whether it is ready."""

    kind: str  # a key of PROBES
    asked: str  # the question in words; holds no secret
    settings: Mapping[str, Any] = field(default_factory=dict)  # what the probe of that kind needs


class NeverReadyError(Exception):
    """The server has said why it will never be ready: nobody need wait for it."""


PATIENCE = 2.0
"""Seconds one question may take: a paused server must not hold the asker."""

_EXCERPT = 200


def ask(question: Question) -> Observation[None]:
    """Ask once; what is not there yet is an answer too, never an exception.

    Raises:
        KeyError: No probe of this kind.
        NeverReadyError: It will never be ready.
    """
    probe = PROBES[question.kind]
    try:
        return probe(question.settings)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Observation(done=False, said=f"{type(error).__name__}: {error}")


def look(question: Question) -> Observation[None]:
    """Ask once, for a report of how things stand: that a server will never be ready is an answer too."""
    try:
        return ask(question)
    except NeverReadyError as error:
        return Observation(done=False, said=str(error))


def look_at_all(questions: Mapping[str, Question]) -> dict[str, Observation[None]]:
    """Ask all at once, each once: a paused server must not hold the others.

    Returns:
        Name -> answer, in the order of the questions.
    """
    with ThreadPoolExecutor(max_workers=len(questions)) as pool:
        return dict(zip(questions, pool.map(look, questions.values()), strict=True))


def http_get(port: int, path: str, *, login: tuple[str, str] | None = None) -> tuple[int, str]:
    """GET a path from 127.0.0.1.

    Returns:
        Status code and body.

    Raises:
        OSError: No connection or no answer in time.
        http.client.HTTPException: Not HTTP.
    """
    headers = {}
    if login:
        token = base64.b64encode(":".join(login).encode()).decode()
        headers["Authorization"] = f"Basic {token}"
    connection = http.client.HTTPConnection(HOST, port, timeout=PATIENCE)
    try:
        connection.request("GET", path, headers=headers)
        reply = connection.getresponse()
        return reply.status, reply.read().decode("utf-8", "replace")
    finally:
        connection.close()


def _http(settings: Mapping[str, Any]) -> Observation[None]:
    """A page that answers 200 and contains every wanted text."""
    status, body = http_get(settings["port"], settings["path"])
    missing = [text for text in settings.get("contains", ()) if text not in body]
    if status == http.HTTPStatus.OK and not missing:
        return Observation(done=True, said="200")
    if status == http.HTTPStatus.OK:
        return Observation(done=False, said=f"200, without {missing[0]!r}")
    return Observation(done=False, said=f"{status} {body[:_EXCERPT].strip()!r}")


def _redis(settings: Mapping[str, Any]) -> Observation[None]:
    """AUTH, then PING, on a socket of our own."""
    with socket.create_connection((HOST, settings["port"]), timeout=PATIENCE) as connection:
        stream = connection.makefile("rwb")
        with stream:
            for words in (("AUTH", settings["password"]), ("PING",)):
                stream.write(b"*%d\r\n" % len(words))
                for word in words:
                    raw = word.encode()
                    stream.write(b"$%d\r\n%s\r\n" % (len(raw), raw))
                stream.flush()
                reply = stream.readline().decode("utf-8", "replace").strip()
                if words[0] == "AUTH" and reply != "+OK":
                    return Observation(done=False, said=f"AUTH answered {reply!r}")
    return Observation(done=reply == "+PONG", said=f"PING answered {reply!r}")


def _postgres(settings: Mapping[str, Any]) -> Observation[None]:
    """A real connection over TCP and ``SELECT 1``: an open port or pg_isready proves less."""
    import psycopg2  # noqa: PLC0415 - 40 ms that the other probes need not wait for

    try:
        connection = psycopg2.connect(
            host=HOST,
            port=settings["port"],
            user=settings["user"],
            password=settings["password"],
            dbname=settings["database"],
            connect_timeout=int(PATIENCE),
            options=f"-c statement_timeout={int(PATIENCE * 1000)}",
        )
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
                row = cursor.fetchone()
        finally:
            connection.close()
    except psycopg2.Error as error:
        return Observation(done=False, said=" ".join(str(error).split()))
    return Observation(done=row == (1,), said=f"SELECT 1 answered {row!r}")


def must_be_able_to_start(log: str) -> None:
    """Look whether Grafana's log says that it has refused a file.

    Raises:
        NeverReadyError: It has; names the file and what is wrong with it.
    """
    from acceptance.probes.grafana_log import refused_files  # noqa: PLC0415 - brings requests along

    refused = refused_files(log)
    if refused:
        raise NeverReadyError("; ".join(refused))


def _grafana(settings: Mapping[str, Any]) -> Observation[None]:
    """Database fine, datasource provisioned with the right address, every dashboard loaded.

    ``/api/health`` alone says only that its database is fine: dashboards are loaded after that.
    """
    port = settings["port"]
    login = (settings["user"], settings["password"])
    status, body = http_get(port, "/api/health")
    if status != http.HTTPStatus.OK or json.loads(body).get("database") != "ok":
        return Observation(done=False, said=f"/api/health: {status} {body[:_EXCERPT].strip()!r}")
    status, body = http_get(port, "/api/datasources", login=login)
    if status != http.HTTPStatus.OK:
        return Observation(done=False, said=f"/api/datasources: {status} {body[:_EXCERPT].strip()!r}")
    addresses = [str(each.get("url")) for each in json.loads(body)]
    if settings["datasource_url"] not in addresses:
        return Observation(done=False, said=f"/api/datasources: no {settings['datasource_url']} among {addresses}")
    status, body = http_get(port, "/api/search?type=dash-db&limit=1000", login=login)
    if status != http.HTTPStatus.OK:
        return Observation(done=False, said=f"/api/search: {status} {body[:_EXCERPT].strip()!r}")
    loaded = {str(each.get("uid")) for each in json.loads(body)}
    missing = sorted(set(settings["dashboards"]) - loaded)
    if missing:
        if "log" in settings:
            must_be_able_to_start(Path(settings["log"]).read_text(encoding="utf-8", errors="replace"))
        return Observation(done=False, said=f"/api/search: dashboards not loaded: {', '.join(missing)}")
    return Observation(done=True, said=f"datasource and {len(loaded)} dashboards provisioned")


PROBES: Mapping[str, Callable[[Mapping[str, Any]], Observation[None]]] = {
    "http": _http,
    "redis": _redis,
    "postgres": _postgres,
    "grafana": _grafana,
}
