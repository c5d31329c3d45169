"""Bringing a backup back: into volumes of their own, and then one line of ``docker/.env`` that names them.

Whatever happens before that line is written, the stack has the data that it had; afterwards it has the restored one.
The volumes that were in use until then stay, so that the way back is that line too.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from acceptance.stack.compose.operate import archive
from acceptance.stack.compose.operate.volumes import SUFFIX, VOLUMES, Data
from acceptance.stack.docker import docker_cli as engine
from acceptance.stack.docker import env_file
from acceptance.stack.interface import StackError

MARK = ".restoring"
"""In the folder of docker-compose.yml while volumes are being filled: the end of their names."""

_ENDING = re.compile(r"-r\d{8}T\d{6}Z")


def check(data: Data, file: Path) -> archive.Manifest:
    """Look whether a backup can be brought back here; nothing is changed.

    Raises:
        StackError: It cannot; says why.
    """
    if os.environ.get(SUFFIX):
        message = f"{SUFFIX} is set in the environment and would win over docker/.env: unset it, then again"
        raise StackError(message)
    try:
        manifest = archive.verify(file, VOLUMES)
    except archive.ArchiveError as error:
        message = f"{file} cannot be restored: {error}"
        raise StackError(message) from error
    except OSError as error:
        message = f"{file} cannot be read ({error.strerror}): FILE=... has to name what 'make backup' wrote"
        raise StackError(message) from error
    _check_postgres(data, manifest)
    data.must_rest()
    return manifest


def _check_postgres(data: Data, manifest: archive.Manifest) -> None:
    if not manifest.postgres:
        return
    run = ("run", "--rm", "--network", "none", "--entrypoint", "postgres", data.postgres_image, "--version")
    done = engine.docker(*run, seconds=60.0)
    found = re.search(r"\b(\d+)\.\d+", done.stdout)
    if done.code != 0 or found is None:
        message = f"the version of Postgres in {data.postgres_image} cannot be told: {done.last_line}"
        raise StackError(message)
    if found[1] != manifest.postgres:
        message = (
            f"the backup is of Postgres {manifest.postgres}, and {data.postgres_image} is {found[1]}, which does not "
            "read it: restore it with that version's image, then see 'Upgrade' in docs/compose.md"
        )
        raise StackError(message)


def restore(data: Data, file: Path, manifest: archive.Manifest, tell: Callable[[str], object]) -> str:
    """Fill new volumes, look at them again, and make them the stack's.

    Args:
        data: The stack, which rests.
        file: The backup.
        manifest: What `check` found in it.
        tell: Is given a line about each step.

    Returns:
        The end of the volumes' names until now.

    Raises:
        StackError: It could not be done; the stack's data is as it was.
    """
    before = env_file.read(data.docker_dir / ".env").get(SUFFIX, "")
    ending = f"-r{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%SZ}"
    names = {name: f"{data.names[name].removesuffix(before)}{ending}" for name in manifest.volumes}
    mark = data.docker_dir / MARK
    mark.write_text(f"{ending}\n", encoding="utf-8")
    try:
        for name, volume in names.items():
            _create(data.project, name, volume)
        tell(f"filling {', '.join(names.values())} ...")
        _fill(data, file, manifest, names)
        data.must_rest()
        # A container that was stopped keeps its volumes: started again, it would go on with the old data.
        done = engine.run(("docker", "compose", "rm", "--force"), env=dict(os.environ), cwd=data.docker_dir)
        if done.code != 0:
            message = f"the stopped containers cannot be removed: {done.last_line}"
            raise StackError(message)
        env_file.update(data.docker_dir / ".env", {SUFFIX: ending})
    except BaseException:  # Ctrl-C too
        if env_file.read(data.docker_dir / ".env").get(SUFFIX, "") != ending:
            engine.docker("volume", "rm", "--force", *names.values())
        mark.unlink(missing_ok=True)
        raise
    mark.unlink(missing_ok=True)
    return before


def _create(project: str, name: str, volume: str) -> None:
    """As compose would, so that it takes it for its own."""
    labels = {"com.docker.compose.project": project, "com.docker.compose.volume": name}
    words = [word for key, value in labels.items() for word in ("--label", f"{key}={value}")]
    there = engine.docker("volume", "ls", "--quiet", "--filter", f"name=^{re.escape(volume)}$").stdout.split()
    done = engine.docker("volume", "create", *words, volume)
    if there or done.code != 0:
        message = f"the volume {volume} cannot be made: {done.last_line if done.code else 'it is there already'}"
        raise StackError(message)


def _fill(data: Data, file: Path, manifest: archive.Manifest, names: dict[str, str]) -> None:
    mounts = {volume: name for name, volume in names.items()}
    words = ("--numeric-owner", "-xpf", "-", f"--exclude={archive.MANIFEST}")
    with file.open("rb") as source, data.tar(mounts, *words, take=True) as sink:
        shutil.copyfileobj(source, sink)
    with data.tar(mounts, "--numeric-owner", "-cf", "-", *names) as stream:
        found = archive.entries_of(stream)
    if found != manifest.entries:
        message = "what was written to the new volumes is not what the backup holds"
        raise StackError(message)


def sweep(data: Data, tell: Callable[[str], object]) -> None:
    """Remove what a restore that was killed has left: volumes that no stack has ever run on.

    Raises:
        StackError: The mark is not one of ours, or the volumes cannot be removed.
    """
    mark = data.docker_dir / MARK
    if not mark.exists():
        return
    ending = mark.read_text(encoding="utf-8").strip()
    current = env_file.read(data.docker_dir / ".env").get(SUFFIX, "")
    if ending and ending != current:
        if not _ENDING.fullmatch(ending):
            message = f"{mark} is not as 'make restore' writes it: remove it"
            raise StackError(message)
        half = [f"{name.removesuffix(current)}{ending}" for name in data.names.values()]
        done = engine.docker("volume", "rm", "--force", *half)
        if done.code != 0:
            message = f"what an interrupted restore left cannot be removed: {done.last_line}"
            raise StackError(message)
        tell("removed what an interrupted restore had left; the stack's own data was not touched by it")
    mark.unlink()
