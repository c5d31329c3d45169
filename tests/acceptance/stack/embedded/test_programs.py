from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from acceptance.stack.binaries.component import Component, ComponentError
from acceptance.stack.embedded import programs
from acceptance.stack.embedded.stack import EmbeddedStack
from acceptance.stack.interface import SERVICES, StackError


def test_all_services_are_available_here() -> None:
    """This checkout has the engine, so a stack without a list runs everything."""
    assert programs.available_services() == SERVICES


def test_without_the_engines_package_everything_else_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine is left out where it is not there, not failed over."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert programs.available_services() == SERVICES[:-1]


def test_the_evidence_says_which_program_ran(tmp_path: Path) -> None:
    """Version and source of each service, its very binary, and what was passed over for it."""
    redis = Component(name="redis", binary=tmp_path / "redis-server", home=None, version="7.2", source="path")
    passed = replace(redis, notes=("redis: /old passed over: version 5 is older than 6", "another"))
    known = {"version": "7.2", "source": "path", "binary": str(tmp_path / "redis-server")}
    assert programs.versions(("redis",), {"redis": redis}) == {"redis": known}
    noted = {**known, "notes": "redis: /old passed over: version 5 is older than 6; another"}
    assert programs.versions(("redis",), {"redis": passed}) == {"redis": noted}


@pytest.mark.parametrize(
    ("services", "sentence"),
    [(("redis", "mongo"), "unknown service mongo"), (("grafana",), "grafana needs prometheus")],
    ids=["unknown", "lacking"],
)
def test_services_that_make_no_sense_are_refused(services: tuple[str, ...], sentence: str) -> None:
    """Nothing is started for a list that cannot work."""
    with pytest.raises(StackError, match=sentence):
        EmbeddedStack(services=services)


def test_a_component_that_cannot_be_had_is_a_stack_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one sentence of the components reaches the caller as the stack's own error."""

    def refuse(*_: object, **__: object) -> None:
        raise ComponentError("no compiler: apt install gcc, or put prometheus on PATH")

    monkeypatch.setattr(programs, "resolve_all", refuse)
    with pytest.raises(StackError, match="no compiler"):
        EmbeddedStack(services=("redis",)).start()
