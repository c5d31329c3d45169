"""Why a compose stack is not ready: which service, what it last said, and what to do about it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from acceptance.stack.compose.project import Project
from acceptance.stack.compose.remedies import for_words
from acceptance.stack.docker import docker_cli
from acceptance.stack.ports import port_variable

LOG_LINES = 12
_TAKEN = re.compile(r"endpoint \S*?-(?P<service>[a-z-]+)-1 .*?127\.0\.0\.1:(?P<port>\d+)", re.DOTALL)
_NO_IMAGE = re.compile(r"(?:No such image: |pull access denied for |manifest for )(?P<image>[^\s,]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """How one container is doing, as the engine knows it."""

    service: str
    status: str  # created, running, paused, restarting, exited, dead
    exit_code: int
    oom_killed: bool
    health: str  # healthy, unhealthy, starting, none
    health_said: str  # what its last healthcheck printed
    restarts: int
    image: str
    image_id: str

    @property
    def is_well(self) -> bool:
        """Whether it runs and its healthcheck passes."""
        return self.status == "running" and self.health == "healthy"

    def __str__(self) -> str:
        state = self.status if self.status in {"running", "paused"} else f"{self.status} ({self.exit_code})"
        more = ", out of memory" if self.oom_killed else ""
        more += f", {self.restarts} restarts" if self.restarts else ""
        return f"{state}, {self.health}{more}"


def containers(project: Project) -> dict[str, Container]:
    """Service name -> its container, for those that exist."""
    label = f"label=com.docker.compose.project={project.name}"
    listed = docker_cli.docker("ps", "-aq", "--filter", label, "--filter", "label=com.docker.compose.oneoff=False")
    ids = listed.stdout.split()
    if not ids:
        return {}
    done = docker_cli.docker("inspect", *ids)
    try:
        raw: list[dict[str, Any]] = json.loads(done.stdout)
    except ValueError:
        return {}
    found = [_container(each) for each in raw]
    return {each.service: each for each in sorted(found, key=lambda each: each.service)}


def _container(raw: Mapping[str, Any]) -> Container:
    state = raw["State"]
    health = state.get("Health") or {}
    checks = health.get("Log") or [{}]
    return Container(
        service=raw["Config"]["Labels"]["com.docker.compose.service"],
        status=state["Status"],
        exit_code=state["ExitCode"],
        oom_killed=bool(state.get("OOMKilled")),
        health=health.get("Status", "none"),
        health_said=" ".join(str(checks[-1].get("Output", "")).split())[:300],
        restarts=raw.get("RestartCount", 0),
        image=raw["Config"]["Image"],
        image_id=raw["Image"],
    )


def log(project: Project, service: str, *, lines: int | None = None) -> str:
    """What a service wrote to stdout and stderr, in order; with `lines`, the last of it."""
    tail = () if lines is None else ("--tail", str(lines))
    name = project.container(service)
    # The two streams come apart; their timestamps put them back in order.
    done = docker_cli.docker("logs", "--timestamps", *tail, name)
    merged = sorted((done.stdout + done.stderr).splitlines())
    return "\n".join(line.partition(" ")[2] for line in merged[-lines if lines else 0 :])


def explain(project: Project, said: str) -> tuple[str, str]:
    """Say why ``up`` failed.

    Args:
        project: What was started; its containers are still there.
        said: What compose printed.

    Returns:
        The service it is about (``""`` if none can be named), and the message.
    """
    taken = _TAKEN.search(said)
    if taken and ("address already in use" in said or "port is already allocated" in said):
        service, port = taken["service"], taken["port"]
        return service, (
            f"{service}: port {port} of 127.0.0.1 is taken by another program; free it, or choose another with "
            f"{port_variable(service)}"
        )
    missing = _NO_IMAGE.search(said)
    if missing:
        return "", f"image {missing['image']} is not here and cannot be pulled: run 'make images'"
    rows = containers(project)
    ill = [each for each in rows.values() if not each.is_well]
    ill.sort(key=lambda each: (_blame(each, said, project), each.service))
    if not ill:
        return "", f"docker compose up failed: {_last(said)}{docker_cli.disk_full(said)}"
    culprit = ill[0]
    tail = log(project, culprit.service, lines=LOG_LINES)
    heard = f"{tail}\n{culprit.health_said}"
    remedy = for_words(heard)
    hint = remedy.plain if remedy is not None else f"its log says why: {culprit.service}"
    table = "\n".join(f"  {name}: {each}" for name, each in rows.items())
    message = (
        f"{culprit.service} did not get ready: {culprit}; "
        f"its healthcheck said: {culprit.health_said or 'nothing yet'}\n"
        f"what to do: {hint}\nend of its log:\n{_indent(tail)}\nall services:\n{table}\n"
        f"compose said: {_last(said)}{docker_cli.disk_full(said)}"
    )
    return culprit.service, message


def _blame(row: Container, said: str, project: Project) -> int:
    """How likely a service is the cause: the lower the more. Those that never ran only wait for another."""
    signs = (
        f"container {project.container(row.service)} "
        in said,  # compose names it: "... is unhealthy", "... exited (1)"
        row.oom_killed or row.restarts > 0 or row.status in {"restarting", "exited", "dead"},
        row.health == "unhealthy",
        row.status != "created",
    )
    return signs.index(True) if True in signs else len(signs)


def _last(said: str) -> str:
    quoted = said.split('"""')  # how pytest-docker quotes what a command printed
    said = quoted[1] if len(quoted) > 2 else said
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[-1][:400] if lines else "nothing"


def _indent(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines()) or "  (empty)"
