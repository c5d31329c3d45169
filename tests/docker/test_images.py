from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from acceptance.stack.compose.images import choose
from acceptance.stack.compose.images.contexts import IMAGES, Local
from acceptance.stack.compose.images.wheelhouse import project_version
from acceptance.stack.docker.docker_cli import DockerResult, docker, run
from acceptance.stack.interface import SERVICES

pytestmark = [pytest.mark.compose, pytest.mark.timeout(900)]

OWN = ["ENGINE_IMAGE", "PREFLIGHT_IMAGE"]
PGDATA = "/var/lib/postgresql/data"
TEXTFILE = "/var/lib/node_exporter/textfile"


@pytest.fixture(scope="module")
def images() -> dict[str, str]:
    """Variable -> local image, built if need be."""
    return dict(choose.prepare("local").names)


def _inspect(image: str) -> dict[str, object]:
    found: list[dict[str, object]] = json.loads(docker("image", "inspect", image).stdout)
    return found[0]


def _sh(image: str, script: str, *options: str) -> str:
    """Output of a shell script in a throwaway container, as the image's own user."""
    argv = ("run", "--rm", "--network", "none", *options, "--entrypoint", "sh", image, "-euc", script)
    done = docker(*argv, seconds=60.0)
    assert done.code == 0, done.stderr
    return done.stdout.strip()


def test_every_service_has_a_local_image(images: dict[str, str]) -> None:
    """Where no registry answers, each service of the compose file can still be built."""
    assert {image.service for image in IMAGES} == {*SERVICES, "preflight"}
    assert set(images) == {image.variable for image in IMAGES}


def test_unchanged_inputs_are_not_built_again(images: dict[str, str]) -> None:
    """A second run finds every image by the digest of its inputs and builds none."""
    told: list[str] = []
    again = choose.prepare("local", tell=told.append)
    assert again.names == images
    assert [line for line in told if "build" in line] == []


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.service)
def test_image_runs_as_the_user_that_its_service_names(
    images: dict[str, str], config: dict[str, Any], image: Local
) -> None:
    """Started bare it runs as the user whom the compose file names; our own two, where it names none, as 10001."""
    named = config["services"][image.service].get("user")
    assert _sh(images[image.variable], 'echo "$(id -u):$(id -g)"') == (named or "10001:10000")


@pytest.mark.parametrize("variable", [*OWN, "GRAFANA_IMAGE"])
def test_own_images_hold_no_compiler_and_no_installer(images: dict[str, str], variable: str) -> None:
    """Nothing inside can compile or install."""
    script = "for tool in gcc cc g++ clang make go pip pip3; do command -v $tool || true; done"
    assert _sh(images[variable], script) == ""
    assert _sh(images[variable], "python3 -c 'import pip' 2>/dev/null && echo there || echo gone") == "gone"


@pytest.mark.parametrize("variable", OWN)
def test_own_images_are_small_and_labelled(images: dict[str, str], variable: str) -> None:
    """Below 400 MB, with this project's version as label."""
    found = _inspect(images[variable])
    assert isinstance(found["Size"], int)
    assert found["Size"] < 400e6
    config = found["Config"]
    assert isinstance(config, dict)
    assert config["Labels"]["org.opencontainers.image.version"] == project_version(choose.ROOT)


def test_the_image_in_redis_place_is_valkey(images: dict[str, str]) -> None:
    """Under the names that the compose file types; no package of Redis, which is under another licence since 8."""
    script = "redis-server --version; redis-cli --version; dpkg-query -W -f '${Package}\\n' | grep -i redis || true"
    said = _sh(images["REDIS_IMAGE"], script)
    assert [line.partition(" ")[0] for line in said.lower().splitlines()] == ["valkey", "valkey-cli"]


def test_the_image_in_grafanas_place_is_the_stand_in(images: dict[str, str]) -> None:
    """Below 400 MB, started by the official image's start script, and no program of Grafana's is inside."""
    size = _inspect(images["GRAFANA_IMAGE"])["Size"]
    assert isinstance(size, int)
    assert size < 400e6
    assert _sh(images["GRAFANA_IMAGE"], "test -x /run.sh; command -v grafana grafana-server || echo none") == "none"
    done = docker("run", "--rm", "--network", "none", images["GRAFANA_IMAGE"], seconds=60.0)
    assert done.code == 2, done.said
    assert "GF_SECURITY_ADMIN_PASSWORD__FILE" in done.stderr


def test_own_images_hold_the_gate_and_not_the_harness(images: dict[str, str]) -> None:
    """Preflight and engine are importable there with their data files; the harness is not inside."""
    script = (
        'python3 -c "import preflight, engine, importlib.util as u, importlib.resources as r;'
        " print(u.find_spec('acceptance') is None or not u.find_spec('acceptance.stack'),"
        " any(p.name.endswith('.sql') for p in (r.files('engine') / 'migrations').iterdir()))\""
    )
    assert _sh(images["PREFLIGHT_IMAGE"], script) == "True True"


