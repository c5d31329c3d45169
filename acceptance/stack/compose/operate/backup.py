"""``make backup`` and ``make restore``: the data of the compose stack as one file, and back.

Both look at everything first, refuse a stack that runs, and leave the data as it was when they are interrupted.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import shlex
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from acceptance.stack.binaries.cache import cache_root
from acceptance.stack.compose.operate import archive
from acceptance.stack.compose.operate import restore as compose_restore
from acceptance.stack.compose.operate import volumes as compose_data
from acceptance.stack.docker import env_file
from acceptance.stack.interface import StackError

ROOT = Path(__file__).resolve().parents[4]
"""The checkout."""


def backup(data: compose_data.Data, file: Path, *, dry_run: bool, tell: Callable[[str], object]) -> None:
    """Write the volumes that cannot be made again into one file, which appears when it is whole.

    Raises:
        StackError: The stack runs, there is no data, or the file is there or cannot be written.
    """
    there = data.there()
    if not there:
        message = f"the project {data.project} has no data yet: none of {', '.join(data.names.values())} is there"
        raise StackError(message)
    if file.exists():
        message = f"{file} is there already: name another with FILE=..."
        raise StackError(message)
    data.must_rest()
    tell(f"{', '.join(data.names[name] for name in there)} -> {file}")
    if dry_run:
        tell("a dry run: nothing was written")
        return
    draft = file.with_name(f".{file.name}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        _write(data, there, draft)
        data.must_rest()  # whoever started it meanwhile has changed what was read
        draft.rename(file)
    except (OSError, archive.ArchiveError) as error:
        message = f"{file} cannot be written: {error}"
        raise StackError(message) from error
    finally:
        draft.unlink(missing_ok=True)
    tell(
        f"written and read back: {file}, {file.stat().st_size / 1e6:.1f} MB. Passwords are not in it: docker/secrets is"
    )


def _write(data: compose_data.Data, there: Sequence[str], draft: Path) -> None:
    mounts = {data.names[name]: name for name in there}
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)  # it holds all that the bot knows
    with os.fdopen(descriptor, "wb") as sink, data.tar(mounts, "--numeric-owner", "-cf", "-", *there) as source:
        shutil.copyfileobj(source, sink)
    with draft.open("rb") as written:
        entries = archive.entries_of(written)
    manifest = archive.Manifest(
        made_at=f"{dt.datetime.now(dt.UTC):%Y-%m-%dT%H:%M:%SZ}",
        project=data.project,
        postgres=archive.postgres_version(draft),
        volumes=tuple(there),
        entries=entries,
    )
    archive.seal(draft, manifest)
    archive.verify(draft, there)
    with draft.open("rb") as whole:
        os.fsync(whole.fileno())


def bring_back(data: compose_data.Data, file: Path, *, dry_run: bool, tell: Callable[[str], object]) -> None:
    """Bring a backup back, see `acceptance.stack.compose.operate.restore`.

    Raises:
        StackError: It cannot be done; the stack's data is as it was.
    """
    manifest = compose_restore.check(data, file)
    tell(f"{file}: whole, made {manifest.made_at} of {manifest.project}: {', '.join(manifest.volumes)}")
    if dry_run:
        tell("a dry run: nothing was changed")
        return
    before = compose_restore.restore(data, file, manifest, tell)
    lost = sorted({*compose_data.VOLUMES} - {*manifest.volumes})
    if lost:
        tell(f"not in the backup, so empty from now on: {', '.join(lost)}")
    old = [data.names[name] for name in data.there()]
    tell(f"done: type 'docker compose up -d --wait' in {data.docker_dir}")
    tell(f"what was there until now is kept; to go back: {compose_data.SUFFIX}={before} in {data.docker_dir / '.env'}")
    tell(f"to drop it, once all is well: {shlex.join(('docker', 'volume', 'rm', *old))}")


def main(argv: Sequence[str] | None = None) -> int:
    """Back up or restore; 0, or 1 with one sentence."""
    parser = argparse.ArgumentParser(prog="make backup / make restore", description="The compose stack's data.")
    parser.add_argument("verb", choices=("backup", "restore"))
    parser.add_argument("--file", type=Path, help="what to write or to bring back")
    parser.add_argument("--dry-run", action="store_true", help="look at everything, change nothing")
    parser.add_argument("--docker-dir", type=Path, default=ROOT / "docker", help="folder of docker-compose.yml")
    options = parser.parse_args(argv)

    def tell(line: str) -> None:
        sys.stderr.write(f"{options.verb}: {line}\n")

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    def named() -> str:
        return env_file.read(options.docker_dir / ".env").get(compose_data.SUFFIX, "")

    earlier = signal.signal(signal.SIGTERM, stop)
    before = named()
    try:
        data = compose_data.look(options.docker_dir.absolute())
        cache_root().mkdir(parents=True, exist_ok=True)
        with FileLock(cache_root() / f"data-{data.project}.lock").acquire(timeout=0):
            compose_restore.sweep(data, tell)
            if options.verb == "backup":
                name = f"{data.project}-{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%SZ}.tar"
                file = options.file or options.docker_dir.absolute().parent / "backups" / name
                backup(data, file.absolute(), dry_run=options.dry_run, tell=tell)
            elif options.file is None:
                message = "which file? make restore FILE=backups/....tar"
                raise StackError(message)
            else:
                bring_back(data, options.file.absolute(), dry_run=options.dry_run, tell=tell)
    except Timeout:
        tell("another backup or restore of this stack is at work: wait for it or end it")
        return 1
    except (StackError, OSError) as error:
        tell(str(error))
        return 1
    except KeyboardInterrupt:
        tell("interrupted; the stack's data is " + ("as it was" if named() == before else "the restored one"))
        return 1
    finally:
        signal.signal(signal.SIGTERM, earlier)
    return 0


if __name__ == "__main__":
    sys.exit(main())
