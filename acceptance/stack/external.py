"""The user's own running stack, reached by addresses: nothing in it is started, stopped or broken.

The only thing that is done to it is what an operator does every day: one more preflight run.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn
from urllib.parse import unquote, urlsplit

from acceptance.probes.errors import ProbeError
from acceptance.probes.grafana import GrafanaClient
from acceptance.probes.prometheus import prometheus_probe
from acceptance.probes.transport import HttpProbe, Login
from acceptance.stack.interface import GrafanaChoice, PreflightRun, ServiceState, StackError, Urls
from acceptance.stack.run_preflight import invoke
from evidence.grafana import GrafanaKind, GrafanaUsed, label_of

_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Server:
    title: str
    option: str  # where its address came from
    login: str = ""  # the option that a login would come from
    question: str


_SERVERS = {
    "prometheus": _Server(
        title="Prometheus", option="--prometheus-url", login="--prometheus-login", question="/-/ready"
    ),
    "grafana": _Server(title="Grafana", option="--grafana-url", question="/api/health"),
    "node-exporter": _Server(title="node_exporter", option="--node-exporter-url", question="/metrics"),
}
_REFUSED = {401, 403}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalStack:
    """A stack that somebody else runs.

    preflight is run from `project` with this process's own environment: how it reaches Redis and Postgres is in the
    user's own settings.
    """

    urls: Urls
    textfile_dir: Path  # where the user's node_exporter reads
    grafana_auth: tuple[str, str]  # user and password; for a token, `api_key` and the token
    project: Path
    wanted: GrafanaChoice = "auto"  # which kind of Grafana it has to be
    name: str = "external"

    def start(self) -> None:
        """Make sure of each server, of Grafana's kind and its login, and of the textfile directory.

        Raises:
            StackError: One does not; nothing was changed.
        """
        if not self.textfile_dir.is_dir():
            raise StackError(f"--textfile-dir {self.textfile_dir}: there is no such directory on this machine")
        silent = [state for state in self.services() if not state.healthy]
        if silent:
            said = "; ".join(f"{state.detail} (see {_option(state)})" for state in silent)
            raise StackError(said, service=silent[0].name)
        with _probe("grafana", self.urls, auth=self.grafana_auth) as grafana:
            try:
                answer, _ = grafana.send("GET", "/api/search", params={"limit": "1"})
            except ProbeError as error:
                raise StackError(str(error), service="grafana") from error
        if answer.status_code in _REFUSED:
            raise StackError(
                f"Grafana refused what --grafana-login holds (HTTP {answer.status_code}): give the user and password, "
                "or a service-account token, of this Grafana",
                service="grafana",
            )
        self._refuse_another_kind()

    def _refuse_another_kind(self) -> None:
        """Raise where a Grafana or the stand-in was insisted on and the other one answers, or which cannot be told."""
        if self.wanted == "auto":
            return
        used = self.grafana
        if used is None or (used.kind is GrafanaKind.STANDIN) != (self.wanted == "standin"):
            raise StackError(
                f"--grafana {self.wanted}: what answers at --grafana-url is {label_of(used)}: "
                "name another address, or leave --grafana out",
                service="grafana",
            )

    @property
    def ports(self) -> Mapping[str, int]:
        """Give none: its servers are reached by the addresses that were named."""
        return {}

    def stop(self) -> None:
        """Do nothing: it is not ours."""

    @property
    def grafana(self) -> GrafanaUsed | None:
        """Which Grafana answers there; None where none does."""
        with GrafanaClient(self.urls.grafana, timeout=_SECONDS, ca=self.urls.ca) as client:
            try:
                health = client.health()
            except ProbeError:
                return None
        kind = GrafanaKind.STANDIN if health.standin else GrafanaKind.EXTERNAL
        return GrafanaUsed(kind=kind, version=health.version or "unknown")

    @property
    def secrets(self) -> tuple[str, ...]:
        """Give the passwords or tokens, and passwords in addresses; what preflight knows it keeps to itself."""
        addresses = (self.urls.prometheus, self.urls.grafana, self.urls.node_exporter)
        passwords = [urlsplit(address).password for address in addresses]
        logins = (self.grafana_auth, self.urls.prometheus_auth)
        return (
            *(login[1] for login in logins if login),
            *(form for word in passwords if word for form in (word, unquote(word))),
        )

    def keep(self) -> str:
        """Say that there is nothing to stop."""
        return "nothing to do, it is your own stack"

    def run_preflight(self, *args: str, env: Mapping[str, str] | None = None) -> PreflightRun:
        """Run preflight as the user would, with the textfile directory that was named.

        Raises:
            StackError: It did not end within two minutes.
        """
        return invoke(
            args,
            {},
            project=self.project,
            code=self.project,
            extra={**os.environ, "PREFLIGHT_TEXTFILE_DIR": str(self.textfile_dir), **(env or {})},
        )

    def services(self) -> tuple[ServiceState, ...]:
        """Ask each server that has an address."""
        return tuple(_ask(name, self.urls) for name in _SERVERS)

    def versions(self) -> dict[str, dict[str, str]]:
        """Say that these versions are the user's."""
        return {name: {"version": "not asked", "source": "external"} for name in _SERVERS}

    def logs(self, service: str) -> str:
        """Say where the log is not."""
        return f"{service} is not run by this suite: its log is where you keep it\n"

    def stop_service(self, name: str) -> None:
        """Refuse: nothing external is touched."""
        self._refuse(name)

    def start_service(self, name: str) -> None:
        """Refuse: nothing external is touched."""
        self._refuse(name)

    def pause_service(self, name: str) -> None:
        """Refuse: nothing external is touched."""
        self._refuse(name)

    def resume_service(self, name: str) -> None:
        """Refuse: nothing external is touched."""
        self._refuse(name)

    def _refuse(self, name: str) -> NoReturn:
        raise StackError(f"{name} is external: this suite starts, stops and breaks nothing there", service=name)


def _option(state: ServiceState) -> str:
    """The option to look at: one that is refused needs a login, any other an address."""
    server = _SERVERS[state.name]
    refused = any(f"answered HTTP {status}" in state.detail for status in _REFUSED)
    return server.login if server.login and refused else server.option


def _probe(name: str, urls: Urls, auth: Login | None = None) -> closing[HttpProbe]:
    if name == "prometheus":
        return closing(prometheus_probe(urls.prometheus, timeout=_SECONDS, auth=urls.prometheus_auth, ca=urls.ca))
    url = {"grafana": urls.grafana, "node-exporter": urls.node_exporter}[name]
    return closing(HttpProbe(url, service=_SERVERS[name].title, timeout=_SECONDS, auth=auth, ca=urls.ca))


def _ask(name: str, urls: Urls) -> ServiceState:
    running, healthy = False, False
    with _probe(name, urls) as server:
        try:
            response, asked = server.send("GET", _SERVERS[name].question)
            running, detail = True, f"{server.service} answered HTTP {response.status_code} to {asked}"
            server.fail_unless_ok(response, asked)
            healthy = True
        except ProbeError as error:
            detail = str(error)
    return ServiceState(name=name, running=running, healthy=healthy, version="", detail=detail)
