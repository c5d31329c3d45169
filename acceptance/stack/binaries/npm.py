"""Installing pinned npm packages into a folder of their own, with the npm that belongs to a Node."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Mapping
from pathlib import Path

from acceptance.stack.binaries.component import ComponentError
from acceptance.stack.processes import CommandError, run

# Settings a user may have for their own work that would change what is installed or run, or where it goes.
MEDDLING = re.compile(
    r"NODE_(OPTIONS|PATH|ENV)|npm_config_(prefix|global|location|omit|package_lock\w*)", re.IGNORECASE
)

__all__ = ["install", "node_env", "versions"]


def node_env(node: Path, *, scratch: Path) -> dict[str, str]:
    """Return the environment of every command of a build with this Node.

    Args:
        node: The program.
        scratch: Folder for its temporary files, swept with an interrupted build.
    """
    env = {name: value for name, value in os.environ.items() if not MEDDLING.fullmatch(name)}
    path = os.pathsep.join([str(node.parent), env.get("PATH", os.defpath)])  # npm's first line looks for `node`
    return env | {"PATH": path, "TMPDIR": str(scratch)}


def install(
    folder: Path, node: Path, *, env: Mapping[str, str], name: str, otherwise: str, log: Path, stop: threading.Event
) -> None:
    """Install what the `package-lock.json` of a folder names, bytes as pinned; scripts of packages do not run.

    Args:
        folder: Holds package.json, package-lock.json and .npmrc.
        node: The program; its npm lies beside it or in its lib.
        env: Of the command.
        name: What it is for, as the beginning of a sentence.
        otherwise: What a user can do instead, as the end of a sentence.
        log: File that npm's output goes to.
        stop: Ends the installation when set.

    Raises:
        ComponentError: npm has no access, or got other bytes than pinned.
        CommandError: The disk is full.
    """
    cli = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    npm = [str(node), str(cli)] if cli.is_file() else [str(node.with_name("npm"))]
    try:
        run([*npm, "ci", "--ignore-scripts", "--loglevel=error"], cwd=folder, env=env, log=log, stop=stop)
    except CommandError as error:
        if error.disk_full:
            raise
        raise ComponentError(f"{name}: {_reason(error.output)}, or {otherwise}") from error


def _reason(output: str) -> str:
    if "EINTEGRITY" in output:
        return "npm was given other bytes than those pinned: use a registry that serves the original packages"
    return "npm cannot get the pinned packages: allow it access to an npm registry (`npm config get registry`)"


def versions(package_json: Path) -> str:
    """Return the versions that a package.json pins for its `grafana-N` aliases: `12.4.10 13.2.3`.

    Raises:
        ComponentError: It pins none.
    """
    wanted = json.loads(package_json.read_text(encoding="utf-8")).get("dependencies", {})
    found = [str(pin).rpartition("@")[2] for name, pin in wanted.items() if name.startswith("grafana-")]
    if not found:
        raise ComponentError(f"{package_json} does not pin a grafana-N: restore it from git")
    return "+".join(found)
