"""Lets the preflight container reach what a test serves on this machine's 127.0.0.1, such as a stand-in for Telegram.

A container's own 127.0.0.1 is another one, and nothing of a test may listen on an address that others can reach. So a
small container in the project's network listens for it and hands each connection through a unix socket to this
process, which connects to 127.0.0.1. Preflight itself stays in the compose file's network.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from acceptance.stack import pump
from acceptance.stack.compose.project import Project
from acceptance.stack.docker import docker_cli
from acceptance.stack.interface import StackError
from acceptance.stack.ports import HOST
from acceptance.stack.wait import Observation, wait_until

_INSIDE = "/relay"
_LOOPBACK = {HOST, "localhost"}
_READY_SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Running:
    container: str
    relay: pump.Relay
    thread: threading.Thread


class Relays:
    """The relays of one project, one for each port that was asked for."""

    def __init__(self, project: Project, image: str) -> None:
        """Nothing is started yet.

        Args:
            project: The stack; its network has to be there when a port is asked for.
            image: One with Python 3, such as preflight's own.
        """
        self._project = project
        self._image = image
        self._running: dict[int, _Running] = {}

    def rewrite(self, variables: Mapping[str, str]) -> dict[str, str]:
        """The same variables, with this machine's loopback as the container has to write it.

        That is in URLs, and where a variable `...HOST` stands beside a `...PORT`.

        Raises:
            StackError: A relay does not start.
        """
        changed = {name: self._url(value) if name.endswith("URL") else value for name, value in variables.items()}
        for name, value in variables.items():
            port = variables.get(f"{name.removesuffix('HOST')}PORT", "")
            if name.endswith("__HOST") and value in _LOOPBACK and port.isdigit():
                changed[name] = self._reach(int(port))
        return changed

    def _url(self, value: str) -> str:
        parts = urlsplit(value)
        if parts.hostname not in _LOOPBACK or parts.port is None:
            return value
        alias = self._reach(parts.port)
        return parts._replace(netloc=f"{alias}:{parts.port}").geturl()

    def _reach(self, port: int) -> str:
        alias = f"host-loopback-{port}"
        if port not in self._running:
            self._running[port] = self._start(port, alias)
        return alias

    def _start(self, port: int, alias: str) -> _Running:
        folder = self._project.folder / "relay"
        folder.mkdir(mode=0o755, exist_ok=True)
        shutil.copyfile(Path(pump.__file__), folder / "pump.py")
        (folder / "pump.py").chmod(0o644)
        relay = pump.Relay(f"unix:{folder / str(port)}", f"tcp:{HOST}:{port}")
        thread = threading.Thread(target=relay.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        running = _Running(container=f"{self._project.name}-relay-{port}", relay=relay, thread=thread)
        try:
            self._start_container(running.container, port, alias, folder)
        except BaseException:
            _stop(running)
            raise
        return running

    def _start_container(self, name: str, port: int, alias: str, folder: Path) -> None:
        labels = (f"com.docker.compose.project={self._project.name}", "com.docker.compose.oneoff=True")
        argv = (
            *("run", "--detach", "--name", name, "--pull", "never"),
            *(word for label in labels for word in ("--label", label)),
            *("--network", f"{self._project.name}_arbitrage-network", "--network-alias", alias),
            *("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges:true"),
            *("--memory", "64m", "--pids-limit", "64", "-v", f"{folder}:{_INSIDE}:ro"),
            *("--entrypoint", "python3", self._image),
            *(f"{_INSIDE}/pump.py", f"tcp:0.0.0.0:{port}", f"unix:{_INSIDE}/{port}"),
        )
        done = docker_cli.docker(*argv, seconds=30.0)
        if done.code != 0:
            message = f"no way from the containers to port {port} of {HOST}: {done.said}"
            raise StackError(message, service="preflight")

        def ready() -> Observation[None]:
            said = docker_cli.docker("logs", name)
            return Observation(done="ready" in said.stdout, said=said.said)

        wait_until(ready, asked=f"docker logs {name}", timeout=_READY_SECONDS)

    def close(self) -> None:
        """End every relay. Calling it twice is fine."""
        while self._running:
            _stop(self._running.popitem()[1])


def _stop(running: _Running) -> None:
    # The container first: what it holds open then ends, and no handler here waits for ever.
    docker_cli.docker("rm", "--force", running.container)
    running.relay.shutdown()
    running.thread.join()
    running.relay.server_close()
