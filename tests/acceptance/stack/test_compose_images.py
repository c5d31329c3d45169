from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from acceptance.stack import compose_contexts, compose_engine, compose_images
from acceptance.stack.component import Component
from acceptance.stack.compose_contexts import Local
from acceptance.stack.compose_engine import Done
from acceptance.stack.compose_images import Images, choose, settings_for

OK = Done(code=0, stdout="{}", stderr="")
REFUSED = Done(code=1, stdout="", stderr="first\nno such host")


class _Engine:
    """Stands in for the engine: which images it has, and what a registry answers."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, has: Sequence[str], registry: Done) -> None:
        self.asked: list[tuple[str, ...]] = []
        self._registry = registry
        monkeypatch.setattr(compose_engine, "present", lambda images: {*has} & {*images})
        monkeypatch.setattr(compose_engine, "docker", self.docker)

    def docker(self, *args: str, seconds: float = 0.0) -> Done:
        assert 0 < seconds <= 10, "the decision has to be quick"
        self.asked.append(args)
        return self._registry


def test_official_images_are_at_exact_versions() -> None:
    """The compose file names one official image for each service that has one."""
    found = compose_images.official()
    assert set(found) == {image.variable for image in compose_contexts.IMAGES} - compose_contexts.OWN
    assert all(name.rpartition(":")[2][0] in "v123456789" for name in found.values())


def test_auto_takes_official_images_that_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a network, what was pulled before is used; no registry is asked."""
    engine = _Engine(monkeypatch, has=list(compose_images.official().values()), registry=REFUSED)
    kind, reason = choose("auto")
    assert (kind, engine.asked) == ("official", [])
    assert "here already" in reason


def test_auto_takes_official_images_where_a_registry_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """One question to the registry decides."""
    engine = _Engine(monkeypatch, has=[], registry=OK)
    assert choose("auto")[0] == "official"
    assert len(engine.asked) == 1


def test_auto_builds_where_no_registry_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry that gives nothing means local images, and the reason carries its answer."""
    _Engine(monkeypatch, has=[], registry=REFUSED)
    kind, reason = choose("auto")
    assert kind == "local"
    assert "no such host" in reason


@pytest.mark.parametrize("mode", ["official", "local"])
def test_what_is_asked_for_is_taken(monkeypatch: pytest.MonkeyPatch, mode: compose_images.Mode) -> None:
    """An explicit choice asks nobody."""
    engine = _Engine(monkeypatch, has=[], registry=REFUSED)
    assert choose(mode) == (mode, "asked for")
    assert engine.asked == []


def _images(**names: str) -> Images:
    return Images(kind="local", reason="", names=names, settings={"BASE_IMAGE": "base:1"})


def test_a_users_own_bot_is_kept() -> None:
    """`make images` does not put the stand-in back in the place of the bot that stands in docker/.env."""
    found = settings_for(_images(ENGINE_IMAGE="arbitrage-local/engine:1"), {"ENGINE_IMAGE": "mine/bot:7"})
    assert found["ENGINE_IMAGE"] == "mine/bot:7"


def test_official_names_are_left_to_the_compose_file() -> None:
    """Only images built here are written down: the compose file's own versions then stay in force."""
    found = settings_for(_images(REDIS_IMAGE="redis:8", ENGINE_IMAGE="arbitrage-local/engine:1"), {})
    assert found == {"ENGINE_IMAGE": "arbitrage-local/engine:1", "BASE_IMAGE": "base:1"}


@pytest.fixture
def site(tmp_path: Path) -> tuple[Path, Local, dict[str, Component]]:
    """A checkout with one image that copies one program."""
    folder = tmp_path / "docker" / "images" / "thing"
    folder.mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM x", encoding="utf-8")
    binary = tmp_path / "program"
    binary.write_text("1", encoding="utf-8")
    component = Component(name="program", binary=binary, home=None, version="1.0", source="built")
    return (
        tmp_path,
        Local(service="thing", variable="T", folder="thing", components=("program",)),
        {"program": component},
    )


def test_tag_is_stable(site: tuple[Path, Local, dict[str, Component]]) -> None:
    """The same inputs give the same tag, whenever asked."""
    root, image, components = site
    assert compose_contexts.tag(root, image, components, "b") == compose_contexts.tag(root, image, components, "b")


@pytest.mark.parametrize("what", ["dockerfile", "mode", "new file", "program", "base"])
def test_tag_changes_with_every_input(site: tuple[Path, Local, dict[str, Component]], what: str) -> None:
    """Whatever goes into an image changes its tag, so that a stale one is never run."""
    root, image, components = site
    before = compose_contexts.tag(root, image, components, "base")
    dockerfile = root / "docker" / "images" / "thing" / "Dockerfile"
    base = "base"
    match what:
        case "dockerfile":
            dockerfile.write_text("FROM y", encoding="utf-8")
        case "mode":
            dockerfile.chmod(0o755)
        case "new file":
            (dockerfile.parent / "run.sh").write_text("", encoding="utf-8")
        case "program":
            components["program"] = replace(components["program"], version="1.1")
        case _:
            base = "another"
    assert compose_contexts.tag(root, image, components, base) != before


def test_context_holds_dockerfile_and_program(
    site: tuple[Path, Local, dict[str, Component]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A build context is the image's folder and the programs it copies, readable whatever the checkout's modes."""
    root, image, components = site
    (root / "docker" / "images" / "thing" / "Dockerfile").chmod(0o600)
    monkeypatch.setattr(compose_contexts, "IMAGES", (image,))
    compose_contexts.fill(root, tmp_path / "out", [image], components)
    found = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "out" / "thing").iterdir()}
    assert set(found) == {"Dockerfile", "program"}
    assert found["Dockerfile"] == 0o644


def test_a_full_disk_is_named() -> None:
    """A build that complains of a full disk says where to make room; others are not blamed on it."""
    assert "full" in compose_engine.disk_full("write /x: No space left on device")
    assert compose_engine.disk_full("syntax error") == ""
