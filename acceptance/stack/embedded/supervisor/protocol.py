"""What the supervisor is told to run: plain values that travel as one line of JSON.

Secrets (probe passwords, the text fed to a preparing command) travel in this line over a pipe, never in a
command line, which every user of the machine can read.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from acceptance.stack.readiness import Question
from acceptance.stack.run_as import User


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparationStep:
    """A command that must finish with 0 before the server starts, such as ``initdb``."""

    argv: tuple[str, ...]
    stdin: str = ""  # text to feed it; may hold a secret


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSpec:
    """One server: how to prepare, start, ask and stop it."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]  # the whole environment: nothing is inherited
    cwd: str
    log: str  # file that takes its stdout and stderr
    question: Question
    steps: tuple[PreparationStep, ...] = ()  # run once, at the first start only
    user: User | None = None  # None: as whoever runs the supervisor
    after: tuple[str, ...] = ()  # services that must be ready first
    timeout: float = 30.0  # seconds for the steps, and again to become ready
    stop_signal: int = int(signal.SIGTERM)
    death_signal: int = int(signal.SIGKILL)  # sent by the kernel when the supervisor itself is killed


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisorSpec:
    """Everything one supervisor owns."""

    run_dir: str  # removed at the end; carries the marker of run_folder.py
    services: tuple[ServiceSpec, ...]
    grace: float = 4.0  # seconds between asking to stop and killing
    interval: float = 0.03  # seconds between two readiness questions

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, line: str) -> SupervisorSpec:
        """Read what ``to_json`` wrote.

        Raises:
            ValueError: Not JSON.
            KeyError: A field is missing.
            TypeError: A field is unknown.
        """
        raw = json.loads(line)
        raw["services"] = tuple(_service(each) for each in raw["services"])
        return cls(**raw)


def _service(raw: dict[str, Any]) -> ServiceSpec:
    steps = tuple(PreparationStep(argv=tuple(each["argv"]), stdin=each["stdin"]) for each in raw.pop("steps"))
    user = raw.pop("user")
    question = Question(**raw.pop("question"))
    return ServiceSpec(
        argv=tuple(raw.pop("argv")),
        after=tuple(raw.pop("after")),
        steps=steps,
        user=User(**user) if user else None,
        question=question,
        **raw,
    )
