"""`make grafana`: unpacks an official archive of Grafana, which the user names, into the component cache.

Nothing is fetched without being asked, and nothing of an archive is used before its whole content has the sum that the
user gave. It is unpacked beside the other components and renamed into place when it is whole.
"""

from __future__ import annotations

import argparse
import errno
import gzip
import hashlib
import re
import shutil
import sys
import tarfile
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PurePosixPath

from acceptance.stack.binaries.cache import Program, Record, components_dir, digest, obtain, unwritable
from acceptance.stack.binaries.component import ComponentError
from acceptance.stack.binaries.on_path import WANTED
from acceptance.stack.binaries.pins import HASH_LENGTH, numbers
from acceptance.stack.binaries.progress import Progress
from acceptance.stack.processes import ask

HOW = """\
Grafana is not built or shipped here: it has a licence of its own, and the Grafana that you run is your own choice.
Grafana Labs publishes the archive of each release, and its SHA256, at

  https://grafana.com/grafana/download?edition=oss&platform=linux     (Standalone Linux Binaries)

Then type these two lines, with the release you chose and the sum that is printed there:

  make grafana ARCHIVE=https://dl.grafana.com/oss/release/grafana-12.4.4.linux-amd64.tar.gz SHA256=<its sum>
  make acceptance GRAFANA=real

ARCHIVE may also be a file that you have. Without one the stand-in for Grafana serves the dashboards.
"""

MEMBERS = 200_000  # of an archive; Grafana's have some 15,000
UNPACKED = 4 * 1024**3  # bytes; Grafana's take 0.5 to 1 GB
PACKED = 1024**3
_TIMEOUT = 30.0  # seconds without a byte
_BLOCK = 1 << 20


def install(archive: str, sha256: str, *, tell: Callable[[str], None]) -> Record:
    """Unpack an archive into the component cache.

    Args:
        archive: A file, or an address that begins with http:// or https://.
        sha256: What its content must sum up to, 64 hexadecimal digits.
        tell: Is told, in a few words, what is being done.

    Raises:
        ComponentError: It cannot be had, is not what the sum says, or holds no Grafana; nothing is left behind.
    """
    wanted = sha256.strip().lower()
    if not re.fullmatch(r"[0-9a-f]{64}", wanted):
        raise ComponentError("SHA256 is not one: give the 64 hexadecimal digits that are printed beside the archive")

    def unpack(scratch: Path, keep: Path) -> Record:
        began = time.monotonic()
        packed = scratch / "archive"
        tell("reading the archive")
        _fetch(archive, packed, wanted)
        tell("unpacking")
        _unpack(packed, keep)
        tell("checking its version")
        return Record(
            name="grafana",
            source="archive",
            pin=wanted,
            toolchain="archive",
            build_seconds=round(time.monotonic() - began, 1),
            programs={"grafana": _program(keep)},
        )

    try:
        _, record = obtain(f"grafana-{wanted[:HASH_LENGTH]}", unpack, tell=tell, stop=threading.Event())
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise ComponentError(
                "the disk is full: free 2 GB there, or set ARBITRAGE_CACHE to a folder on another disk"
            ) from error
        raise ComponentError(unwritable(Path(error.filename or components_dir()), error)) from error
    return record


def _fetch(archive: str, target: Path, wanted: str) -> None:
    """Copy the archive, and let nobody look into it unless it has the wanted sum."""
    if re.match(r"https?://", archive):
        import requests  # noqa: PLC0415 - only where an address was named

        try:
            with requests.get(archive, stream=True, timeout=_TIMEOUT) as answer:
                if answer.status_code != 200:
                    raise ComponentError(f"{_shown(archive)} answers HTTP {answer.status_code}: check the address")
                found = _copy(answer.iter_content(_BLOCK), target)
        except requests.RequestException as error:
            said = f"{_shown(archive)} cannot be read ({type(error).__name__}): check the address"
            raise ComponentError(said) from error
    else:
        source = Path(archive).expanduser()
        try:
            stream = source.open("rb")
        except OSError as error:
            raise ComponentError(f"{source} cannot be read: {error.strerror}") from error
        with stream:
            found = _copy(iter(lambda: stream.read(_BLOCK), b""), target)
    if found != wanted:
        raise ComponentError(
            f"{_shown(archive)} has the SHA256 {found}, not the one that was given: it is truncated, changed, or "
            "another release; nothing of it was unpacked"
        )


def _shown(archive: str) -> str:
    """Name an archive without what may be secret in its address: a login, and what follows the path."""
    return re.sub(r"//[^/]*@", "//", re.split(r"[?#]", archive, maxsplit=1)[0])


