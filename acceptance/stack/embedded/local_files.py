"""The files by which a running local stack is found: ``.stack`` in the project's root.

``preflight.toml`` points preflight at it, ``grafana-login`` holds the administrator's password, and
``state.json`` says which processes it is. All are 0600 in a 0700 folder: each holds secrets.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from acceptance.stack import run_folder
from acceptance.stack.embedded.stack import EmbeddedStack
from acceptance.stack.interface import StackError
from acceptance.stack.readiness import Question
from preflight.system.process_id import birth, is_running


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalService:
    """One service of a running local stack."""

    name: str
    pid: int
    born: str  # `preflight.system.process_id`
    port: int
    version: str
    question: Question  # holds its password


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningStack:
    """A local stack that was started."""

    supervisor_pid: int
    supervisor_born: str  # `preflight.system.process_id`
    run_dir: str
    services: tuple[LocalService, ...]
    grafana: str = ""  # which Grafana serves the dashboards, as `evidence.grafana` names it; "" without one

    def is_alive(self) -> bool:
        """Whether its supervisor still runs; a stranger with a reused process id does not count."""
        return is_running(self.supervisor_pid, self.supervisor_born)

    def processes(self) -> Iterator[tuple[int, str]]:
        """Process id and birth of the supervisor and of every server."""
        yield self.supervisor_pid, self.supervisor_born
        for each in self.services:
            yield each.pid, each.born


class StateFolder:
    """``.stack`` of one project."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.path = project / ".stack"
        self.login = self.path / "grafana-login"
        self.settings = self.path / "preflight.toml"
        self.state = self.path / "state.json"

    def lock(self) -> Path:
        """Make the folder and return the file that serialises ``up`` and ``down``.

        Raises:
            OSError: The project is not writable.
        """
        self.path.mkdir(mode=0o700, exist_ok=True)
        self.path.chmod(0o700)
        return self.path / "lock"

    def read(self) -> RunningStack | None:
        """What was started last; None when nothing was, or when the file is not ours to read."""
        try:
            raw = json.loads(self.state.read_text(encoding="utf-8"))
            services = tuple(
                LocalService(question=Question(**each.pop("question")), **each) for each in raw.pop("services")
            )
            return RunningStack(services=services, **raw)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def write(self, stack: EmbeddedStack) -> RunningStack:
        """Write all three files for a stack that runs; ``state.json`` first, so that ``down`` can find it.

        Raises:
            OSError: They cannot be written.
            StackError: The stack does not answer, or a service of it died.
        """
        rows = {row["service"]: row for row in stack.processes()}
        dead = [name for name, row in rows.items() if row["pid"] is None]
        if dead:
            message = f"{', '.join(dead)} ended right after it was ready"
            raise StackError(message, service=dead[0])
        ports, versions = stack.ports, stack.versions()
        born = birth(stack.supervisor_pid)
        if born is None:
            raise StackError("the stack's supervisor ended right after it was ready")
        running = RunningStack(
            supervisor_pid=stack.supervisor_pid,
            supervisor_born=born,
            run_dir=str(stack.layout.root),
            grafana="" if stack.grafana is None else stack.grafana.label,
            services=tuple(
                LocalService(
                    name=each.name,
                    pid=rows[each.name]["pid"],
                    born=rows[each.name]["born"],
                    port=ports[each.name],
                    version=versions[each.name]["version"],
                    question=each.question,
                )
                for each in stack.spec.services
            ),
        )
        user, password = stack.grafana_auth
        run_folder.own_by_file(stack.layout.root, self.state)
        self._put(self.state, json.dumps(asdict(running), indent=1) + "\n")
        self._put(self.login, f"user={user}\npassword={password}\n")
        settings = {
            "env": "paper",
            **stack.settings(),
            "stack": {
                "supervisor_pid": running.supervisor_pid,
                "supervisor_born": running.supervisor_born,
            },
        }
        self._put(self.settings, "# Written by make up, removed by make down.\n" + as_toml(settings))
        return running

    def remove(self) -> None:
        """Remove the three files; the folder keeps its lock."""
        for path in (self.settings, self.login, self.state):
            path.unlink(missing_ok=True)

    def _put(self, path: Path, text: str) -> None:
        """Whole or not at all, and 0600 from the first byte on."""
        descriptor, name = tempfile.mkstemp(dir=self.path, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)


def as_toml(values: Mapping[str, Any]) -> str:
    """Scalars and one level of tables as TOML; JSON's strings and numbers are TOML's too."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items() if not isinstance(value, Mapping)]
    for name, table in values.items():
        if isinstance(table, Mapping):
            lines += ["", f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"
