"""The names inside a bundle, and which gates a run consists of.

::

    run.json                              written by open: when, by what command, from which commit
    sbom.cdx.json                         written by open: what is installed and built, in CycloneDX
    manifest.json                         written by seal: verdict, and sha256 and size of every other file
    statement.dsse.json                   written by seal if a key is configured: signs commit and manifest.json
    docker_status.txt                     the seed's names. Those that come from a stack are copies made by seal of
    fast_gate.log                         the compose run's files if there was one, else of the embedded run's.
    full_regression.log
    prometheus_query_result.json
    grafana_api_result.json
    e2e_<stack>.log
    gates/<gate>.json                     what the gate says of itself (schema: gate_record)
    gates/<gate>.reportlog.jsonl          pytest-reportlog; must begin with SessionStart and end with SessionFinish
    gates/<gate>.junit.xml
    gates/<gate>.expected.txt             the committed list of tests that had to run, as it was used
    gates/<gate>.collection.json          tests found: selected and deselected (written by the acceptance plug-in)
    e2e/<stack>/...                       what the acceptance plug-in saw on that stack (see `STACK_FILES`)

Sealing packs report logs, JUnit XML, ``panels.json``, ``pictures.json`` and ``dashboards.json`` (``.gz`` behind the
name).

`<gate>` is `fast`, `core`, `e2e-embedded`, `e2e-compose`. Others (`git`, `e2e-external`) may be there and must pass
too, but do not count towards completeness.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Final

#: Environment variable with the path of the open bundle that a gate writes into.
VARIABLE: Final = "EVIDENCE_BUNDLE"

#: Behind the name of a file that sealing has packed, and by which a reader need not ask for it.
PACKED: Final = ".gz"

RUN: Final = "run.json"
SBOM: Final = "sbom.cdx.json"
MANIFEST: Final = "manifest.json"
STATEMENT: Final = "statement.dsse.json"
#: Not in the bundle once it is sealed: what has entered it so far, by which process.
JOURNAL: Final = ".journal.jsonl"

FAST_LOG: Final = "fast_gate.log"
CORE_LOG: Final = "full_regression.log"

#: The one gate of somebody's own suite, which has nothing to do with the gates of this project.
OWN_GATE: Final = "tests"

#: A bundle with all of these, each FULL and passed, is PASSED. A bundle that lacks one is PARTIAL at best.
ALL_GATES: Final = ("fast", "core", "e2e-embedded", "e2e-compose")

#: In `e2e/<stack>/`; seal copies them to the top under the same names.
SEED_FILES: Final = ("docker_status.txt", "prometheus_query_result.json", "grafana_api_result.json")
STACK_FILES: Final = (
    *SEED_FILES,
    "versions.json",
    "preflight_report.json",
    "arbitrage_preflight_paper.prom",
    "preflight_console.log",
    "panels.json",
    "pictures.json",
    "dashboards.json",
    "telegram_chat.json",
)  # and logs/<service>.log
#: Which stack's files stand at the top, best first.
STACK_ORDER: Final = ("compose", "embedded", "external")


def required(gates: Container[str]) -> tuple[str, ...]:
    """Return the gates that a bundle must have to be complete, by those that it has."""
    own = OWN_GATE in gates and not any(gate in gates for gate in ALL_GATES)
    return (OWN_GATE,) if own else ALL_GATES


def e2e_gate(stack: str) -> str:
    """Return the gate's name of a stack, such as ``e2e-compose``."""
    return f"e2e-{stack}"


def stack_of(gate: str) -> str | None:
    """Return the stack of an e2e gate; None of another gate."""
    return gate.removeprefix("e2e-") if gate.startswith("e2e-") else None


def e2e_log(stack: str) -> str:
    """Return the name at the top of the log of an e2e run."""
    return f"e2e_{stack}.log"


def stack_folder(stack: str) -> str:
    """Return the folder of a stack's evidence, such as ``e2e/compose``."""
    return f"e2e/{stack}"


def gate_record(gate: str) -> str:
    """Return the name of what a gate says of itself."""
    return f"gates/{gate}.json"


def gate_report_log(gate: str) -> str:
    """Return the name of a gate's pytest-reportlog."""
    return f"gates/{gate}.reportlog.jsonl"


def gate_junit(gate: str) -> str:
    """Return the name of a gate's JUnit XML."""
    return f"gates/{gate}.junit.xml"


def gate_expected(gate: str) -> str:
    """Return the name of the list of tests that the gate had to run."""
    return f"gates/{gate}.expected.txt"


def gate_collection(gate: str) -> str:
    """Return the name of the list of tests that pytest found."""
    return f"gates/{gate}.collection.json"
