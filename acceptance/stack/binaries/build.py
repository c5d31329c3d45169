"""How each component is made from its pins: the steps, with what each of them can fail of."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from acceptance.stack.binaries import npm
from acceptance.stack.binaries import wheel as wheels
from acceptance.stack.binaries.component import ComponentError
from acceptance.stack.binaries.go import Go
from acceptance.stack.binaries.pins import module_version
from acceptance.stack.processes import CommandError, run

PROMETHEUS = "github.com/prometheus/prometheus"
NODE_EXPORTER = "github.com/prometheus/node_exporter"
VERSION_VARIABLE = "github.com/prometheus/common/version.Version"
PROMETHEUS_TAGS = "-tags=remove_all_sd"  # file_sd and http_sd stay in
STRIP = "-s -w"
TRIM = "-trimpath"  # no path of this machine in the program, and a build begun anew finds what was compiled before


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One program that a build made."""

    binary: Path
    version: str | None  # what it must report; None where the pin does not say it exactly
    home: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One build: where it works and what with."""

    name: str
    pins: Path
    scratch: Path  # its temporary files
    keep: Path  # what becomes the component
    step: Callable[[str], None]  # told what is being done
    stop: threading.Event  # set when the build is to end
    otherwise: str  # how to do without this build, as the end of a sentence
    go: Go | None = None
    env: Mapping[str, str] | None = None  # the environment of `go` or `node`
    node: Path | None = None

    @property
    def log(self) -> Path:
        """File of everything that its commands print."""
        return self.scratch / "build.log"

    def command(self, *argv: str, cwd: Path) -> str:
        """Run a command of the build; return its output."""
        return run(argv, cwd=cwd, env=self.env or {}, log=self.log, stop=self.stop)

    def golang(self, *args: str, cwd: Path) -> str:
        """Run `go`; return its output."""
        if self.go is None:  # the table of recipes says which builds need Go
            raise ComponentError(f"{self.name} was to be built without Go; please report this")
        return self.command(str(self.go.binary), *args, cwd=cwd)

    def download(self, *args: str, cwd: Path) -> str:
        """Run the `go` command that fetches modules.

        Raises:
            ComponentError: They cannot be fetched, or are not what is pinned.
        """
        try:
            return self.golang(*args, cwd=cwd)
        except CommandError as error:
            if error.disk_full:
                raise
            if "checksum mismatch" in error.output or "SECURITY ERROR" in error.output:
                reason = "the Go modules that were served are not those pinned in go.sum, and were refused"
            else:
                reason = (
                    "its pinned Go modules cannot be downloaded: allow access to a Go module proxy (`go env GOPROXY`)"
                )
            raise ComponentError(f"{self.name}: {reason}, or {self.otherwise}") from error

    def writable_copy(self, source: Path, name: str) -> Path:
        """Copy a folder (a module of Go's cache is read-only) into the scratch folder."""
        target = self.scratch / name
        shutil.copytree(source, target, copy_function=shutil.copyfile)
        for folder in (target, *(path for path in target.rglob("*") if path.is_dir())):
            folder.chmod(0o755)
        return target


def prometheus(job: Job) -> dict[str, Made]:
    """Build prometheus, promtool and node_exporter from one go.mod."""
    source = job.writable_copy(job.pins, "source")  # go may touch go.mod: never the checkout's
    job.step("downloading modules")
    job.download("list", "-deps", PROMETHEUS_TAGS, "tool", cwd=source)
    made: dict[str, Made] = {}
    for module, packages in (
        (PROMETHEUS, (f"{PROMETHEUS}/cmd/prometheus", f"{PROMETHEUS}/cmd/promtool")),
        (NODE_EXPORTER, (NODE_EXPORTER,)),
    ):
        programs = [package.rpartition("/")[2] for package in packages]
        job.step(f"compiling {' and '.join(programs)}")
        version = release(module_version(source / "go.mod", module))
        ldflags = f"-ldflags={STRIP} -X {VERSION_VARIABLE}={version}"
        job.golang("build", PROMETHEUS_TAGS, TRIM, ldflags, "-o", f"{job.keep / 'bin'}/", *packages, cwd=source)
        made |= {program: Made(binary=job.keep / "bin" / program, version=version) for program in programs}
    return made


def release(module: str) -> str:
    """Turn a module version into the release's: Prometheus tags v3.13.5 as v0.313.5 for Go, others are as they are."""
    major, minor, patch = module.removeprefix("v").split(".")
    return f"{int(minor) // 100}.{int(minor) % 100}.{patch}" if major == "0" else f"{major}.{minor}.{patch}"


def wheel(component: str, pattern: str) -> Callable[[Job], dict[str, Made]]:
    """Return the build that installs a component's wheel and finds the program inside it by a glob pattern."""

    def build(job: Job) -> dict[str, Made]:
        job.step("installing its wheel")
        tree = job.keep / "wheel"
        pins = job.pins / "requirements.txt"
        wheels.install(pins, tree, name=job.name, otherwise=job.otherwise, log=job.log, stop=job.stop)
        binary = wheels.program(tree, pattern)
        if binary is None:
            raise ComponentError(
                f"{job.name}: the pinned wheel holds no {pattern}: please report this, or {job.otherwise}"
            )
        return {component: Made(binary=binary, version=None, home=tree)}

    return build


def grafana_display(job: Job) -> dict[str, Made]:
    """Install Grafana's display library, and make JSON Schemas of its types."""
    if job.node is None:  # the table of recipes says which builds need Node
        raise ComponentError(f"{job.name} was to be built without Node; please report this")
    for pin in job.pins.iterdir():
        shutil.copyfile(pin, job.keep / pin.name)
    job.step("installing npm packages")
    env = job.env or {}
    npm.install(job.keep, job.node, env=env, name=job.name, otherwise=job.otherwise, log=job.log, stop=job.stop)
    job.step("making schemas of its types")
    program = job.keep / "schema.mjs"
    job.command(str(job.node), str(program), str(job.keep), cwd=job.scratch)
    program.chmod(0o755)
    return {job.name: Made(binary=program, version=npm.versions(job.keep / "package.json"), home=job.keep)}
