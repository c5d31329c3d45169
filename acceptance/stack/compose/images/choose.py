"""Which images the compose stack runs: the official ones, or ones built here where no registry answers.

``python -m acceptance.stack.compose.images.choose`` (``make images``) decides, pulls or builds, and writes the names
into ``docker/.env``, so that a plain ``docker compose`` in ``docker/`` uses them.
"""

from __future__ import annotations

import argparse
import re
import socket
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout

from acceptance.stack.binaries.cache import cache_root
from acceptance.stack.binaries.component import ComponentError
from acceptance.stack.binaries.progress import Progress
from acceptance.stack.binaries.resolve import resolve_all
from acceptance.stack.compose.images import contexts, wheelhouse
from acceptance.stack.compose.images import grafana as compose_grafana
from acceptance.stack.compose.images.grafana import VARIABLE as GRAFANA
from acceptance.stack.docker import docker_cli as engine
from acceptance.stack.docker import env_file as compose_env
from acceptance.stack.docker import file_modes
from acceptance.stack.interface import GRAFANA_CHOICES, GrafanaChoice, StackError

ROOT = Path(__file__).resolve().parents[4]
"""The checkout."""

Mode = Literal["auto", "official", "local"]
MODES: tuple[Mode, ...] = ("auto", "official", "local")

_OFFICIAL = re.compile(r"\$\{(\w+_IMAGE):-([^}]+)\}")
_REGISTRY_SECONDS = 6.0  # for the question whether a registry answers at all
_PULL_SECONDS = 900.0
_BUILD_SECONDS = 1200.0
_LOCK_SECONDS = 1800.0
_KEPT_IMAGES = 3  # of each name: the present one and two earlier ones

HOST_NAME = "PREFLIGHT_HOST"
"""Line of ``docker/.env``: what alerts call this machine, since a container's own name is new with each run."""

