from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from acceptance.stack.binaries.component import Component
from acceptance.stack.compose.images import choose as compose_images
from acceptance.stack.compose.images import contexts
from acceptance.stack.compose.images.choose import Images, choose, settings_for, steady
from acceptance.stack.compose.images.contexts import Local
from acceptance.stack.docker import docker_cli
from acceptance.stack.docker.docker_cli import DockerResult
from acceptance.stack.interface import StackError

OK = DockerResult(code=0, stdout="{}", stderr="")
REFUSED = DockerResult(code=1, stdout="", stderr="first\nno such host")


class _Engine:
    """Stands in for the engine: which images it has, and what a registry answers."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, has: Sequence[str], registry: DockerResult) -> None:
        self.asked: list[tuple[str, ...]] = []
        self._registry = registry
        monkeypatch.setattr(docker_cli, "present", lambda images: {*has} & {*images})
        monkeypatch.setattr(docker_cli, "docker", self.docker)

    def docker(self, *args: str, seconds: float = 0.0) -> DockerResult:
        assert 0 < seconds <= 10, "the decision has to be quick"
        self.asked.append(args)
        return self._registry


def test_official_images_are_at_exact_versions() -> None:
    """The compose file names one official image for each service that has one."""
    found = compose_images.official()
    assert set(found) == {image.variable for image in contexts.IMAGES} - contexts.OWN
    assert all(name.partition("@")[0].rpartition(":")[2][0] in "v123456789" for name in found.values())


def test_q16_a_digest_beside_the_tag_is_what_is_asked_for_and_pulled(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where the compose file or the user names the bytes, no tag that was moved takes their place."""
    pinned = f"redis:8.4.0-bookworm@sha256:{'ab' * 32}"
    (tmp_path / "docker").mkdir()
    text = (compose_images.ROOT / "docker" / "docker-compose.yml").read_text(encoding="utf-8")
    changed = text.replace(":-redis:8.4.0-bookworm}", f":-{pinned}}}")
    (tmp_path / "docker" / "docker-compose.yml").write_text(changed, encoding="utf-8")
    assert compose_images.official(tmp_path)["REDIS_IMAGE"] == pinned
    others = [name for name in compose_images.official().values() if not name.startswith("redis:")]
    engine = _Engine(monkeypatch, has=others, registry=OK)
    assert compose_images.choose("auto", tmp_path)[0] == "official"
    assert [args[-1] for args in engine.asked] == [pinned]
    values, _ = settings_for(_images("local", **LOCAL), {"REDIS_IMAGE": pinned})
    assert "REDIS_IMAGE" not in values  # the line of the user's own stays


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


VARIABLES = [image.variable for image in contexts.IMAGES]
LOCAL = {name: f"arbitrage-local/{name.lower()}:1" for name in VARIABLES}


def _images(kind: Literal["official", "local"], **names: str) -> Images:
    return Images(kind=kind, reason="", names=names, settings={"BASE_IMAGE": "base:1"})


@pytest.mark.parametrize("kind", ["official", "local"])
@pytest.mark.parametrize("variable", VARIABLES)
def test_an_image_of_the_users_own_is_kept(variable: str, kind: Literal["official", "local"]) -> None:
    """What he put into docker/.env, his bot or a mirror's Redis, `make images` neither replaces nor takes away."""
    official = {**LOCAL, **compose_images.official()}
    images = _images(kind, **(LOCAL if kind == "local" else official))
    values, gone = settings_for(images, {variable: "mine/own:7"})
    assert variable not in values
    assert variable not in gone


def test_official_names_are_left_to_the_compose_file() -> None:
    """Only images built here are written down, local ones of before go: the compose file's own versions hold then."""
    images = _images("official", REDIS_IMAGE="redis:8", ENGINE_IMAGE="arbitrage-local/engine:1")
    values, gone = settings_for(images, {"REDIS_IMAGE": "arbitrage-local/redis:1"})
    assert values == {"ENGINE_IMAGE": "arbitrage-local/engine:1", "BASE_IMAGE": "base:1", "IMAGES_KIND": "official"}
    assert "REDIS_IMAGE" in gone


def test_local_names_are_written_down() -> None:
    """Each image that was built here, in the place of an earlier one."""
    values, gone = settings_for(_images("local", **LOCAL), {"REDIS_IMAGE": "arbitrage-local/redis:0"})
    assert values == {**LOCAL, "BASE_IMAGE": "base:1", "IMAGES_KIND": "local"}
    assert gone == ()


