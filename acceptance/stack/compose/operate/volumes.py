"""The volumes of the operator's own compose stack that hold what cannot be made again."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from acceptance.stack.docker import docker_cli as engine
from acceptance.stack.interface import StackError

VOLUMES = ("postgres-data", "preflight-ledger", "preflight-spool", "redis-data")
"""As docker-compose.yml names them: paper positions and alert rows, counters, unsent alerts, the kill switch. Samples
and dashboards come back by themselves or from git."""

SUFFIX = "VOLUME_SUFFIX"
"""Line of ``docker/.env``: the end of these volumes' names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """One compose project's data."""

    docker_dir: Path  # folder of docker-compose.yml
    project: str
    names: Mapping[str, str]  # volume in docker-compose.yml -> its name
    tar_image: str  # any that has tar
    postgres_image: str

    def there(self) -> tuple[str, ...]:
        """Those of `VOLUMES` that exist: preflight's are made by its first run."""
        listed = {*engine.docker("volume", "ls", "--quiet").stdout.split()}
        return tuple(name for name in VOLUMES if self.names[name] in listed)

    def must_rest(self) -> None:
        """Look whether anything runs on the data.

        Raises:
            StackError: Something does, or it cannot be told; says what, and how to stop it.
        """
        filters = [f"label=com.docker.compose.project={self.project}", *(f"volume={n}" for n in self.names.values())]
        running: set[str] = set()
        for each in filters:
            done = engine.docker("ps", "--filter", each, "--format", "{{.Names}}")
            if done.code != 0:
                message = f"whether the stack runs cannot be told: {done.last_line}"
                raise StackError(message)
            running |= {*done.stdout.split()}
        if running:
            message = f"the stack runs ({', '.join(sorted(running))}): type 'docker compose stop' in {self.docker_dir}"
            raise StackError(f"{message}, then again")

    @contextmanager
    def tar(self, mounts: Mapping[str, str], *words: str, take: bool = False) -> Iterator[IO[bytes]]:
        """Run tar over volumes; its container is gone afterwards, whatever happened.

        Args:
            mounts: Name of a volume -> folder below ``/backup``, where tar starts.
            words: For tar.
            take: Whether tar writes to the volumes.

        Yields:
            What tar writes, or with `take` where to write what it is to read.

        Raises:
            StackError: It did not end well.
        """
        name = f"{self.project}-tar-{os.getpid()}"
        volumes = [w for volume, to in mounts.items() for w in ("-v", f"{volume}:/backup/{to}{'' if take else ':ro'}")]
        head = ("docker", "run", "--rm", "--name", name, "--user", "0", "--network", "none", "--entrypoint", "tar")
        argv = (*head, *(("-i",) if take else ()), *volumes, self.tar_image, "-C", "/backup", *words)
        with tempfile.TemporaryFile() as log:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE if take else subprocess.DEVNULL,
                stdout=log if take else subprocess.PIPE,
                stderr=log,
                env=engine.environment(),
                start_new_session=True,  # Ctrl-C is ours to answer
            )
            pipe = process.stdin if take else process.stdout
            try:
                if pipe is None:
                    message = "no pipe to tar"
                    raise StackError(message)
                broken = False
                try:
                    yield pipe
                    while not take and pipe.read(1 << 20):  # the padding behind what was read
                        continue
                    pipe.close()
                except BrokenPipeError:  # tar has ended, and has said why
                    broken = True
                code = process.wait()
                log.seek(0)
                said = log.read().decode(errors="replace").strip()[-400:]
            finally:
                process.kill()
                process.wait()
                engine.docker("rm", "--force", name)
        if code != 0 or broken:
            message = f"tar in a container of {self.tar_image} ended with {code}: {said}{engine.disk_full(said)}"
            raise StackError(message)


def ask_compose(docker_dir: Path) -> dict[str, Any]:
    """Give what compose makes of a folder's files and of this environment, as `docker compose config` tells it.

    Raises:
        StackError: No engine, or compose refuses the files.
    """
    trouble = engine.why_unusable()
    if trouble is not None:
        raise StackError(trouble)
    # The operator's whole environment: he may name his project there, as for every other command of his.
    argv = ("docker", "compose", "--profile", "*", "config", "--format", "json")
    done = engine.run(argv, env=dict(os.environ), cwd=docker_dir)
    if done.code != 0:
        raise StackError(done.said)
    config: dict[str, Any] = json.loads(done.stdout)
    return config


def look(docker_dir: Path) -> Data:
    """Ask compose what it makes of a folder's files and of this environment.

    Raises:
        StackError: No engine, or compose refuses the files.
    """
    config = ask_compose(docker_dir)
    services = config["services"]
    found = Data(
        docker_dir=docker_dir,
        project=config["name"],
        names={name: config["volumes"][name]["name"] for name in VOLUMES},
        tar_image=services["redis"]["image"],
        postgres_image=services["postgres"]["image"],
    )
    must_have(found.tar_image, found.postgres_image)
    return found


def must_have(*images: str) -> None:
    """Refuse to go on without an image.

    Raises:
        StackError: One is not here.
    """
    wanted: Sequence[str] = sorted({*images})
    missing = sorted({*wanted} - engine.present(wanted))
    if missing:
        message = f"the image {missing[0]} is not here: run 'make images' in the project root"
        raise StackError(message)