KIND = "IMAGES_KIND"
"""Line of ``docker/.env`` that says which family the stack's volumes have seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """The images to run, all of them there."""

    kind: Literal["official", "local"]
    reason: str  # why this kind
    names: Mapping[str, str]  # variable of docker-compose.yml -> image
    settings: Mapping[str, str]  # what docker-compose.local.yml needs besides


def official(root: Path = ROOT) -> dict[str, str]:
    """Variable -> official image, as docker-compose.yml names them."""
    return dict(_OFFICIAL.findall((root / "docker" / "docker-compose.yml").read_text(encoding="utf-8")))


def choose(mode: Mode, root: Path = ROOT) -> tuple[Literal["official", "local"], str]:
    """Decide which kind to use, in a few seconds, and say why."""
    if mode != "auto":
        return mode, "asked for"
    wanted = official(root)
    missing = sorted({*wanted.values()} - engine.present(list(wanted.values())))
    if not missing:
        return "official", "all official images are here already"
    done = engine.docker("manifest", "inspect", missing[0], seconds=_REGISTRY_SECONDS)
    if done.code == 0:
        return "official", f"an image registry answers (asked for {missing[0]})"
    return "local", f"no image registry gives {missing[0]} ({done.last_line})"


def steady(mode: Mode, present: Mapping[str, str]) -> tuple[Mode, str]:
    """Make of ``auto`` what was chosen before, since a volume that one family wrote the other may not be able to read.

    Args:
        mode: What is asked for.
        present: The lines of ``docker/.env``.

    Returns:
        The mode to take, and a sentence about it (``""`` when there is nothing to say).
    """
    before = present.get(KIND, "")
    if before not in {"official", "local"}:
        return mode, ""
    if mode == "auto":
        kept: Mode = "official" if before == "official" else "local"
        return (
            kept,
            f"staying with {before} images, which docker/.env names; IMAGES=official or IMAGES=local changes it",
        )
    if mode != before:
        warning = "volumes that the others wrote may not be readable to them, see 'Upgrade' in docs/compose.md"
        return mode, f"changing from {before} to {mode} images: {warning}"
    return mode, ""


def prepare(
    mode: Mode = "auto",
    *,
    grafana: GrafanaChoice = "auto",
    root: Path = ROOT,
    tell: Callable[[str], object] = lambda _: None,
) -> Images:
    """Have every image there, pulling or building what is missing.

    Args:
        mode: Which family of images.
        grafana: Whether that of the dashboards has to be a Grafana, or the stand-in, whatever the others are.
        root: The checkout.
        tell: Is given a line about what was chosen and about each slow step.

    Raises:
        StackError: One cannot be had; says which, and what to do.
    """
    kind, reason = choose(mode, root)
    tell(f"using {kind} images: {reason}")
    names: dict[str, str] = {}
    if kind == "official":
        names = {name: image for name, image in official(root).items() if name != GRAFANA}
        trouble = _pull(names, tell)
        if trouble and mode == "official":
            message = f"{trouble} Try again, or build them here: make images IMAGES=local"
            raise StackError(message)
        if trouble:
            kind, reason, names = "local", trouble, {}
            tell(f"using local images after all: {trouble}")
    names |= _grafana(mode, grafana, kind, root, tell)
    lock = FileLock(cache_root() / "compose-images.lock")
    try:
        cache_root().mkdir(parents=True, exist_ok=True)
        with lock.acquire(timeout=_LOCK_SECONDS, poll_interval=0.2):
            built, settings = _build([i for i in contexts.IMAGES if i.variable not in names], root, tell)
    except Timeout as error:
        message = f"another run has been building images for {_LOCK_SECONDS / 60:.0f} minutes: wait for it or end it"
        raise StackError(message) from error
    except ComponentError as error:
        raise StackError(str(error)) from error
    except OSError as error:
        message = f"the build contexts cannot be written to {cache_root()}: {error}.{engine.disk_full(str(error))}"
        raise StackError(message) from error
    return Images(kind=kind, reason=reason, names={**names, **built}, settings=settings)


def _grafana(
    mode: Mode, choice: GrafanaChoice, kind: Literal["official", "local"], root: Path, tell: Callable[[str], object]
) -> dict[str, str]:
    """Have the image of a Grafana; nothing where the stand-in is to be built.

    Raises:
        StackError: One was asked for or named, and cannot be had; says the ways to get one.
    """
    usual = official(root)[GRAFANA]
    image = compose_grafana.real_image(choice, kind=kind, root=root, official=usual, tell=tell)
    trouble = _pull({GRAFANA: image}, tell) if image is not None else ""
    if trouble and (choice == "real" or mode == "official" or image != usual):
        message = f"grafana: {trouble} {compose_grafana.WAYS}"
        raise StackError(message)
    if image is None or trouble:
        tell(f"grafana: {compose_grafana.STANDIN}" + (f", since {trouble}" if trouble else ""))
        return {}
    tell(f"grafana: the image {image}")
    return {GRAFANA: image}


def _pull(names: Mapping[str, str], tell: Callable[[str], object]) -> str:
    """Pull what is missing; a sentence about the first that cannot be had, else ``""``."""
    for image in sorted({*names.values()} - engine.present(list(names.values()))):
        tell(f"pulling {image} ...")
        with Progress().working("images"):
            done = engine.docker("pull", "--quiet", image, seconds=_PULL_SECONDS)
        if done.code != 0:
            return f"{image} cannot be pulled: {done.last_line}.{engine.disk_full(done.said)}"
    return ""


def _build(
    wanted: Sequence[contexts.Local], root: Path, tell: Callable[[str], object]
) -> tuple[dict[str, str], dict[str, str]]:
    """Build those of the wanted images that are not there; give all their names, and the settings used."""
    programs = sorted({name for image in wanted for name in image.components})
    # Not from PATH: an image is to hold what the pins say, and programs on PATH may need the host's libraries.
    components = resolve_all(programs, use_path=False) if programs else {}
    base = _base(root, tell)
    names = {i.variable: contexts.tag(root, i, components, engine.image_id(base)) for i in wanted}
    folder = cache_root() / "compose-contexts"
    settings = {
        "BASE_IMAGE": base,
        "LOCAL_CONTEXTS": str(folder),
        "APP_VERSION": wheelhouse.project_version(root),
    }
    there = engine.present(list(names.values()))
    missing = [image for image in wanted if names[image.variable] not in there]
    if missing:
        contexts.fill(root, folder, missing, components)
        docker = root / "docker"
        compose = ("docker", "compose", "--project-directory", str(docker))
        files = ("-f", str(docker / "docker-compose.yml"), "-f", str(docker / "docker-compose.local.yml"))
        proxies = [f"--build-arg={name}" for name in engine.proxies()]  # the values come from the environment
        services = [image.service for image in missing]
        tell(f"building {', '.join(services)} ...")
        began = time.monotonic()
        # Every variable of the compose file has to have a value, also those of images that are not built.
        every = {image.variable: "unused:none" for image in contexts.IMAGES} | {"SECRETS_DIR": "."}
        with Progress().working("images") as step:
            step(f"docker build, at most {_BUILD_SECONDS / 60:.0f} min")
            done = engine.run(
                (*compose, *files, "--profile", "preflight", "build", *proxies, *services),
                seconds=_BUILD_SECONDS,
                env={**engine.environment(), **engine.proxies(), **every, **settings, **names},
            )
        if done.code != 0:
            message = f"building {', '.join(services)} failed: {done.said}{engine.disk_full(done.said)}"
            raise StackError(message)
        tell(f"built {len(services)} images in {time.monotonic() - began:.0f} s")
        named = {*compose_env.read(root / "docker" / ".env").values()}
        for image in missing:
            _drop_old(names[image.variable], named)
    return names, settings


def _base(root: Path, tell: Callable[[str], object]) -> str:
    """Name of the image below all others, made unless it is there."""
    script = root / "scripts" / "make_base_image.sh"
    with Progress().working("images"):
        done = engine.run((str(script),), seconds=_BUILD_SECONDS, env={**engine.environment(), **engine.proxies()})
    for line in done.stderr.splitlines():
        if "already there" not in line:
            tell(line)
    if done.code != 0:
        message = f"the base image cannot be made: {done.said}{engine.disk_full(done.said)}"
        raise StackError(message)
    debian = f"{contexts.NAMESPACE}/debian:trixie"
    spec = contexts.Local(service="base", variable="BASE_IMAGE", folder="base")
    name = contexts.tag(root, spec, {}, engine.image_id(debian))
    if not engine.present([name]):
        tell("building base ...")
        proxies = [f"--build-arg={each}" for each in engine.proxies()]
        folder = root / "docker" / "images" / "base"
        argv = ("docker", "build", "-q", "--build-arg", f"DEBIAN_IMAGE={debian}", *proxies, "-t", name, str(folder))
        done = engine.run(argv, seconds=_BUILD_SECONDS, env={**engine.environment(), **engine.proxies()})
        if done.code != 0:
            message = f"building base failed: {done.said}{engine.disk_full(done.said)}"
            raise StackError(message)
    return name


def _drop_old(name: str, named: Collection[str]) -> None:
    """Remove all but the newest few images of a name.

    Not those that ``docker/.env`` names: that stack may be down just now. One that a container uses is left by Docker.
    """
    repository = name.partition(":")[0]
    listed = engine.docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", repository).stdout.split()
    for old in listed[_KEPT_IMAGES:]:  # newest first
        if old != name and old not in named:
            engine.docker("image", "rm", old)


def main(argv: Sequence[str] | None = None) -> int:
    """Have the images and write their names into ``docker/.env``; 0, or 1 with one sentence."""
    parser = argparse.ArgumentParser(prog="make images", description="Pull or build the images of the compose stack.")
    parser.add_argument(
        "--images",
        choices=MODES,
        default="auto",
        help="which; auto: as before, at first official where a registry answers",
    )
    parser.add_argument(
        "--grafana",
        choices=GRAFANA_CHOICES,
        default="auto",
        help="a Grafana, or the stand-in; auto: a Grafana with official images and where GRAFANA_IMAGE names one",
    )
    parser.add_argument("--docker-dir", type=Path, default=ROOT / "docker", help="folder of docker-compose.yml")
    parser.add_argument("--only-have", action="store_true", help="have the images, and leave docker/.env as it is")
    options = parser.parse_args(argv)

    def tell(line: str) -> None:
        sys.stderr.write(f"images: {line}\n")

    env_file = options.docker_dir / ".env"
    try:
        trouble = engine.why_unusable()
        if trouble is not None:
            raise StackError(trouble)
        opened = file_modes.open_configuration(options.docker_dir.parent)
        if opened:
            tell(f"let the containers' users read {len(opened)} files and folders: {', '.join(file_modes.MOUNTED)}")
        present = compose_env.read(env_file)
        mode, said = (options.images, "") if options.only_have else steady(options.images, present)
        if said:
            tell(said)
        images = prepare(mode, grafana=options.grafana, tell=tell)
        values, gone = settings_for(images, present)
        if not options.only_have:
            host = {HOST_NAME: present.get(HOST_NAME) or socket.gethostname()}
            compose_env.update(env_file, {**host, **values}, remove=gone)
    except (StackError, OSError) as error:
        sys.stderr.write(f"images: {error}\n")
        return 1
    for variable, name in sorted(images.names.items()):
        sys.stdout.write(f"{values.get(variable, present.get(variable, name))}\n")
    return 0


def settings_for(images: Images, present: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The lines to set in ``docker/.env``, and the names of those to take away.

    An image that somebody else named there, such as his own bot's, is kept, whatever the variable.
    """
    ours = f"{contexts.NAMESPACE}/"
    own = {name for name, value in present.items() if value and not value.startswith(ours)}
    names = {name: image for name, image in images.names.items() if image.startswith(ours) and name not in own}
    gone = tuple(image.variable for image in contexts.IMAGES if image.variable not in {*names, *own})
    return {**names, **images.settings, KIND: images.kind}, gone


if __name__ == "__main__":
    sys.exit(main())
