"""What this machine's own settings put between us and the internet: the proxy and the CA bundle in the environment.

requests takes both from variables and, where one is wrong, fails in words that name neither.
"""

from __future__ import annotations

import os
import re
import ssl
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from preflight.message import message

_CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")  # the first that is set counts: requests' own order
_HASHED = re.compile(r"[0-9a-f]{8}\.\d+")  # names under which OpenSSL finds certificates in a directory
# The part of a proxy's address that cannot be a login, however it is misspelled.
_SHOWN = re.compile(
    r"(\s*[A-Za-z][A-Za-z0-9+.-]*:/{1,3})?(?:.*@)?(\[[0-9A-Fa-f:.]*\]?|[^:/@\s]*)(:\d{1,5}(?!\w))?(.*)", re.DOTALL
)
_SCHEMES = frozenset({"http", "https", "socks4", "socks4a", "socks5", "socks5h"})
_MAX_SHOWN = 100


class WayOutError(Exception):
    """A setting of this machine keeps every request from leaving; its text is one sentence without a password."""


def why_no_way_out(url: str) -> str | None:
    """Return which variable keeps a request from leaving, what it holds, and what to do; None where none does.

    Args:
        url: That was to be asked, and was not reached. Looked at is what requests itself takes from `os.environ`.
    """
    return _why_no_proxy(url) or (_why_no_bundle() if urlsplit(url).scheme == "https" else None)


def _why_no_proxy(url: str) -> str | None:
    from requests.utils import get_environ_proxies, select_proxy  # noqa: PLC0415 - loaded already by whoever asked
    from urllib3.exceptions import LocationParseError  # noqa: PLC0415
    from urllib3.util import parse_url  # noqa: PLC0415

    proxy = select_proxy(url, get_environ_proxies(url))
    if not proxy:
        return None
    name = _variable(urlsplit(url).scheme, proxy)
    try:
        parts = parse_url(proxy if "://" in proxy else f"http://{proxy}")
    except LocationParseError:
        parts = None
    if parts is None or not parts.host or parts.scheme not in _SCHEMES:
        return message(
            "{name} is not the address of a proxy ({proxy}): write http://host:port, or unset it",
            name=name,
            proxy=_shown(proxy),
        )
    if parts.scheme.startswith("socks") and find_spec("socks") is None:
        return message(
            "{name} names a SOCKS proxy ({proxy}), which takes a library that is not installed: "
            "pip install PySocks, or name an HTTP proxy",
            name=name,
            proxy=_shown(proxy),
        )
    return None


def _variable(scheme: str, proxy: str) -> str:
    names = (f"{scheme}_proxy", f"{scheme}_proxy".upper(), "all_proxy", "ALL_PROXY")
    return next((name for name in names if os.environ.get(name) == proxy), names[0])


def _shown(proxy: str) -> str:
    """Return a proxy's address without its login; of a misspelled one only what can be no password."""
    found = _SHOWN.fullmatch(proxy)
    if found is None:
        return "..."
    scheme, host, port, rest = (part or "" for part in found.groups())
    return f"{scheme}{host}{port}{'...' if rest.strip('/') else ''}"[:_MAX_SHOWN]


def _why_no_bundle() -> str | None:
    name = next((name for name in _CA_VARIABLES if os.environ.get(name)), None)
    if name is None:
        return None
    path = Path(os.environ[name])
    try:
        if path.is_dir():
            good = any(_HASHED.fullmatch(each.name) for each in path.iterdir())
            why = None if good else message("is a directory without hashed certificates (openssl rehash makes them)")
        else:
            ssl.create_default_context(cafile=path)
            why = None
    except ssl.SSLError:
        why = message("holds no certificate")
    except OSError as e:
        why = message("cannot be read ({strerror})", strerror=e.strerror)
    return (
        None
        if why is None
        else message(
            "{name} names {path}, which {why}: name a file of CA certificates, or unset it",
            name=name,
            path=path,
            why=why,
        )
    )
