"""The one place where probes speak HTTP: each failure becomes a ``ProbeError`` in a clear sentence."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit, urlunsplit

import requests

from acceptance.probes.errors import AnswerFormatError, HttpStatusError, NoAnswerError, UnreachableError

__all__ = ["BODY_HEAD", "TOKEN_USER", "HttpProbe", "Login", "ProbeClient", "without_userinfo"]

BODY_HEAD = 300  # characters of an answer that a message quotes

TOKEN_USER: Final = "api_key"  # noqa: S105 -- the user of a login that is a token: Grafana takes one so, in basic authentication
Login = tuple[str, str]  # user and password, or `TOKEN_USER` and a token
_CA_VARIABLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")  # as of requests

Params = Mapping[str, str | Sequence[str]]


def without_userinfo(url: str) -> str:
    """Give ``url`` without ``user:password@``, which must not reach a message."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


class HttpProbe:
    """A server's base address with a session, a timeout and the secrets that must not be repeated.

    Proxies and ``.netrc`` of the environment are not used: a probe speaks to exactly the address it is given. Whose
    certificates are trusted is told by ``ca``, else by ``REQUESTS_CA_BUNDLE``; that check cannot be switched off.
    """

    def __init__(
        self,
        base_url: str,
        *,
        service: str,
        session: requests.Session | None = None,
        timeout: float = 10.0,
        auth: Login | None = None,
        token: str | None = None,
        ca: Path | None = None,
    ) -> None:
        """Remember where and how to ask; nothing is sent yet.

        Args:
            base_url: Scheme, host, port and perhaps a path; a slash at its end does not matter.
            service: What messages call the server, e.g. ``Prometheus``.
            session: A session to share; without it the probe makes its own, and ``close`` closes it.
            timeout: Seconds for connecting and, again, for every wait on the answer.
            auth: User and password for HTTP basic authentication.
            token: Sent as a bearer token, instead of ``auth``.
            ca: File with the certificates that are trusted, instead of the usual ones.
        """
        self.base_url = base_url.rstrip("/")
        self.service = service
        self.timeout = timeout
        self._owns_session = session is None
        self._session = session if session is not None else requests.Session()
        if self._owns_session:
            self._session.trust_env = False
            named = (os.environ[name] for name in _CA_VARIABLES if os.environ.get(name))
            self._session.verify = str(ca) if ca is not None else next(named, True)
        self._auth = auth
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        password = urlsplit(base_url).password
        known = (auth[1] if auth else None, token, password)
        self._secrets = tuple(sorted((s for s in known if s), key=len, reverse=True))

    def close(self) -> None:
        """Close the session, if this probe made it."""
        if self._owns_session:
            self._session.close()

    def redact(self, text: str) -> str:
        """Strike every known secret out of ``text``."""
        for secret in self._secrets:
            text = text.replace(secret, "[redacted]")
        return text

    def head(self, response: requests.Response) -> str:
        """Give the first characters of an answer, on one line and without secrets."""
        # Redact first: a secret cut in two by the limit would not be recognised any more.
        text = " ".join(self.redact(response.text).split())
        return text if len(text) <= BODY_HEAD else f"{text[:BODY_HEAD]}..."

    def send(
        self, method: str, path: str, *, params: Params | None = None, body: Any = None
    ) -> tuple[requests.Response, str]:
        """Send one request and give the answer, whatever its status, with what was asked.

        Args:
            method: ``GET`` or ``POST``.
            path: From the base address on, with its first slash.
            params: Query parameters.
            body: Sent as JSON where it is not None.

        Returns:
            The answer and ``METHOD url`` as sent, without secrets.

        Raises:
            UnreachableError: Connection refused, name unknown, connection lost.
            NoAnswerError: Timeout.
        """
        request = requests.Request(
            method, f"{self.base_url}{path}", params=params, json=body, auth=self._auth, headers=self._headers
        )
        prepared = self._session.prepare_request(request)
        asked = f"{method} {self.redact(without_userinfo(prepared.url or ''))}"
        try:
            response = self._session.send(prepared, timeout=self.timeout, allow_redirects=False)
        except requests.Timeout as error:
            raise NoAnswerError(
                f"{self.service} gave no answer within {self.timeout:g} s to {asked}", asked=asked
            ) from error
        except OSError as error:  # as all of requests are, and a file of certificates that is missing
            reason = self.redact(_root_cause(error))
            if isinstance(error, requests.exceptions.SSLError):
                reason += "; the CA of your own network is named by --ca FILE or REQUESTS_CA_BUNDLE"
            where = without_userinfo(self.base_url)
            raise UnreachableError(
                f"{self.service} cannot be reached at {where} ({reason}); asked {asked}",
                asked=asked,
            ) from error
        return response, asked

    def json(self, response: requests.Response, asked: str) -> Any:
        """Read an answer as JSON.

        Raises:
            AnswerFormatError: It is HTML, cut off, or otherwise no JSON.
        """
        try:
            return response.json()
        except requests.JSONDecodeError as error:
            head = self.head(response)
            kind = response.headers.get("Content-Type", "no content type")
            raise AnswerFormatError(
                f"{self.service} answered HTTP {response.status_code} with something that is not JSON "
                f"({kind}) to {asked}: {head}",
                asked=asked,
                status=response.status_code,
                body_head=head,
            ) from error

    def fail_unless_ok(self, response: requests.Response, asked: str) -> None:
        """Raise ``HttpStatusError`` for a status that is not 2xx; a redirect is not followed and is one."""
        if response.status_code // 100 == 2:
            return
        head = self.head(response)
        hint = {
            401: " (the login was refused)",
            403: " (this login may not do that)",
            404: " (no such thing there)",
        }.get(response.status_code, "")
        raise HttpStatusError(
            f"{self.service} answered HTTP {response.status_code}{hint} to {asked}: {head or 'empty answer'}",
            asked=asked,
            status=response.status_code,
            body_head=head,
        )

    def get_json(self, path: str, *, params: Params | None = None) -> tuple[Any, str]:
        """GET a path and give its JSON with what was asked; raises any ``ProbeError`` but ``QueryError``."""
        response, asked = self.send("GET", path, params=params)
        self.fail_unless_ok(response, asked)
        return self.json(response, asked), asked


def _root_cause(error: OSError) -> str:
    """Give the innermost reason in words, since requests wraps it three times over.

    The outer texts repeat the address with its parameters, so only the innermost is quoted.
    """
    cause: BaseException = error
    while (inner := getattr(cause, "reason", None) or cause.__cause__ or cause.__context__) is not None:
        if not isinstance(inner, BaseException):
            break
        cause = inner
    return f"{type(cause).__name__}: {cause}" if str(cause) else type(cause).__name__


class ProbeClient:
    """What the clients of one server share: a context manager that closes its session, if the client made it."""

    def __init__(self, http: HttpProbe) -> None:
        self._http = http

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close the session, if this client made it."""
        self._http.close()
