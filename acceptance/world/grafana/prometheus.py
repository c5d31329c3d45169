"""Asks a provisioned Prometheus, with one deadline for the whole question and nothing kept back of why it failed."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlencode, urlsplit

from acceptance.world.grafana.provisioning.datasources import ProvisionedDatasource

__all__ = ["AskError", "DatasourceClient"]

_PIECE = 1 << 16
_BIGGEST = 64 << 20  # bytes of an answer
_KEPT = 8  # connections kept open for the next question
_RETRIED = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)


class AskError(Exception):
    """The question has no answer; the text says why, and names the datasource where it is not the query's fault."""


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    kind: str  # Content-Type
    body: bytes


class DatasourceClient:
    """Connections to one datasource; may be used from several threads at once.

    Proxies of the environment are not used: it speaks to exactly the address that is provisioned.
    """

    def __init__(self, source: ProvisionedDatasource) -> None:
        self._source = source
        self._idle: list[http.client.HTTPConnection] = []
        self._lock = threading.Lock()
        self._room = _KEPT
        self._method = str(source.json_data.get("httpMethod") or "POST").upper()

    def close(self) -> None:
        """Close what is kept open; what is under way closes by itself."""
        with self._lock:
            self._room = 0
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def ask(self, path: str, params: Mapping[str, str], begun: float) -> dict[str, Any]:
        """Ask ``/api/v1/...`` and give ``data`` of the answer.

        Args:
            path: From the datasource's address on.
            params: Of the query.
            begun: When its request came in, by ``time.monotonic``: the datasource's timeout runs from there on.

        Raises:
            AskError: Not reachable, no answer in time, no JSON, or Prometheus refused the query.
        """
        deadline = begun + self._source.timeout
        try:
            _left(deadline)
            reply = self._exchange(path, urlencode(params), deadline)
        except TimeoutError as error:
            raise AskError(self._say(f"gave no answer within {self._source.timeout:g} s")) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise AskError(self._say(f"cannot be reached: {error or type(error).__name__}")) from error
        return self._data(reply)

    def _data(self, reply: _Reply) -> dict[str, Any]:
        try:
            answer = json.loads(reply.body)
        except ValueError as error:
            what = f"answered HTTP {reply.status} with something that is not JSON ({reply.kind or 'no content type'})"
            raise AskError(self._say(what)) from error
        if isinstance(answer, dict) and answer.get("status") == "success" and isinstance(answer.get("data"), dict):
            return dict(answer["data"])
        if isinstance(answer, dict) and answer.get("error"):
            raise AskError(f"{answer.get('errorType', 'error')}: {answer['error']}")
        raise AskError(self._say(f"answered HTTP {reply.status} with JSON that is no answer of Prometheus"))

    def _say(self, what: str) -> str:
        source = self._source
        address = _address(source.url)
        where = f" at {address.scheme}://{address.netloc.rpartition('@')[2]}" if address else ""
        return f"datasource {source.name} ({source.uid}){where} {what}"

    def _exchange(self, path: str, query: str, deadline: float) -> _Reply:
        while True:
            connection, fresh = self._connection()
            try:
                reply = self._send(connection, path, query, deadline)
            except _RETRIED:
                connection.close()
                if fresh:
                    raise
                continue  # it had been closed meanwhile; a new one will tell
            except BaseException:
                connection.close()
                raise
            self._keep(connection)
            return reply

    def _send(self, connection: http.client.HTTPConnection, path: str, query: str, deadline: float) -> _Reply:
        connection.timeout = _left(deadline)
        if connection.sock is None:
            connection.connect()
        connection.sock.settimeout(_left(deadline))
        address = _address(self._source.url)
        target = f"{address.path.rstrip('/') if address else ''}{path}"
        headers = self._headers()
        if self._method == "GET":
            connection.request("GET", f"{target}?{query}", headers=headers)
        else:
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            connection.request("POST", target, body=query, headers=headers | form)
        with connection.getresponse() as response:
            pieces, size = [], 0
            # Each wait gets what is left, so that an answer in drops meets the deadline too.
            while piece := self._piece(connection, response, deadline):
                pieces.append(piece)
                size += len(piece)
                if size > _BIGGEST:
                    raise http.client.HTTPException(f"its answer is longer than {_BIGGEST >> 20} MiB")
            if response.length:
                raise http.client.HTTPException("its answer was cut off")
            return _Reply(response.status, response.headers.get("Content-Type", ""), b"".join(pieces))

    @staticmethod
    def _piece(connection: http.client.HTTPConnection, response: http.client.HTTPResponse, deadline: float) -> bytes:
        left = _left(deadline)
        if connection.sock is not None:  # gone where the server closes after this answer, which is read all the same
            connection.sock.settimeout(left)
        return response.read1(_PIECE)

    def _headers(self) -> dict[str, str]:
        if not self._source.basic_user:
            return {}
        login = f"{self._source.basic_user}:{self._source.basic_password}".encode()
        return {"Authorization": f"Basic {base64.b64encode(login).decode()}"}

    def _connection(self) -> tuple[http.client.HTTPConnection, bool]:
        with self._lock:
            if self._idle:
                return self._idle.pop(), False
        address = _address(self._source.url)
        if address is None:
            raise ValueError(
                f"its url is {self._source.url!r}, not http://HOST:PORT" if self._source.url else "it has no url"
            )
        if address.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(str(address.hostname), address.port, context=context), True
        return http.client.HTTPConnection(str(address.hostname), address.port), True

    def _keep(self, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            if connection.sock is not None and len(self._idle) < self._room:
                self._idle.append(connection)
                return
        connection.close()


def _address(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and (parts.port or 80)
    except ValueError:
        return None
    return parts if usable else None


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
