"""A run folder and light services, cleared up whatever a test does."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from acceptance.stack import run_folder
from acceptance.stack.embedded.context import Layout
from acceptance.stack.embedded.supervisor.client import SupervisorClient
from acceptance.stack.ports import Ports
from tests.acceptance.stack.light import Light, light_spec


@pytest.fixture
def layout() -> Iterator[Layout]:
    """A run folder of its own."""
    made = Layout(run_folder.create(None))
    made.make()
    yield made
    run_folder.remove(made.root)


@pytest.fixture
def light(layout: Layout) -> Iterator[Callable[..., Light]]:
    """Start a supervisor with light services: ``light(web="serve")``."""
    started: list[Light] = []

    def start(*, timeout: float = 10.0, **behaviours: str) -> Light:
        ports = Ports.free(tuple(behaviours))
        spec = light_spec(layout, behaviours, ports, timeout=timeout)
        made = Light(SupervisorClient(spec, log=layout.log("supervisor")), spec, layout, ports)
        started.append(made)
        return made

    yield start
    for each in started:
        each.supervisor.close()
        each.ports.release()
