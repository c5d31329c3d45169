from __future__ import annotations

from pathlib import Path

import pytest

from acceptance.stack.compose.images import choose, contexts
from acceptance.stack.compose.images.grafana import VARIABLE, real_image
from acceptance.stack.compose.versions import grafana_used
from acceptance.stack.docker import docker_cli
from acceptance.stack.docker.docker_cli import DockerResult
from acceptance.stack.interface import GrafanaChoice, StackError
from acceptance.world.grafana.identity import VERSION
from evidence.grafana import GrafanaKind

OFFICIAL = choose.official()[VARIABLE]
OWN = "registry.example/own-grafana:11.0.0"


def _checkout(folder: Path, line: str) -> Path:
    (folder / "docker").mkdir()
    if line:
        (folder / "docker" / ".env").write_text(f"{VARIABLE}={line}\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("choice", "kind", "line", "image"),
    [
        ("auto", "official", "", OFFICIAL),
        ("auto", "local", "", None),
        ("auto", "local", OWN, OWN),
        ("auto", "official", OWN, OWN),
        ("auto", "local", f"{contexts.NAMESPACE}/grafana:1", None),
        ("real", "local", "", OFFICIAL),
        ("real", "local", OWN, OWN),
        ("real", "official", f"{contexts.NAMESPACE}/grafana:1", OFFICIAL),
        ("standin", "official", "", None),
        ("standin", "official", OWN, None),
    ],
)
def test_whose_grafana_it_is(tmp_path: Path, choice: GrafanaChoice, *, kind: str, line: str, image: str | None) -> None:
    """The user's image where one is named, the official one beside official images, else the stand-in."""
    root = _checkout(tmp_path, line)
    told: list[str] = []
    assert real_image(choice, kind=kind, root=root, official=OFFICIAL, tell=told.append) == image
    assert bool(told) == (choice == "standin" and line == OWN)


def test_the_environment_names_one_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for compose itself it wins over docker/.env."""
    monkeypatch.setenv(VARIABLE, OWN)
    root = _checkout(tmp_path, "another/grafana:10.0.0")
    assert real_image("auto", kind="local", root=root, official=OFFICIAL, tell=str) == OWN


class _NoRegistry:
    """An engine without images, on a machine that reaches no registry."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[tuple[str, ...]] = []
        monkeypatch.setattr(docker_cli, "present", lambda _: set())
        monkeypatch.setattr(docker_cli, "docker", self.docker)

    def docker(self, *args: str, seconds: float = 0.0) -> DockerResult:
        assert seconds > 0
        self.asked.append(args)
        return DockerResult(code=1, stdout="", stderr="no such host")


def test_real_without_a_registry_says_the_ways_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """What can only be built here is no Grafana: it fails before anything is built, and names what helps."""
    engine = _NoRegistry(monkeypatch)
    with pytest.raises(StackError, match=r"cannot be pulled.*docker load.*GRAFANA_IMAGE.*--grafana standin"):
        choose.prepare("local", grafana="real")
    assert [args[0] for args in engine.asked] == ["pull"]


def test_an_image_that_was_named_is_not_silently_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever names his Grafana does not want the stand-in instead, though `auto` would take it."""
    monkeypatch.setenv(VARIABLE, OWN)
    _NoRegistry(monkeypatch)
    with pytest.raises(StackError, match=f"{OWN} cannot be pulled"):
        choose.prepare("local")


@pytest.mark.parametrize(
    ("image", "version", "kind", "label"),
    [
        (f"{contexts.NAMESPACE}/grafana:1", "unknown", GrafanaKind.STANDIN, "stand-in"),
        ("registry.example/copied:1", VERSION, GrafanaKind.STANDIN, "stand-in"),
        ("grafana/grafana:12.4.4", "12.4.4", GrafanaKind.IMAGE, "Grafana 12.4.4 (official image)"),
        (OWN, "11.0.0", GrafanaKind.IMAGE, f"Grafana 11.0.0 (image {OWN})"),
    ],
)
def test_what_ran_is_told_by_what_it_is(image: str, version: str, kind: GrafanaKind, label: str) -> None:
    """A stand-in under any name is called one."""
    used = grafana_used(image, version)
    assert (used.kind, used.label) == (kind, label)
