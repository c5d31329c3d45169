"""Where promoted evidence lies in the repository, and which file of the bundle each one is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from evidence import claims
from evidence.bundle import layout

FOLDER: Final = PurePosixPath("docs/D98/evidence/d98_6")
#: The public key that promoted evidence is signed by; the private half is not kept.
KEY: Final = PurePosixPath("docs/D98/evidence/d98_6.pub")
REPORT: Final = PurePosixPath("docs/D98/D98_6_REPORT.md")
ROADMAP: Final = PurePosixPath("D_ROADMAP.md")
CHECKPOINT: Final = PurePosixPath("CHECKPOINT.md")

MANIFEST: Final = "manifest.json"
CLAIMS: Final = claims.FILE_NAME
#: Bytes. A larger file is not for git.
LARGEST: Final = 1_000_000

_TOP: Final = {
    "step0/docker_status.txt": "docker_status.txt",
    "fast_gate.log": layout.FAST_LOG,
    "full_regression.log": layout.CORE_LOG,
    "prometheus_query_result.json": "prometheus_query_result.json",
    "grafana_api_result.json": "grafana_api_result.json",
    "run.json": layout.RUN,
    CLAIMS: CLAIMS,
}
#: Not among the files that a manifest lists: itself, and what signs it.
UNLISTED: Final = {MANIFEST: layout.MANIFEST, layout.STATEMENT: layout.STATEMENT}
_OF_A_STACK: Final = ("docker_status.txt", "prometheus_query_result.json", "grafana_api_result.json")


def targets(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return what is promoted of a bundle: path below `FOLDER` -> path inside the bundle.

    Args:
        manifest: the bundle's.
    """
    found = dict(_TOP)
    found |= {layout.gate_record(gate): layout.gate_record(gate) for gate in manifest["gates"]}
    main = main_stack(manifest)
    if main is not None:
        found["preflight_paper.prom"] = f"{layout.stack_folder(main)}/arbitrage_preflight_paper.prom"
    for stack in manifest["stacks"]:
        if stack != main:
            found |= {f"{stack}/{name}": f"{layout.stack_folder(stack)}/{name}" for name in _OF_A_STACK}
    return found


def main_stack(manifest: Mapping[str, Any]) -> str | None:
    """Return the stack whose files stand at the top."""
    return next((stack for stack in layout.STACK_ORDER if stack in manifest["stacks"]), None)
