"""The command line, each option with the environment name that Grafana's own image uses as its default."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

__all__ = ["ServerOptions", "ServerUsageError", "read_options"]

PROGRAM = "python -m acceptance.world.grafana"


class ServerUsageError(Exception):
    """An option is missing or wrong; the text is one sentence that says which and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """How to serve."""

    host: str
    port: int  # 0: any free one; the log names it
    provisioning: Path  # folder with datasources/ and dashboards/
    user: str  # the administrator's name
    password: str = field(repr=False)
    data: Path | None  # folder where service-account tokens are kept; None: in memory


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ServerUsageError(f"{PROGRAM}: {message}")


def read_options(argv: Sequence[str], environ: Mapping[str, str]) -> ServerOptions:
    """Read options and environment.

    Raises:
        UsageError: Something is missing or cannot be used.
    """
    parser = _Parser(
        prog=PROGRAM,
        description="A stand-in for Grafana: reads the same provisioning files and asks the real Prometheus.",
        allow_abbrev=False,
    )
    parser.add_argument("--host", help="address to bind (GF_SERVER_HTTP_ADDR; 127.0.0.1)")
    parser.add_argument("--port", help="port to bind (GF_SERVER_HTTP_PORT; 3000)")
    parser.add_argument("--provisioning", metavar="DIR", help="provisioning folder (GF_PATHS_PROVISIONING)")
    parser.add_argument("--user", help="the administrator's name (GF_SECURITY_ADMIN_USER; admin)")
    parser.add_argument("--password-file", metavar="FILE", help="their password (GF_SECURITY_ADMIN_PASSWORD__FILE)")
    parser.add_argument("--data", metavar="DIR", help="where tokens are kept (GF_PATHS_DATA; in memory)")
    given = vars(parser.parse_args(argv))

    def value(option: str, name: str, default: str = "") -> str:
        return str(given[option] if given[option] is not None else environ.get(name) or default)

    data = value("data", "GF_PATHS_DATA")
    return ServerOptions(
        host=value("host", "GF_SERVER_HTTP_ADDR", "127.0.0.1"),
        port=_port(value("port", "GF_SERVER_HTTP_PORT", "3000")),
        provisioning=_folder(value("provisioning", "GF_PATHS_PROVISIONING")),
        user=value("user", "GF_SECURITY_ADMIN_USER", "admin"),
        password=_password(value("password_file", "GF_SECURITY_ADMIN_PASSWORD__FILE")),
        data=Path(data) if data else None,
    )


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise ServerUsageError(f"{PROGRAM}: --port (GF_SERVER_HTTP_PORT) is {text!r}; give a number from 0 to 65535")
    return int(text)


def _folder(text: str) -> Path:
    wanted = "--provisioning (GF_PATHS_PROVISIONING)"
    if not text:
        raise ServerUsageError(
            f"{PROGRAM}: {wanted} is missing; name the folder that holds datasources/ and dashboards/"
        )
    if not Path(text).is_dir():
        raise ServerUsageError(f"{PROGRAM}: {wanted} is {text!r}, which is no folder; name the one with datasources/")
    return Path(text)


def _password(text: str) -> str:
    wanted = "--password-file (GF_SECURITY_ADMIN_PASSWORD__FILE)"
    if not text:
        raise ServerUsageError(
            f"{PROGRAM}: {wanted} is missing; there is no default password: name a file that holds one"
        )
    try:
        password = Path(text).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        reason = type(error).__name__
        raise ServerUsageError(
            f"{PROGRAM}: {wanted} {text!r} cannot be read ({reason}); name a file that can"
        ) from error
    if not password:
        raise ServerUsageError(f"{PROGRAM}: {wanted} {text!r} is empty; put the administrator's password in it")
    return password
