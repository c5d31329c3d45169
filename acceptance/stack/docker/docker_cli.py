"""Talking to Docker: one way to run its CLI with a deadline, and whether engine and compose v2 are there at all."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from acceptance.stack.interface import StackError
from acceptance.stack.processes import finish
from acceptance.stack.wait import Observation, WaitTimeoutError, wait_until

QUESTION_SECONDS = 15.0
"""For what the engine answers from memory; a healthy one needs a tenth of a second."""

COMPOSE = (2, 24)
"""The first version that takes ``env_file: {path, required}``, which docker-compose.yml needs."""

_KEPT = ("PATH", "HOME", "LANG", "XDG_RUNTIME_DIR")
_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_INSTALL = (
    "run scripts/install_docker.sh as root on Debian; elsewhere install Docker Engine with the compose plugin "
    "(2.24 or newer)"
)
_GAVE_UP_FREEZING = "unable to freeze"
_DISK_FULL = ("no space left on device", "disk quota exceeded")


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerResult:
    """One finished command."""

    code: int  # 124 when its deadline passed
    stdout: str
    stderr: str

    @property
    def said(self) -> str:
        """The end of what it printed, for a message."""
        return (self.stderr.strip() or self.stdout.strip())[-1500:]

    @property
    def last_line(self) -> str:
        """The last line it printed."""
        return self.said.splitlines()[-1][:300] if self.said else "it said nothing"


def environment() -> dict[str, str]:
    """What a docker command inherits: a stray GRAFANA_PORT or COMPOSE_FILE of the caller's must not steer a stack."""
    names = (*_KEPT, *(name for name in os.environ if name.startswith("DOCKER_")))
    return {name: os.environ[name] for name in names if name in os.environ}


def proxies() -> dict[str, str]:
    """The machine's proxy variables, which a build needs; they may hold a password."""
    return {name: os.environ[name] for name in _PROXIES if name in os.environ}


def run(
    argv: Sequence[str],
    *,
    seconds: float = QUESTION_SECONDS,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> DockerResult:
    """Run a command to its end; at its deadline it and what it started are killed and its code is 124.

    Raises:
        StackError: There is no such program.
    """
    try:
        done = finish(argv, seconds=seconds, env=environment() if env is None else env, cwd=cwd)
    except OSError as error:
        message = f"{argv[0]} cannot be run ({error.strerror}): {_INSTALL}"
        raise StackError(message) from error
    out, err = (each.decode(errors="replace") for each in (done.out, done.err))
    if done.code is None:
        return DockerResult(code=124, stdout=out, stderr=f"{err}\nnot done after {seconds:.0f} s")
    return DockerResult(code=done.code, stdout=out, stderr=err)


def run_bytes(argv: Sequence[str], *, seconds: float = QUESTION_SECONDS) -> bytes | None:
    """What a command wrote to stdout, as bytes; None when it failed or was not done in time."""
    try:
        done = finish(argv, seconds=seconds, env=environment())
    except OSError:
        return None
    return done.out if done.code == 0 else None


def docker(*args: str, seconds: float = QUESTION_SECONDS) -> DockerResult:
    """Run one docker command."""
    return run(("docker", *args), seconds=seconds)


def pause(container: str, *, seconds: float = QUESTION_SECONDS) -> DockerResult:
    """Freeze a container.

    On a busy machine the runtime may give up while the programs in it start others or wait for the disk. They run on
    then, and it is asked again until the deadline.
    """
    tries: list[DockerResult] = []

    def ask() -> Observation[None]:
        tries.append(docker("pause", container, seconds=seconds))
        return Observation(done=_GAVE_UP_FREEZING not in tries[-1].stderr, said=tries[-1].last_line)

    with contextlib.suppress(WaitTimeoutError):  # the last answer says it as well
        wait_until(ask, asked=f"docker pause {container}", timeout=seconds, interval=0.2)
    return tries[-1]


def why_unusable() -> str | None:
    """One sentence saying why compose stacks cannot be started here; None when they can."""
    try:
        engine = docker("version", "--format", "{{.Server.Version}}")
        compose = docker("compose", "version", "--short")
    except StackError as error:
        return str(error)
    if engine.code != 0:
        return f"no Docker engine answers ({engine.last_line}): {_INSTALL}"
    found = re.match(r"v?(\d+)\.(\d+)", compose.stdout.strip()) if compose.code == 0 else None
    if found is None or (int(found[1]), int(found[2])) < COMPOSE:
        least = ".".join(map(str, COMPOSE))
        return f"'docker compose' {compose.stdout.strip() or 'is missing'}, and {least} or newer is needed: {_INSTALL}"
    return None


def versions() -> dict[str, str]:
    """Version of the engine and of compose, as they report them."""
    engine = docker("version", "--format", "{{.Server.Version}}")
    compose = docker("compose", "version", "--short")
    return {"docker": engine.stdout.strip(), "docker compose": compose.stdout.strip()}


def present(images: Sequence[str]) -> set[str]:
    """Those of `images` that the engine has."""
    done = docker("image", "inspect", "--format", "{{json .RepoTags}}", *images)
    return {image for image in images if f'"{image}"' in done.stdout}


def image_id(image: str) -> str:
    """The engine's id of an image, or ``""`` when it does not have it."""
    return docker("image", "inspect", "--format", "{{.Id}}", image).stdout.strip()


def disk_full(text: str) -> str:
    """A sentence to add to a message when `text` complains of a full disk, else ``""``."""
    if not any(sign in text.lower() for sign in _DISK_FULL):
        return ""
    done = run_bytes(("docker", "info", "--format", "{{.DockerRootDir}}"))
    root = (done or b"").decode().strip() or "Docker's data folder"
    return f" The disk below {root} is full: make room there, e.g. with 'docker system prune', then try again."
