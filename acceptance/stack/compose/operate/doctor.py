"""``make doctor``: would ``docker compose up`` work here, and if not, which command mends it?

It looks and changes nothing. What it cannot tell is a finding too: 0 is for a stack that would start.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import stat
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from acceptance.stack.compose.remedies import REMEDIES
from acceptance.stack.docker import docker_cli as engine
from acceptance.stack.interface import StackError
from acceptance.stack.ports import by_whom, is_free, port_variable

ROOT = Path(__file__).resolve().parents[4]
"""The checkout."""

MEMORY_MB = 512  # what the services take together when nothing much happens, with some to spare
ROOM_MB = 1024
CLOCK_SECONDS = 5.0

_READ = stat.S_IROTH
_ENTER = stat.S_IROTH | stat.S_IXOTH
_CONFIGURED = ("prometheus", "grafana", "postgres")  # whose bind mounts are configuration


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorFinding:
    """Something that would keep the stack from starting."""

    what: str
    remedy: str  # name of a row of `REMEDIES`


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What is looked at beside Docker; handed in, so that a test can have another."""

    docker_dir: Path
    now: Callable[[], float] = time.time
    memory_mb: Callable[[], float] = lambda: psutil.virtual_memory().available / 1e6
    room_mb: Callable[[Path], float] = lambda path: shutil.disk_usage(path).free / 1e6


def look(machine: Machine) -> Iterator[tuple[str, list[DoctorFinding]]]:
    """Look at one thing after the other; give its name and what was found.

    Where a thing that the others rest on is missing, it ends there.
    """
    trouble = engine.why_unusable()
    yield "docker", [] if trouble is None else [DoctorFinding(what=trouble, remedy="engine")]
    if trouble is not None:
        return
    config = _config(machine.docker_dir)
    yield "settings", [config] if isinstance(config, DoctorFinding) else []
    if isinstance(config, DoctorFinding):
        return
    running = _running(config["name"])
    missing = list(_images(config))
    yield "images", missing
    yield "ports", list(_ports(config, running))
    yield "configuration", list(_configuration(config))
    yield "secrets", list(_secrets(config))
    yield "volumes", [] if missing else list(_volumes(config))
    yield "clock", list(_clock(machine))
    yield "room", list(_room(machine))
    yield "memory", [] if running else list(_memory(machine))


def _config(folder: Path) -> dict[str, Any] | DoctorFinding:
    argv = ("docker", "compose", "--profile", "*", "config", "--format", "json")
    done = engine.run(argv, env=dict(os.environ), cwd=folder)  # as `up` would have it
    if done.code != 0:
        return DoctorFinding(what=f"compose refuses the settings of {folder}: {done.last_line}", remedy="made")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _running(project: str) -> tuple[str, ...]:
    """Services of the project that run already."""
    label = f"label=com.docker.compose.project={project}"
    done = engine.docker("ps", "--filter", label, "--format", '{{.Label "com.docker.compose.service"}}')
    return tuple(done.stdout.split())


def _images(config: Mapping[str, Any]) -> Iterator[DoctorFinding]:
    wanted = {each["image"] for each in config["services"].values()}
    for image in sorted(wanted - engine.present(sorted(wanted))):
        yield DoctorFinding(what=f"the image {image} is not here", remedy="image")


def _ports(config: Mapping[str, Any], running: Sequence[str]) -> Iterator[DoctorFinding]:
    taken: dict[int, str] = {}
    for name, service in config["services"].items():
        for port in (int(each["published"]) for each in service.get("ports", ())):
            if port in taken:
                yield DoctorFinding(what=f"port {port} is wanted by {taken[port]} and by {name}", remedy="port")
            elif name not in running and not is_free(port):
                yield DoctorFinding(
                    what=f"port {port}, which {name} wants ({port_variable(name)}), is taken{by_whom(port)}",
                    remedy="port",
                )
            taken[port] = name


def _configuration(config: Mapping[str, Any]) -> Iterator[DoctorFinding]:
    for name in _CONFIGURED:
        for mount in config["services"][name].get("volumes", ()):
            if mount["type"] == "bind":
                closed = list(_closed(Path(mount["source"])))
                if closed:
                    more = f" and {len(closed) - 1} more" if len(closed) > 1 else ""
                    yield DoctorFinding(what=f"{name}'s user cannot read {closed[0]}{more}", remedy="unreadable")


def _closed(folder: Path) -> Iterator[Path]:
    """What the containers' users, who do not own it, cannot read; the folder itself if it is missing."""
    try:
        for path in (folder, *sorted(folder.rglob("*"))):
            wanted = _ENTER if path.is_dir() else _READ
            if path.stat().st_mode & wanted != wanted:
                yield path
    except OSError:
        yield folder


