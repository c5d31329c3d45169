"""``make down-volumes``: the compose stack and all that it holds, gone, once it was said what that is."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from acceptance.stack.compose.operate import volumes
from acceptance.stack.docker import docker_cli as engine
from acceptance.stack.interface import StackError

ROOT = Path(__file__).resolve().parents[4]
"""The checkout."""

_SECONDS = 120.0
_HOLDS: Mapping[str, str] = MappingProxyType(
    {
        "postgres-data": "paper positions and alert rows",
        "redis-data": "the kill switch: one that was thrown is thrown no more",
        "preflight-ledger": "counters, which begin at 0 again",
        "preflight-spool": "alerts that were not delivered",
    }
)


def main(argv: Sequence[str] | None = None) -> int:
    """Name what would be lost, or with `--sure` take it down; 0, or 1 with one sentence."""
    parser = argparse.ArgumentParser(prog="make down-volumes", description="Take the stack down with its data.")
    parser.add_argument("--sure", action="store_true", help="do it")
    parser.add_argument("--docker-dir", type=Path, default=ROOT / "docker", help="folder of docker-compose.yml")
    options = parser.parse_args(argv)

    def tell(line: str) -> None:
        sys.stderr.write(f"down-volumes: {line}\n")

    try:
        data = volumes.look(options.docker_dir.absolute())
        for name in data.there():
            tell(f"{data.names[name]} holds what cannot be made again: {_HOLDS[name]}")
        if not options.sure:
            tell("nothing was deleted. 'make backup' keeps it; then: make down-volumes SURE=yes")
            return 1
        argv = ("docker", "compose", "--profile", "preflight", "down", "--volumes")
        done = engine.run(argv, seconds=_SECONDS, env=dict(os.environ), cwd=data.docker_dir)
        if done.code != 0:
            raise StackError(done.said)
    except (StackError, OSError) as error:
        tell(str(error))
        return 1
    tell(f"the stack {data.project} is down and its volumes are gone")
    return 0


if __name__ == "__main__":
    sys.exit(main())