def _copy(blocks: Iterable[bytes], target: Path) -> str:
    digest, size = hashlib.sha256(), 0
    with target.open("wb") as out:
        for block in blocks:
            size += len(block)
            if size > PACKED:
                raise ComponentError("the archive is larger than 1 GB, which no release of Grafana is")
            digest.update(block)
            out.write(block)
    return digest.hexdigest()


def _unpack(packed: Path, keep: Path) -> None:
    try:
        with tarfile.open(packed, mode="r:gz") as tar:
            _extract(tar, keep)
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        said = f"the archive cannot be unpacked ({type(error).__name__}): it is damaged or no .tar.gz file"
        raise ComponentError(said) from error


def _extract(tar: tarfile.TarFile, keep: Path) -> None:
    """Write regular files and folders, and links that stay inside; refuse whatever else an archive can hold."""
    root, written = keep.resolve(), 0
    for number, member in enumerate(tar, start=1):
        path = PurePosixPath(member.name)
        if path.is_absolute() or ".." in path.parts:
            raise ComponentError(f"the archive holds {member.name!r}, which lies outside of it: it was not unpacked")
        target = root.joinpath(*path.parts)
        if not target.parent.resolve().is_relative_to(root):
            raise ComponentError(f"the archive leads {member.name!r} out of itself by a link: it was not unpacked")
        written += member.size
        if number > MEMBERS or written > UNPACKED:
            raise ComponentError("the archive holds more than any release of Grafana: it was not unpacked")
        try:
            _place(tar, member, target, root)
        except (FileExistsError, NotADirectoryError) as error:
            said = f"the archive holds {member.name!r} in the place of another of its files: it was not unpacked"
            raise ComponentError(said) from error


def _place(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path, root: Path) -> None:
    if member.isdir():
        target.mkdir(parents=True, exist_ok=True)
    elif member.isreg():
        target.parent.mkdir(parents=True, exist_ok=True)
        _write(tar, member, target)
    elif member.issym():
        _link(member, target, root)
    else:
        raise ComponentError(f"the archive holds {member.name!r}, which is no file or folder: it was not unpacked")


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    source = tar.extractfile(member)
    if source is None:  # it gives a stream for every regular file; this tells the type checker
        raise ComponentError(f"the archive's {member.name!r} cannot be read: it was not unpacked")
    with source, target.open("xb") as out:
        shutil.copyfileobj(source, out, _BLOCK)
    target.chmod(0o755 if member.mode & 0o100 else 0o644)


def _link(member: tarfile.TarInfo, target: Path, root: Path) -> None:
    leads = PurePosixPath(member.linkname)
    if leads.is_absolute() or not (target.parent / leads).resolve().is_relative_to(root):
        raise ComponentError(f"the archive leads {member.name!r} out of itself by a link: it was not unpacked")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.symlink_to(leads)


def _program(keep: Path) -> Program:
    """Find the program in an unpacked archive, and ask it for its version.

    Raises:
        ComponentError: There is none, or it is none that can be used.
    """
    homes = [folder for folder in (keep, *sorted(keep.iterdir())) if (folder / "conf" / "defaults.ini").is_file()]
    binary = homes[0] / "bin" / "grafana" if homes else None
    if binary is None or not binary.is_file() or not (homes[0] / "public").is_dir():
        raise ComponentError(
            "the archive holds no bin/grafana beside conf/defaults.ini and public/: take the standalone Linux archive"
        )
    wanted = WANTED["grafana"]
    answer = ask([str(binary), wanted.flag])
    version = re.search(wanted.pattern, answer or "")
    if version is None:
        raise ComponentError("the archive's grafana does not run on this machine: is it for another processor?")
    if numbers(version[1]) < wanted.minimum:
        raise ComponentError(f"the archive's Grafana {version[1]} is older than 10, the first that is supported")
    return Program(
        binary=binary.relative_to(keep).as_posix(),
        sha256=digest(binary),
        version=version[1],
        home=homes[0].relative_to(keep).as_posix(),
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        0 unpacked, or there already, or how to was printed; 1 it cannot be used; 130 interrupted.
    """
    parser = argparse.ArgumentParser(prog="make grafana", usage="make grafana [ARCHIVE=FILE-or-URL SHA256=SUM]")
    parser.add_argument("--archive", default="")
    parser.add_argument("--sha256", default="")
    options = parser.parse_args(argv)
    if not options.archive and not options.sha256:
        sys.stdout.write(HOW)
        return 0
    if not options.archive or not options.sha256:
        sys.stderr.write("error: make grafana needs ARCHIVE and SHA256 together\n")
        return 2
    progress = Progress()
    try:
        with progress.working("grafana") as step:
            record = install(options.archive, options.sha256, tell=step)
    except ComponentError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("interrupted: nothing half-unpacked was kept\n")
        return 130
    version = record.programs["grafana"].version
    sys.stdout.write(f"Grafana {version} is unpacked; `make up` and `make acceptance` use it from now on.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
