"""Server programs that the machine has already: found on PATH, asked for their version, judged good enough or not."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from acceptance.stack.binaries.component import Component
from acceptance.stack.binaries.pins import numbers
from acceptance.stack.processes import ask


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramRequirement:
    """What counts as a good enough program."""

    programs: tuple[str, ...]  # names, the first is preferred
    flag: str  # asks for the version
    pattern: str  # its answer; group 1 is the version
    minimum: tuple[int, ...]
    beside: tuple[str, ...] = ()  # programs that must lie in the same folder


WANTED = {
    "redis": ProgramRequirement(
        programs=("redis-server", "valkey-server"),
        flag="--version",
        pattern=r"(?:Redis|Valkey) server v=(\d[\w.-]*)",
        minimum=(6,),
    ),
    "postgres": ProgramRequirement(
        programs=("postgres",),
        flag="--version",
        pattern=r"postgres \(PostgreSQL\) (\d[\w.-]*)",
        minimum=(13,),
        beside=("initdb",),
    ),
    "prometheus": ProgramRequirement(
        programs=("prometheus",), flag="--version", pattern=r"prometheus, version (\d[\w.-]*)", minimum=(3,)
    ),
    "promtool": ProgramRequirement(
        programs=("promtool",), flag="--version", pattern=r"promtool, version (\d[\w.-]*)", minimum=(3,)
    ),
    "node_exporter": ProgramRequirement(
        programs=("node_exporter", "prometheus-node-exporter"),
        flag="--version",
        pattern=r"node_exporter, version (\d[\w.-]*)",
        minimum=(1, 8),
    ),
    "node": ProgramRequirement(
        programs=("node", "nodejs"), flag="--version", pattern=r"^v(\d[\w.-]*)", minimum=(18,), beside=("npm",)
    ),
    "grafana": ProgramRequirement(
        programs=("grafana",), flag="-v", pattern=r"(?i)\bversion (\d[\w.+-]*)", minimum=(10,)
    ),
}


def find(name: str) -> tuple[Component | None, tuple[str, ...]]:
    """Look for a component on this machine.

    Returns:
        The first good enough program, or None; and one line for each program passed over before it, saying why.
    """
    wanted = WANTED[name]
    passed_over: list[str] = []
    for binary in _candidates(name, wanted):
        answer = ask([str(binary), wanted.flag])
        found = re.search(wanted.pattern, answer or "")
        home = _grafana_home(binary) if name == "grafana" else None
        if answer is None:
            reason = f"it cannot answer {wanted.flag}"
        elif found is None:
            reason = f"its answer to {wanted.flag} is not {name}'s"
        elif numbers(found[1]) < wanted.minimum:
            reason = f"version {found[1]} is older than {'.'.join(map(str, wanted.minimum))}"
        elif absent := [other for other in wanted.beside if not os.access(binary.with_name(other), os.X_OK)]:
            reason = f"there is no {' '.join(absent)} beside it"
        elif name == "grafana" and home is None:
            reason = "no home path with conf/defaults.ini and public/ was found for it"
        else:
            component = Component(
                name=name, binary=binary, home=home, version=found[1], source="path", notes=tuple(passed_over)
            )
            return component, tuple(passed_over)
        passed_over.append(f"{name}: {binary} passed over: {reason}")
    return None, tuple(passed_over)


def on_path(program: str) -> Iterator[Path]:
    """Yield every executable of that name on PATH, in order."""
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        candidate = Path(folder or os.curdir) / program
        if candidate.is_file() and os.access(candidate, os.X_OK):
            yield candidate.absolute()


def _candidates(name: str, wanted: ProgramRequirement) -> Iterator[Path]:
    seen: set[Path] = set()
    for candidate in _places(name, wanted):
        # Postgres is often a link out of its own folder, where initdb and pg_isready lie.
        binary = candidate.resolve() if name == "postgres" else candidate
        if candidate.resolve() not in seen:  # one of GRAFANA_HOME that is not there is told to be of no use
            seen.add(candidate.resolve())
            yield binary


def _places(name: str, wanted: ProgramRequirement) -> Iterator[Path]:
    for program in wanted.programs:
        yield from on_path(program)
    if name == "grafana" and (chosen := os.environ.get("GRAFANA_HOME")):
        yield Path(chosen).expanduser().absolute() / "bin" / "grafana"
    if name == "postgres":  # Debian keeps the servers off PATH
        folders = [
            Path(answer.strip()) for config in on_path("pg_config") if (answer := ask([str(config), "--bindir"]))
        ]
        installed = Path("/usr/lib/postgresql").glob("*/bin")
        folders += sorted(installed, key=lambda folder: numbers(folder.parent.name), reverse=True)
        yield from (folder / "postgres" for folder in folders if os.access(folder / "postgres", os.X_OK))


def _grafana_home(binary: Path) -> Path | None:
    real = binary.resolve()
    chosen = os.environ.get("GF_PATHS_HOME")
    places = [Path(chosen)] if chosen else []
    prefixes = [binary.parent.parent, real.parent.parent]
    places += [
        real.parent,
        *prefixes,
        *(prefix / "share" / "grafana" for prefix in prefixes),
        Path("/usr/share/grafana"),
    ]
    for place in places:
        if (place / "conf" / "defaults.ini").is_file() and (place / "public").is_dir():
            return place.absolute()
    return None