def _secrets(config: Mapping[str, Any]) -> Iterator[DoctorFinding]:
    for secret in config["secrets"].values():
        path = Path(secret["file"])
        try:
            state = path.stat()
        except OSError as error:
            yield DoctorFinding(what=f"the secret {path} cannot be had: {error.strerror}", remedy="unreadable")
            continue
        if not stat.S_ISREG(state.st_mode) or state.st_size == 0:
            yield DoctorFinding(what=f"the secret {path} is empty, or no file", remedy="unreadable")
        elif not state.st_mode & _READ:
            mode = stat.S_IMODE(state.st_mode)
            yield DoctorFinding(
                what=f"the secret {path} has mode {mode:04o}: the containers' users cannot read it", remedy="unreadable"
            )
        elif os.access(path, os.R_OK) and path.read_bytes().rstrip(b"\r\n").count(b"\n"):
            yield DoctorFinding(what=f"the secret {path} has several lines", remedy="one line")


def _volumes(config: Mapping[str, Any]) -> Iterator[DoctorFinding]:
    """Whether the image of Postgres reads what its volume holds."""
    volume, image = config["volumes"]["postgres-data"]["name"], config["services"]["postgres"]["image"]
    if volume not in engine.docker("volume", "ls", "--quiet").stdout.split():
        return
    script = "cat /data/PG_VERSION 2>/dev/null || ls -A /data; echo; postgres --version"
    run = ("run", "--rm", "--network", "none", "--user", "0", "-v", f"{volume}:/data:ro", "--entrypoint", "sh")
    done = engine.docker(*run, image, "-c", script, seconds=60.0)
    held, _, program = done.stdout.strip().rpartition("\n")
    major = re.search(r"\b(\d+)\.\d+", program)
    if done.code != 0 or major is None:
        yield DoctorFinding(what=f"what the volume {volume} holds cannot be told: {done.last_line}", remedy="version")
    elif held.strip() and not held.strip().isdigit():
        yield DoctorFinding(what=f"the volume {volume} is not empty and is no cluster", remedy="no cluster")
    elif held.strip() and held.strip() != major[1]:
        what = f"the volume {volume} is of Postgres {held.strip()}, and {image} has Postgres {major[1]}"
        yield DoctorFinding(what=what, remedy="version")


def _clock(machine: Machine) -> Iterator[DoctorFinding]:
    made = (machine.docker_dir / "docker-compose.yml").stat().st_mtime
    if machine.now() < made - CLOCK_SECONDS:
        yield DoctorFinding(what="the clock is behind the time at which docker-compose.yml was written", remedy="clock")
    done = engine.docker("info", "--format", "{{.SystemTime}}")
    found = re.match(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)", done.stdout.strip())
    if done.code != 0 or found is None:
        yield DoctorFinding(what=f"the engine's clock cannot be told: {done.last_line}", remedy="engine")


def _room(machine: Machine) -> Iterator[DoctorFinding]:
    done = engine.docker("info", "--format", "{{.DockerRootDir}}")
    places = [machine.docker_dir, Path(done.stdout.strip() or "/")]
    for place in (each for each in places if each.is_dir()):  # an engine in a machine of its own has its folder there
        if (free := machine.room_mb(place)) < ROOM_MB:
            yield DoctorFinding(what=f"{free:.0f} MB are free at {place}, and {ROOM_MB} are wanted", remedy="room")


def _memory(machine: Machine) -> Iterator[DoctorFinding]:
    if (free := machine.memory_mb()) < MEMORY_MB:
        yield DoctorFinding(
            what=f"{free:.0f} MB of memory are free, and the services want {MEMORY_MB}", remedy="memory"
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Say what was looked at and found; 0 where nothing was, else 1."""
    parser = argparse.ArgumentParser(prog="make doctor", description="Look whether the compose stack would start.")
    parser.add_argument("--docker-dir", type=Path, default=ROOT / "docker", help="folder of docker-compose.yml")
    machine = Machine(docker_dir=parser.parse_args(argv).docker_dir)
    count, told = 0, set[str]()
    try:
        for name, findings in look(machine):
            count += len(findings)
            if not findings:
                sys.stdout.write(f"{name:14} well\n")
            for each in findings:
                remedy = "as above" if each.remedy in told else REMEDIES[each.remedy].plain
                told.add(each.remedy)
                sys.stdout.write(f"{name:14} {each.what}\n    -> {remedy}\n")
    except (StackError, OSError, ValueError, KeyError) as error:
        sys.stdout.write(f"doctor: could not look at everything: {type(error).__name__}: {error}\n")
        return 1
    sys.stdout.write(
        "'docker compose up' would work\n" if not count else f"found: {count}; mend that, then 'make doctor' again\n"
    )
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
