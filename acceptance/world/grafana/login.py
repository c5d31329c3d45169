"""Who asks: by basic authentication, by token, or by the cookie of a login."""

from __future__ import annotations

import base64
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie

from acceptance.world.grafana.accounts import Accounts

__all__ = ["COOKIE", "Identity", "Login", "LoginRefusedError"]

COOKIE = "grafana_session"
_TOKEN_USER = "api_key"  # noqa: S105 - the user whose password is a token, in basic authentication
_LIFETIME = 7 * 86_400.0  # seconds without a request: Grafana's own
_MOST_SESSIONS = 1000


class LoginRefusedError(Exception):
    """A login was given and is wrong; the text is what Grafana says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Somebody who is logged in."""

    name: str
    role: str  # Viewer, Editor or Admin
    by_cookie: bool = False

    @property
    def is_admin(self) -> bool:
        """Whether this is an administrator."""
        return self.role == "Admin"


class Login:
    """Checks logins and keeps sessions, in memory; may be used from several threads at once."""

    def __init__(
        self, user: str, password: str, accounts: Accounts, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._user = user
        self._password = password
        self._accounts = accounts
        self._clock = clock
        self._sessions: dict[str, float] = {}  # cookie -> when it was last seen
        self._lock = threading.Lock()

    def who(self, headers: Mapping[str, str]) -> Identity | None:
        """Tell who sent these headers; None for nobody.

        Raises:
            LoginRefusedError: They hold a password or token that is wrong.
        """
        kind, _, value = headers.get("Authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return self._by_token(value.strip())
        if kind.lower() == "basic":
            return self._by_password(value.strip())
        if self._seen(session_of(headers.get("Cookie", ""))):
            return Identity(name=self._user, role="Admin", by_cookie=True)
        return None

    def right(self, user: str, password: str) -> bool:
        """Say whether this is the administrator's login, in a time that does not tell how much of it is right."""
        same_user = secrets.compare_digest(_bytes(user), _bytes(self._user))
        return secrets.compare_digest(_bytes(password), _bytes(self._password)) and same_user

    def begin(self) -> str:
        """Begin a session; give its cookie's value."""
        value = secrets.token_urlsafe(32)
        with self._lock:
            while len(self._sessions) >= _MOST_SESSIONS:
                del self._sessions[min(self._sessions, key=self._sessions.__getitem__)]
            self._sessions[value] = self._clock()
        return value

    def end(self, cookie: str) -> None:
        """End the session of a ``Cookie`` header."""
        with self._lock:
            self._sessions.pop(session_of(cookie), None)

    def _seen(self, value: str) -> bool:
        now = self._clock()
        with self._lock:
            if value not in self._sessions or now - self._sessions[value] > _LIFETIME:
                self._sessions.pop(value, None)
                return False
            self._sessions[value] = now
            return True

    def _by_token(self, token: str) -> Identity:
        account = self._accounts.of_token(token)
        if account is None:
            raise LoginRefusedError("invalid API key")
        return Identity(name=account.name, role=account.role)

    def _by_password(self, encoded: str) -> Identity:
        try:
            user, colon, password = base64.b64decode(encoded, validate=True).decode("utf-8").partition(":")
        except ValueError:
            user, colon, password = "", "", ""
        if colon and user == _TOKEN_USER:
            return self._by_token(password)
        if not colon or not self.right(user, password):
            raise LoginRefusedError("invalid username or password")
        return Identity(name=user, role="Admin")


def session_of(cookie: str) -> str:
    """Give the session in a ``Cookie`` header; "" where there is none."""
    try:
        found = SimpleCookie(cookie).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
