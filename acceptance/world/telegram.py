"""A stand-in for the Telegram Bot API: keeps the chat, and fails in the ways that Telegram and networks do.

It answers `getMe`, `getChat`, `getChatMember`, `sendChatAction` and `sendMessage`. It
listens on 127.0.0.1 in the process of the tests,
which read the chat and order faults directly; on compose a relay leads there (docs/compose.md).
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import unquote

from acceptance.world.telegram_html import parse_html

LIMIT = 4096  # UTF-16 units of a message, tags left out
_HOLD_SECONDS = 30.0  # longer than any client waits

FAULTS = (
    "429",  # with `retry_after`
    "400",  # the formatting is refused; a message without parse_mode is not
    "400-any",  # any message is refused
    "401",
    "403",
    "404",
    "500",
    "504-after",  # accepted, but the gateway in between had no answer
    "302",
    "timeout-before",  # not accepted, no answer
    "timeout-after",  # accepted, no answer
    "drop-before",  # not accepted, connection closed
    "drop-after",  # accepted, connection closed
    "garbage",  # not accepted, 200 with a page
    "drip",  # not accepted, a header now and then
)

_SILENT = frozenset({"timeout-before", "timeout-after", "drop-before", "drop-after", "drip"})


@dataclass
class ChatState:
    """What the stand-in knows; guarded by its lock."""

    token: str
    chat_id: str
    kind: dict[str, Any] = field(default_factory=lambda: {"type": "group", "title": "stand-in chat"})  # of the chat
    member: dict[str, Any] = field(default_factory=lambda: {"status": "member"})  # what the bot is there
    closed_topics: bool = False  # whether messages to topics are refused, though `sendChatAction` is not
    migrated_to: int | None = None  # the id under which the group goes on as a supergroup
    chat: list[dict[str, Any]] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    faults: deque[dict[str, Any]] = field(default_factory=deque)
    lock: threading.Lock = field(default_factory=threading.Lock)
    over: threading.Event = field(default_factory=threading.Event)

    def reset(self) -> None:
        """Forget everything."""
        with self.lock:
            self.chat.clear()
            self.requests.clear()
            self.faults.clear()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class calls it so
        """Say nothing: the path holds the token."""

    def do_POST(self) -> None:
        """The Bot API."""
        state = self.server.state
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        match = re.fullmatch(r"/bot([^/]+)/(\w+)", self.path)
        try:
            params = json.loads(body or b"{}")
        except ValueError:
            params = {}
        method = match[2] if match is not None else "?"
        with state.lock:
            fault = self._fault(method)
            note = {"method": method, "fault": fault.get("kind", ""), "at": time.time(), "status": None}
            state.requests.append(note)
        if match is None or unquote(match[1]) != state.token:
            self._refuse(note, 401 if match is not None else 404, "Unauthorized")
        elif fault:
            self._fail(note, fault, params)
        elif method == "getMe":
            self._accept(note, {"id": 1, "is_bot": True, "first_name": "stand-in", "username": "standin_bot"})
        else:
            self._about_chat(note, method, params)

    def _about_chat(self, note: dict[str, Any], method: str, params: dict[str, Any]) -> None:
        state = self.server.state
        if str(params.get("chat_id")) != state.chat_id:
            self._refuse(note, 400, "Bad Request: chat not found")
        elif state.migrated_to is not None:
            said = "Bad Request: group chat was upgraded to a supergroup chat"
            self._refuse(note, 400, said, parameters={"migrate_to_chat_id": state.migrated_to})
        elif method == "getChat":
            self._accept(note, {"id": params["chat_id"], **state.kind})
        elif method == "getChatMember":
            self._accept(note, {"user": {"id": params.get("user_id"), "is_bot": True}, **state.member})
        elif method == "sendChatAction":
            self._accept(note, {"done": True})
        elif method == "sendMessage":
            self._message(note, params)
        else:
            self._refuse(note, 404, "Not Found: method not found")

    def _fault(self, method: str) -> dict[str, Any]:
        """Take the next fault, if it is for this method."""
        faults = self.server.state.faults
        if not faults or method not in faults[0].get("methods", ["sendMessage"]):
            return {}
        if faults[0].get("times", 1) > 1:
            faults[0]["times"] -= 1
            return dict(faults[0])
        return faults.popleft()

    def _fail(self, note: dict[str, Any], fault: dict[str, Any], params: dict[str, Any]) -> None:
        kind = fault["kind"]
        if kind in _SILENT:
            self._be_silent(kind, params)
        elif kind == "429":
            after = fault.get("retry_after", 1)
            self._refuse(note, 429, f"Too Many Requests: retry after {after}", parameters={"retry_after": after})
        elif kind == "400" and "parse_mode" not in params:
            self._message(note, params)
        elif kind == "302":
            self._write(note, 302, b"", [("Location", "http://127.0.0.1:9/")])
        elif kind == "garbage":
            self._write(note, 200, b"<html>it works</html>", [("Content-Type", "text/html")])
        else:
            if kind.endswith("-after"):
                self._keep(params)
            # The description repeats the path, as a careless proxy's would: the client has to clean it.
            said = "can't parse entities" if kind == "400" else f"refused: {self.path}"
            self._refuse(note, int(kind[:3]), said)

    def _be_silent(self, kind: str, params: dict[str, Any]) -> None:
        """Give no answer; whether the message was accepted is in the name of the fault."""
        if kind.endswith("-after"):
            self._keep(params)
        if kind == "drip":
            self._drip()
        if not kind.startswith("drop"):
            self.server.state.over.wait(_HOLD_SECONDS)
        self.close_connection = True

    def _drip(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        number = 0
        while not self.server.state.over.wait(0.2) and number < _HOLD_SECONDS * 5:
            number += 1
            try:
                self.wfile.write(f"X-{number}: drip\r\n".encode())
                self.wfile.flush()
            except OSError:
                return

    def _message(self, note: dict[str, Any], params: dict[str, Any]) -> None:
        text = str(params.get("text", ""))
        if params.get("parse_mode") == "HTML":
            plain = parse_html(text)
            if plain is None:
                self._refuse(note, 400, "Bad Request: can't parse entities")
                return
        else:
            plain = text
        if not plain.strip():
            self._refuse(note, 400, "Bad Request: message text is empty")
        elif len(plain.encode("utf-16-le")) // 2 > LIMIT:
            self._refuse(note, 400, "Bad Request: message is too long")
        elif self.server.state.closed_topics:
            self._refuse(note, 400, "Bad Request: TOPIC_CLOSED")
        else:
            number = self._keep(params)
            chat = {"id": params["chat_id"], **self.server.state.kind}
            self._accept(note, {"message_id": number, "date": int(time.time()), "chat": chat, "text": plain})

    def _keep(self, params: dict[str, Any]) -> int:
        state = self.server.state
        with state.lock:
            number = len(state.chat) + 1
            state.chat.append(
                {
                    "message_id": number,
                    "at": time.time(),
                    "parse_mode": params.get("parse_mode"),
                    "text": params.get("text"),
                    "message_thread_id": params.get("message_thread_id"),
                }
            )
        return number

    def _accept(self, note: dict[str, Any], result: Any) -> None:
        note["status"] = 200
        self._answer(200, {"ok": True, "result": result})

    def _refuse(self, note: dict[str, Any], status: int, description: str, **more: Any) -> None:
        note["status"] = status
        self._answer(status, {"ok": False, "error_code": status, "description": description, **more})

    def _answer(self, status: int, document: Any) -> None:
        self._write({}, status, json.dumps(document).encode(), [("Content-Type", "application/json")])

    def _write(self, note: dict[str, Any], status: int, body: bytes, headers: list[tuple[str, str]]) -> None:
        note["status"] = status
        try:
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:  # the client has gone
            self.close_connection = True


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    state: ChatState

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that goes away is what these tests are about."""