@pytest.mark.parametrize("before", ["official", "local"])
def test_auto_stays_with_what_the_volumes_have_seen(before: str) -> None:
    """A registry that is down on the day of an upgrade does not put Grafana 10 on a database of Grafana 12."""
    mode, said = steady("auto", {"IMAGES_KIND": before})
    assert mode == before
    assert f"staying with {before}" in said


def test_a_change_of_family_is_made_when_asked_for_and_said() -> None:
    """Explicitly, with a word on the volumes."""
    mode, said = steady("official", {"IMAGES_KIND": "local"})
    assert mode == "official"
    assert "changing from local to official" in said
    assert "volumes" in said


@pytest.mark.parametrize("present", [{}, {"IMAGES_KIND": "nonsense"}], ids=["first time", "unknown word"])
@pytest.mark.parametrize("mode", ["auto", "official", "local"])
def test_the_first_time_nothing_is_remembered(mode: compose_images.Mode, present: dict[str, str]) -> None:
    """What is asked for is taken, without a word."""
    assert steady(mode, present) == (mode, "")


def test_images_that_the_env_file_names_are_not_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Old ones go, but for those that a stack which is down just now would be started from."""
    listed = [f"arbitrage-local/redis:{number}" for number in range(6)]  # newest first
    removed: list[str] = []

    def docker(*args: str, seconds: float = 0.0) -> DockerResult:
        assert seconds >= 0
        if args[:2] == ("image", "rm"):
            removed.append(args[2])
        return DockerResult(code=0, stdout="\n".join(listed), stderr="")

    monkeypatch.setattr(docker_cli, "docker", docker)
    compose_images._drop_old(listed[0], {listed[4]})
    assert removed == [listed[3], listed[5]]


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
    assert contexts.tag(root, image, components, "b") == contexts.tag(root, image, components, "b")


@pytest.mark.parametrize("what", ["dockerfile", "mode", "new file", "program", "base"])
def test_tag_changes_with_every_input(site: tuple[Path, Local, dict[str, Component]], what: str) -> None:
    """Whatever goes into an image changes its tag, so that a stale one is never run."""
    root, image, components = site
    before = contexts.tag(root, image, components, "base")
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
    assert contexts.tag(root, image, components, base) != before


def test_context_holds_dockerfile_and_program(
    site: tuple[Path, Local, dict[str, Component]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A build context is the image's folder and the programs it copies, readable whatever the checkout's modes."""
    root, image, components = site
    (root / "docker" / "images" / "thing" / "Dockerfile").chmod(0o600)
    monkeypatch.setattr(contexts, "IMAGES", (image,))
    contexts.fill(root, tmp_path / "out", [image], components)
    found = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "out" / "thing").iterdir()}
    assert set(found) == {"Dockerfile", "program"}
    assert found["Dockerfile"] == 0o644


@pytest.mark.parametrize(
    ("what", "said"),
    [("base", "the base image cannot be made"), ("build", r"building .*redis.* failed")],
)
def test_a_disk_that_is_full_while_building_is_named(
    what: str, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whichever step meets it, the error is that step's, with where to make room."""
    full = DockerResult(code=1, stdout="", stderr="write /x: No space left on device")

    def run(argv: Sequence[str], **_: object) -> DockerResult:
        is_base = str(argv[0]).endswith("make_base_image.sh")
        return full if is_base == (what == "base") else OK

    monkeypatch.setenv("ARBITRAGE_CACHE", str(tmp_path))
    monkeypatch.setattr(docker_cli, "run", run)
    monkeypatch.setattr(docker_cli, "docker", lambda *_, **__: OK)
    monkeypatch.setattr(docker_cli, "present", lambda names: {each for each in names if "/base:" in each})
    monkeypatch.setattr(docker_cli, "run_bytes", lambda *_, **__: b"/where/docker/lives")
    monkeypatch.setattr(compose_images, "resolve_all", _programs(tmp_path))
    monkeypatch.setattr(contexts, "fill", lambda *_: None)
    with pytest.raises(StackError, match=rf"(?s){said}.*disk below /where/docker/lives is full"):
        compose_images.prepare("local")


def _programs(folder: Path) -> Callable[..., dict[str, Component]]:
    """Stand in for the built programs."""
    binary = folder / "program"
    binary.touch()

    def resolve(names: Sequence[str], **_: object) -> dict[str, Component]:
        return {name: Component(name=name, binary=binary, home=None, version="1", source="built") for name in names}

    return resolve


def test_another_error_is_not_blamed_on_the_disk() -> None:
    """Only what complains of the disk is given that advice."""
    assert docker_cli.disk_full("syntax error") == ""
