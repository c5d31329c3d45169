"""Running preflight in its container, and reading back what it left."""

from __future__ import annotations

import io
import itertools
import json
import os
import shutil
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from acceptance.stack.compose.project import Project
from acceptance.stack.compose.relay import Relays
from acceptance.stack.docker import docker_cli
from acceptance.stack.interface import PreflightRun, StackError
from acceptance.stack.run_preflight import option

TIMEOUT = 120.0
TEXTFILE_DIR = "/var/lib/node_exporter/textfile"
"""Where the textfile volume lies in the preflight container."""

_REPORT_DIR = "/report"
_BY_FILE = ("PREFLIGHT_REDIS__PASSWORD", "PREFLIGHT_POSTGRES__PASSWORD")
_numbers = itertools.count(1)


def run_preflight(project: Project, relays: Relays, args: Sequence[str], env: Mapping[str, str]) -> PreflightRun:
    """Run the preflight container once, as ``docker compose run --rm preflight`` would.

    Args:
        project: The running stack.
        relays: Its ways to what listens on this machine's loopback.
        args: Options; ``--env paper`` and ``--output FILE`` are added unless given. A FILE that is given is a path of
            this machine: the report is brought there.
        env: Variables laid over those of the compose file. Loopback URLs and ``..._FILE`` paths are those of this
            machine: the container is given a way to the one and a copy of the other.

    Raises:
        StackError: The container did not run, or did not end within two minutes.
    """
    options = list(args)
    chosen = option(options, "--env") or env.get("PREFLIGHT_ENV")
    if chosen is None:
        chosen = "paper"
        options = ["--env", chosen, *options]
    wanted = option(options, "--output")
    options = [*_without(options, "--output"), "--output", f"{_REPORT_DIR}/report.json"]
    name = f"{project.name}-preflight-run-{os.getpid()}-{next(_numbers)}"
    reports = project.reports / name
    reports.mkdir()
    reports.chmod(0o777)  # the container's user has to write there; the folder above is 0700
    variables = relays.rewrite(_with_files(env, reports / "given"))
    for key in _BY_FILE:
        if key in variables:
            variables[f"{key}_FILE"] = ""  # the compose file's; empty counts as unset
    # Only the names: a value in a command line could be read by every user of this machine.
    words = [word for key in variables for word in ("-e", key)]
    argv = project.argv(
        *("run", "-T", "--no-deps", "--quiet-pull", "--name", name, "-v", f"{reports}:{_REPORT_DIR}"),
        *words,
        *("preflight", *options),
    )
    try:
        done = docker_cli.run(argv, seconds=TIMEOUT, env={**docker_cli.environment(), **variables})
        code = _exit_code(name, done)
        report = _report(reports / "report.json", wanted)
        folder = env.get("PREFLIGHT_TEXTFILE_DIR") or TEXTFILE_DIR
        prom = _read(name, f"{folder}/arbitrage_preflight_{chosen}.prom")
    finally:
        docker_cli.docker("rm", "--force", name)
    return PreflightRun(
        argv=("preflight", *options), exit_code=code, report=report, prom=prom, stdout=done.stdout, stderr=done.stderr
    )


def _with_files(env: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Copy the files that variables name to where the container sees them; give the variables as it needs them."""
    folder.mkdir(mode=0o755)
    variables = dict(env)
    for name, value in env.items():
        if name.endswith("_FILE") and value and Path(value).is_file():
            shutil.copyfile(value, folder / name)
            (folder / name).chmod(0o444)  # the container's user; the folder further up is 0700
            variables[name] = f"{_REPORT_DIR}/given/{name}"
    return variables


def _exit_code(name: str, done: docker_cli.DockerResult) -> int:
    """The gate's own exit code: compose's may be its own, and 1 would then read as NO_GO."""
    if done.code == 124:
        message = f"preflight did not end within {TIMEOUT:.0f} s; it said: {done.said}"
        raise StackError(message)
    state = docker_cli.docker("inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}", name)
    status, _, code = state.stdout.strip().partition(" ")
    if state.code != 0 or status != "exited":
        message = f"the preflight container did not run ({status or 'not made'}): {done.said}"
        raise StackError(message)
    return int(code)


def _report(path: Path, wanted: str | None) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        raw = json.loads(text)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        message = f"the report of the preflight container cannot be read: {error}"
        raise StackError(message) from error
    if wanted is not None:
        Path(wanted).write_text(text, encoding="utf-8")
    return raw if isinstance(raw, dict) else {}


def _read(container: str, path: str) -> str:
    """A file as the container sees it, its volumes included; it need not run. ``""`` when there is none."""
    done = docker_cli.run_bytes(("docker", "cp", f"{container}:{path}", "-"))
    if done is None:
        return ""
    with tarfile.open(fileobj=io.BytesIO(done)) as archive:
        member = archive.next()
        file = archive.extractfile(member) if member is not None else None
        return file.read().decode("utf-8") if file is not None else ""


def _without(options: Sequence[str], name: str) -> list[str]:
    kept: list[str] = []
    words = iter(options)
    for word in words:
        if word == name:
            next(words, None)
        elif not word.startswith(f"{name}="):
            kept.append(word)
    return kept