class TelegramStandin:
    """The server on a thread of this process. Use it as a context manager."""

    def __init__(self, *, token: str, chat_id: str, host: str = "127.0.0.1", port: int = 0) -> None:
        self.state = ChatState(token=token, chat_id=chat_id)
        self._server = _Server((host, port), _Handler)
        self._server.state = self.state
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it answers."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    @property
    def texts(self) -> list[str]:
        """What is in the chat, oldest first."""
        with self.state.lock:
            return [message["text"] for message in self.state.chat]

    @property
    def asked(self) -> list[str]:
        """The methods that were asked for, oldest first."""
        with self.state.lock:
            return [request["method"] for request in self.state.requests]

    def fault(self, kind: str, times: int = 1, **more: Any) -> None:
        """Let the next messages fail."""
        with self.state.lock:
            self.state.faults.append({"kind": kind, "times": times, **more})

    @contextmanager
    def outage(self, kind: str = "500", **more: Any) -> Iterator[None]:
        """Let every message fail meanwhile."""
        self.fault(kind, times=10**6, **more)
        try:
            yield
        finally:
            with self.state.lock:
                self.state.faults.clear()

    def met(self, kind: str) -> int:
        """Count how often a fault was met."""
        with self.state.lock:
            return sum(request["fault"] == kind for request in self.state.requests)

    def stop(self) -> None:
        """End it."""
        self.state.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def __enter__(self) -> Self:
        """It is running already."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self.stop()
