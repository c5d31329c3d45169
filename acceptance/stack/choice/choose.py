"""Chooses the stack that the suite runs on, opens it, and closes it again."""

from __future__ import annotations

import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from acceptance.probes.transport import TOKEN_USER, Login, without_userinfo
from acceptance.stack.binaries.progress import Progress
from acceptance.stack.compose.images.choose import Mode
from acceptance.stack.compose.stack import ComposeStack
from acceptance.stack.docker import docker_cli
from acceptance.stack.embedded.lent import LentStack
from acceptance.stack.embedded.stack import EmbeddedStack
from acceptance.stack.external import ExternalStack
from acceptance.stack.interface import GrafanaChoice, Stack, StackError, Urls

Choice = Literal["auto", "compose", "embedded", "external", "lent"]
CHOICES: tuple[Choice, ...] = ("auto", "compose", "embedded", "external", "lent")


@dataclass(frozen=True, slots=True, kw_only=True)
class StackChoice:
    """What the command line asks for."""

    choice: Choice = "auto"
    images: Mode = "auto"
    grafana: GrafanaChoice = "auto"
    keep: bool = False
    prometheus_url: str | None = None
    grafana_url: str | None = None
    node_exporter_url: str = "http://127.0.0.1:9101"
    textfile_dir: Path | None = None
    grafana_login: Path | None = None  # file: a token alone, or lines user=... and password=...
    prometheus_login: Path | None = None  # the same, where Prometheus asks for one
    ca: Path | None = None  # file with certificates
    lent_stack: Path | None = None  # file that the lender of a stack has written


@contextmanager
def open_stack(
    wanted: StackChoice,
    *,
    project: Path,
    tell: Callable[[str], object],
    progress: Progress | None = None,
    failed: Callable[[Stack, StackError], object] = lambda *_: None,
) -> Iterator[Stack]:
    """Start a stack, hand it over, stop it.

    Args:
        wanted: What was asked for; what cannot be started is an error, never a skip.
        project: The checkout.
        tell: Is given a line about what was chosen and about each slow step.
        progress: Shows what is chosen and made for the embedded stack; on standard error by default.
        failed: Is given a stack that did not start, and why, before the error goes on.

    Raises:
        StackError: It cannot be started.
    """
    stack = _make(wanted, project, tell, progress)
    try:
        stack.start()
    except StackError as error:
        failed(stack, error)
        raise
    try:
        yield stack
    finally:
        if wanted.keep:
            reached = " and ".join(map(without_userinfo, (stack.urls.prometheus, stack.urls.grafana)))
            tell(f"left running: {reached}; to end it: {stack.keep()}")
        else:
            stack.stop()


def _make(wanted: StackChoice, project: Path, tell: Callable[[str], object], progress: Progress | None) -> Stack:
    match wanted.choice:
        case "embedded":
            return EmbeddedStack(grafana=wanted.grafana, progress=progress)
        case "compose":
            return ComposeStack(images=wanted.images, grafana=wanted.grafana, tell=tell)
        case "external":
            return _external(wanted, project)
        case "lent":
            if wanted.lent_stack is None:
                raise StackError("--stack lent needs --lent-stack too")
            return LentStack(wanted.lent_stack, project=project)
        case "auto":
            trouble = docker_cli.why_unusable()
            tell("stack: compose, since Docker answers" if trouble is None else f"stack: embedded, since {trouble}")
            if trouble is not None:
                return EmbeddedStack(grafana=wanted.grafana, progress=progress)
            return ComposeStack(images=wanted.images, grafana=wanted.grafana, tell=tell)


def _external(wanted: StackChoice, project: Path) -> ExternalStack:
    needed = {
        "--prometheus-url": wanted.prometheus_url,
        "--grafana-url": wanted.grafana_url,
        "--textfile-dir": wanted.textfile_dir,
        "--grafana-login": wanted.grafana_login,
    }
    missing = [option for option, value in needed.items() if not value]
    if missing:
        raise StackError(f"--stack external needs {', '.join(missing)} too")
    return ExternalStack(
        urls=Urls(
            prometheus=_address("--prometheus-url", str(wanted.prometheus_url)),
            grafana=_address("--grafana-url", str(wanted.grafana_url)),
            node_exporter=_address("--node-exporter-url", wanted.node_exporter_url),
            engine=None,
            prometheus_auth=None
            if wanted.prometheus_login is None
            else read_login(wanted.prometheus_login, option="--prometheus-login"),
            ca=None if wanted.ca is None else _certificates(wanted.ca),
        ),
        textfile_dir=Path(str(wanted.textfile_dir)).absolute(),
        grafana_auth=read_login(Path(str(wanted.grafana_login))),
        wanted=wanted.grafana,
        project=project,
    )


def _address(option: str, given: str) -> str:
    try:
        parts = urlsplit(given)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, or half an IPv6 address
        usable = False
    if not usable:
        # What was given is not repeated: it may hold a password.
        raise StackError(f"{option} is no address of the form http://HOST:PORT")
    return given.rstrip("/")


def _certificates(path: Path) -> Path:
    try:
        ssl.create_default_context(cafile=path)
    except OSError as error:  # an SSLError is one
        why = error.strerror if not isinstance(error, ssl.SSLError) else "it holds no certificate in PEM"
        raise StackError(f"--ca {path}: cannot be used: {why}") from error
    return path.absolute()


def read_login(path: Path, *, option: str = "--grafana-login") -> Login:
    """Read a login file: `user=` and `password=` lines, or a service-account token alone (a Viewer's is enough).

    Args:
        path: the file.
        option: that named it.

    Returns:
        User and password; for a token, `TOKEN_USER` and the token.

    Raises:
        StackError: It cannot be read, or holds neither; its content is not repeated.
    """
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StackError(f"{option} {path}: cannot be read ({type(error).__name__})") from error
    lines = (line.partition("=") for line in text.splitlines())
    values = {key.strip(): value.strip() for key, _, value in lines if key.strip() in {"user", "password"}}
    if values.get("user") and values.get("password"):
        return values["user"], values["password"]
    if not values and len(text.split()) == 1:  # a token's own end may be `=`
        return TOKEN_USER, text
    raise StackError(f"{option} {path}: holds neither user= and password= lines nor one token")


def say(line: str) -> None:
    """Write a line to standard error."""
    if sys.__stderr__ is not None:  # a process without a console has none
        sys.__stderr__.write(f"{line}\n")