@pytest.mark.parametrize("reader_first", [True, False], ids=["reader-first", "writer-first"])
@pytest.mark.parametrize("reader", ["NODE_EXPORTER_IMAGE", "BASE_IMAGE"], ids=["exporter", "image-without-the-path"])
def test_first_mount_of_an_empty_volume_may_be_either(
    images: dict[str, str], reader: str, *, reader_first: bool
) -> None:
    """Whichever container mounts an empty textfile volume first, preflight can write to it and the other can read."""
    prepared = choose.prepare("local")
    reading = {**images, **prepared.settings}[reader]
    volume = docker("volume", "create").stdout.strip()
    mount = ("-v", f"{volume}:{TEXTFILE}")
    try:
        if reader_first:
            _sh(reading, f"ls -A {TEXTFILE}", *mount, "--user", "65534")
        _sh(images["PREFLIGHT_IMAGE"], f"echo written >{TEXTFILE}/a.prom && chmod 0644 {TEXTFILE}/a.prom", *mount)
        assert _sh(reading, f"cat {TEXTFILE}/a.prom", *mount, "--user", "65534") == "written"
        assert _sh(images["PREFLIGHT_IMAGE"], f"stat -c '%u:%g %a' {TEXTFILE}", *mount) == "10001:10000 2775"
    finally:
        docker("volume", "rm", volume)


@pytest.mark.parametrize("folder", ["/var/lib/arbitrage/ledger", "/var/lib/arbitrage/spool", TEXTFILE])
@pytest.mark.parametrize("ours_first", [True, False], ids=["ours first", "another first"])
def test_two_writers_of_different_users_share_a_new_volume(
    images: dict[str, str], folder: str, *, ours_first: bool
) -> None:
    """Preflight and a bot of another uid, in either order, both write to a volume that was empty."""
    users: list[tuple[str, ...]] = [(), ("--user", "12345:10000")]
    first, second = users if ours_first else users[::-1]
    volume = docker("volume", "create").stdout.strip()
    mount = ("-v", f"{volume}:{folder}")
    try:
        _sh(images["PREFLIGHT_IMAGE"], f"touch {folder}/one", *mount, *first)
        _sh(images["PREFLIGHT_IMAGE"], f"touch {folder}/two && rm {folder}/one", *mount, *second)
        assert _sh(images["PREFLIGHT_IMAGE"], f"stat -c %g {folder}/two", *mount) == "10000"
    finally:
        docker("volume", "rm", volume)


# --- a Postgres volume that is not empty ------------------------------------------------------------------------


@pytest.fixture
def cluster(images: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., DockerResult]]:
    """Run something in the Postgres image on one volume, as the compose file would have it."""
    password = tmp_path / "password"
    password.write_text("made-up", encoding="utf-8")
    password.chmod(0o444)
    volume = docker("volume", "create").stdout.strip()
    common = (
        *("run", "--rm", "--network", "none", "-v", f"{volume}:{PGDATA}", "-v", f"{password}:/run/password:ro"),
        *("--env", "POSTGRES_PASSWORD_FILE=/run/password"),
    )

    def within(*words: str, script: str = "") -> DockerResult:
        if script:
            return docker(*common, "--entrypoint", "sh", images["POSTGRES_IMAGE"], "-euc", script, seconds=60.0)
        return docker(*common, images["POSTGRES_IMAGE"], *words, seconds=120.0)

    yield within
    docker("volume", "rm", volume)


START = ("postgres", "--describe-config")
"""Makes the cluster like every start, and then a server that prints its settings and ends."""


def test_half_a_backup_is_not_wiped(cluster: Callable[..., DockerResult]) -> None:
    """Files without PG_VERSION that this image did not write: it says what they are, and leaves them alone."""
    assert cluster(script=f"mkdir {PGDATA}/base && echo kept >{PGDATA}/base/1").code == 0
    done = cluster(*START)
    assert (done.code, "not empty and is no cluster" in done.stderr) == (1, True), done.said
    assert cluster(script=f"cat {PGDATA}/base/1").stdout == "kept\n"


def test_a_cluster_whose_making_was_interrupted_is_made_anew(cluster: Callable[..., DockerResult]) -> None:
    """What an attempt of this image's own left does not keep the next one from starting, and then its mark is gone."""
    assert cluster(script=f"touch {PGDATA}/.arbitrage-making && echo half >{PGDATA}/postgresql.conf").code == 0
    done = cluster(*START)
    assert (done.code, "made a new cluster" in done.stdout) == (0, True), done.said
    assert cluster(script=f"ls -A {PGDATA} | grep arbitrage || echo none").stdout == "none\n"
    again = cluster(*START)
    assert (again.code, "made a new cluster" in again.stdout) == (0, False), again.said


def test_postgres_says_what_to_do_without_its_secret(images: dict[str, str]) -> None:
    """Without a password file the server does not start, and names the command that makes one."""
    done = docker("run", "--rm", "--network", "none", images["POSTGRES_IMAGE"], seconds=60.0)
    assert done.code == 1
    assert "make secrets" in done.stderr


def test_make_images_command_says_that_no_engine_answers(tmp_path: Path) -> None:
    """Without an engine the command ends with 1 and one sentence that says what to run."""
    done = run(
        (sys.executable, "-m", "acceptance.stack.compose.images.choose"),
        env={"PATH": os.environ["PATH"], "DOCKER_HOST": f"unix://{tmp_path}/none.sock"},
        cwd=choose.ROOT,
    )
    assert done.code == 1
    assert "install_docker.sh" in done.stderr
    assert "Traceback" not in done.stderr
