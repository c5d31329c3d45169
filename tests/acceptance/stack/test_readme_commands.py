"""What the README tells a newcomer to type: ``make up``, ``preflight``, ``curl``, ``make down``."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from acceptance.stack.interface import SERVICES
from acceptance.stack.readiness import http_get
from acceptance.stack.wait import Observation, wait_until
from tests.acceptance.stack.embedded.test_local import Person
from tests.acceptance.stack.light import gone, vanished

pytestmark = pytest.mark.leg("system")

# The exchanges are somewhere else, and not what is looked at here.
SETTINGS = "[exchanges.upbit]\nenabled = false\n[exchanges.binance]\nenabled = false\n"


def preflight(program: str, project: Path) -> subprocess.CompletedProcess[str]:
    """Run the gate as somebody does who set nothing at all."""
    return subprocess.run(
        [program],
        cwd=project,
        env={"PATH": os.defpath, "HOME": str(project)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_up_preflight_curl_down(tmp_path: Path) -> None:
    """Each run is counted where the README's curl looks, and ``make down`` leaves no process behind."""
    person = Person(tmp_path, services=SERVICES)
    (tmp_path / "preflight.toml").write_text(SETTINGS)
    code, said = person.types("up")
    try:
        assert code == 0, said
        processes, folder = person.processes(), Path(str(person.state()["run_dir"]))
        program, curl = said.partition("Next, from this folder:\n")[2].splitlines()[:2]
        assert curl.endswith("/api/v1/query?query=arbitrage_preflight_runs_total'")

        def counted(runs: int) -> Observation[None]:
            url = "/api/v1/query?query=arbitrage_preflight_runs_total"
            body = json.loads(http_get(person.ports["prometheus"], url)[1])
            values = [(one["metric"]["env"], float(one["value"][1])) for one in body["data"]["result"]]
            return Observation(done=values == [("paper", runs)], said=str(body))

        for number in (1, 2):
            done = preflight(program.strip(), tmp_path)
            assert (done.returncode, "GO: " in done.stdout) == (0, True), done.stdout + done.stderr
            wait_until(lambda runs=number: counted(runs), asked=f"runs_total to be {number}", timeout=45)  # type: ignore[misc]
        processes += person.processes()
    finally:
        code, said = person.types("down")
    assert (code, "nothing is left running" in said) == (0, True), said
    gone(processes)
    vanished(folder)
