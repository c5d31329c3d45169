"""An embedded stack that another process runs and lends: `make sabotage` starts one for all its runs.

The lender answers one question per connection to a unix socket, as JSON: `{"do": "stop_service", "with": ["redis"]}`.
Preflight is run here, from this checkout: it is what a sabotaged copy has broken.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from multiprocessing.connection import Client, Listener
from pathlib import Path
from threading import Thread
from typing import Any

from acceptance.stack.embedded.context import write_private
from acceptance.stack.embedded.stack import EmbeddedStack
from acceptance.stack.embedded.supervisor.client import CODE
from acceptance.stack.interface import PreflightRun, ServiceState, StackError, Urls
from acceptance.stack.run_preflight import invoke
from evidence.grafana import GrafanaKind, GrafanaUsed

_VERBS = ("stop_service", "start_service", "pause_service", "resume_service", "logs", "services")


class Lender:
    """Lends a running embedded stack to processes of this user, until it is closed."""

    def __init__(self, stack: EmbeddedStack, folder: Path) -> None:
        """Listen.

        Args:
            stack: A running one.
            folder: Private to this user; takes the socket and the file that a borrower is given.
        """
        self._stack = stack
        key = stack.secrets[0].encode()
        self._listener = Listener(str(folder / "stack.sock"), family="AF_UNIX", authkey=key)
        self._thread = Thread(target=self._serve, daemon=True)
        used = stack.grafana
        self.file = write_private(
            folder / "stack.json",
            json.dumps(
                {
                    "socket": str(folder / "stack.sock"),
                    "key": stack.secrets[0],
                    "urls": asdict(stack.urls),
                    "ports": stack.ports,
                    "grafana_auth": stack.grafana_auth,
                    "grafana": None if used is None else {"kind": used.kind.value, "version": used.version},
                    "secrets": stack.secrets,
                    "settings": stack.settings(),
                    "versions": stack.versions(),
                }
            ),
        )
        self._thread.start()

    def close(self) -> None:
        """Stop lending; the stack goes on."""
        with _connected(str(self._listener.address), self._stack.secrets[0]) as connection:
            connection.send_bytes(b"null")
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection = self._listener.accept()
            except Exception:  # noqa: BLE001, S112 - a borrower that was killed while it said who it is
                continue
            with connection:
                try:
                    asked = json.loads(connection.recv_bytes())
                    if asked is None:
                        return
                    connection.send_bytes(json.dumps(self._answer(asked)).encode())
                except (OSError, EOFError):  # the borrower was killed meanwhile
                    continue

    def _answer(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        if asked["do"] not in _VERBS:
            return {"error": f"a lent stack does not {asked['do']}", "service": ""}
        verb: Callable[..., Any] = getattr(self._stack, asked["do"])
        try:
            answer = verb(*asked["with"])
        except StackError as error:
            return {"error": str(error), "service": error.service}
        return {"answer": [asdict(each) for each in answer] if asked["do"] == "services" else answer}


class LentStack:
    """The borrower's side: the stack as the tests know it."""

    name = "embedded"

    def __init__(self, file: Path, *, project: Path) -> None:
        """Read where it is.

        Args:
            file: What `Lender.file` names.
            project: Folder in which preflight runs.

        Raises:
            StackError: The file cannot be read.
        """
        try:
            self._told: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise StackError(f"--lent-stack {file}: cannot be read ({type(error).__name__})") from error
        self._project = project

    def start(self) -> None:
        """Make sure that it is there.

        Raises:
            StackError: The lender does not answer.
        """
        self._ask("services")

    def stop(self) -> None:
        """Do nothing: it is the lender's."""

    def keep(self) -> str:
        """Say that there is nothing to stop."""
        return "nothing to do, it is the lender's"

    @property
    def urls(self) -> Urls:
        """Where the servers answer."""
        return Urls(**self._told["urls"])

    @property
    def ports(self) -> Mapping[str, int]:
        """Service name -> port on 127.0.0.1."""
        ports: dict[str, int] = self._told["ports"]
        return ports

    @property
    def grafana_auth(self) -> tuple[str, str]:
        """User and password of Grafana's administrator."""
        user, password = self._told["grafana_auth"]
        return user, password

    @property
    def grafana(self) -> GrafanaUsed | None:
        """Which Grafana it runs."""
        used = self._told["grafana"]
        return None if used is None else GrafanaUsed(kind=GrafanaKind(used["kind"]), version=used["version"])

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret value of the stack."""
        return tuple(self._told["secrets"])

    def versions(self) -> dict[str, dict[str, str]]:
        """Service name -> version and where the program came from."""
        versions: dict[str, dict[str, str]] = self._told["versions"]
        return versions

    def run_preflight(self, *args: str, env: Mapping[str, str] | None = None) -> PreflightRun:
        """Run this checkout's preflight against the stack."""
        return invoke(args, self._told["settings"], project=self._project, code=CODE, extra=env or {})

    def services(self) -> tuple[ServiceState, ...]:
        """The state of every service, as the lender sees it now."""
        return tuple(ServiceState(**each) for each in self._ask("services"))

    def logs(self, service: str) -> str:
        """What a service has written."""
        return str(self._ask("logs", service))

    def stop_service(self, name: str) -> None:
        """Stop one service; port and data are kept."""
        self._ask("stop_service", name)

    def start_service(self, name: str) -> None:
        """Start a stopped service; returns when it is ready."""
        self._ask("start_service", name)

    def pause_service(self, name: str) -> None:
        """Freeze a service."""
        self._ask("pause_service", name)

    def resume_service(self, name: str) -> None:
        """Let a paused service go on; returns when it is ready."""
        self._ask("resume_service", name)

    def _ask(self, verb: str, *words: str) -> Any:
        try:
            with _connected(self._told["socket"], self._told["key"]) as connection:
                connection.send_bytes(json.dumps({"do": verb, "with": words}).encode())
                answer = json.loads(connection.recv_bytes())
        except (OSError, EOFError) as error:
            raise StackError(f"the lender of this stack does not answer ({type(error).__name__})") from error
        if "error" in answer:
            raise StackError(answer["error"], service=answer["service"])
        return answer["answer"]


def _connected(address: str, key: str) -> Any:
    return Client(address, family="AF_UNIX", authkey=key.encode())
