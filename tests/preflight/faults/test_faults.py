from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from acceptance.stack.base import PreflightRun
from acceptance.standins.telegram import TelegramStandin
from preflight.catalogue import LAST_SUCCESS, READY_FOR_LIVE
from tests.preflight.faults.matrix import ROWS
from tests.preflight.faults.rig import Servers, make_rig
from tests.preflight.faults.row import Change, FaultRow
from tests.preflight.faults.servers import open_servers

pytestmark = pytest.mark.timeout(600)  # with --stack compose the images may have to be built first

Ran = tuple[Change, PreflightRun]


@pytest.fixture(scope="module")
def servers(request: pytest.FixtureRequest) -> Iterator[Servers]:
    """A real Redis and a real Postgres: child processes, or containers with `--stack compose`."""
    with open_servers(request.config.getoption("--stack")) as running:
        yield running


def _samples(prom: str, env: str) -> dict[str, float]:
    """Name -> value of the samples that have no label but `env`."""
    return {
        sample.name: sample.value
        for family in text_string_to_metric_families(prom)
        for sample in family.samples
        if sample.labels == {"env": env}
    }


def _run(row: FaultRow, servers: Servers) -> Ran:
    """Make the fault, run the gate, undo the fault."""
    with tempfile.TemporaryDirectory(prefix="preflight-fault-") as name:
        place = Path(name)
        place.chmod(0o755)  # others must be able to reach the textfile directory in it
        rig = make_rig(servers, place)
        with row.make(rig) as change:
            return change, rig.run(row, change)


@pytest.fixture(scope="module")
def result_of(request: pytest.FixtureRequest, servers: Servers) -> Iterator[Callable[[FaultRow], Ran]]:
    """Run a row, once. Those that leave the servers as they are run side by side, ahead of their tests."""
    given = [item.callspec.params.get("row") for item in request.session.items if hasattr(item, "callspec")]
    asked = {_key(row): row for row in given if isinstance(row, FaultRow)}
    done: dict[str, Ran] = {}
    with ThreadPoolExecutor(max_workers=4) as pool:
        ahead = {key: pool.submit(_run, row, servers) for key, row in asked.items() if not row.alone}

        def result(row: FaultRow) -> Ran:
            key = _key(row)
            if not row.alone:
                return ahead[key].result()
            wait(ahead.values())
            if key not in done:
                done[key] = _run(row, servers)
            return done[key]

        yield result


def _key(row: FaultRow) -> str:
    return row.run_of or row.id


# Those that have the servers to themselves come last, so that nobody waits for them.
_IN_ORDER: list[FaultRow] = sorted(ROWS, key=lambda row: row.alone)


@pytest.mark.parametrize("row", _IN_ORDER, ids=lambda row: row.id)
def test_fault(row: FaultRow, result_of: Callable[[FaultRow], Ran], servers: Servers) -> None:
    """The fault is seen by its check, for its own reason, and comes out as the row says; no secret is told."""
    change, run = result_of(row)
    row = row.on_this_machine(change)

    assert run.report, run.stderr
    check = next(each for each in run.report["checks"] if each["id"] == row.check)
    assert (check["status"], check["origin"]) == (row.status, row.origin), check
    assert [word for word in row.words if word not in check["summary"]] == [], check
    assert check["hint"] or row.status in {"pass", "skip"}, check
    assert run.exit_code == row.exit_code, run.report["reasons"]
    values = _samples(run.prom, row.env)
    assert (values.get(LAST_SUCCESS), values.get(READY_FOR_LIVE)) == (row.last_success, row.ready_for_live)
    said = f"{run.stdout}{run.stderr}{run.report}{run.prom}"
    assert [secret for secret in servers.secrets if secret in said] == []


NO_SPOOL = [row for row in ROWS if row.id in {"disk-full-spool", "disk-read-only", "spool-forbidden"}]


@pytest.mark.parametrize("telegram_up", [True, False], ids=["telegram-up", "telegram-down"])
@pytest.mark.parametrize("row", NO_SPOOL, ids=lambda row: row.id)
def test_a_p0_that_cannot_be_kept_is_sent_anyway(row: FaultRow, telegram_up: bool, servers: Servers) -> None:
    """With a spool that takes nothing the P0 is sent at once, and that is said; neither kept nor sent is `failed`."""
    with TelegramStandin(token="1:canary", chat_id="-100") as telegram:
        to_it = {
            "PREFLIGHT_TELEGRAM__TOKEN": "1:canary",
            "PREFLIGHT_TELEGRAM__CHAT_ID": "-100",
            "PREFLIGHT_TELEGRAM__URL": telegram.url,
            "PREFLIGHT_TELEGRAM__DEADLINE": "10" if telegram_up else "1",
        }
        if not telegram_up:
            telegram.fault("500", times=10**6)
        told = replace(row, make=lambda rig: _with(row.make(rig), to_it))
        _, run = _run(told, servers)

        p0 = [item for item in run.report["alerts"]["items"] if item["severity"] == "P0"]
        assert [item["outcome"] for item in p0] == ["sent" if telegram_up else "failed"], run.stderr
        assert [run.report["run_id"] in text for text in telegram.texts] == [True] * telegram_up
    assert f"{run.report['run_id']}-P0 cannot be kept in " in run.stderr
    assert (f"{run.report['run_id']}-P0 is lost" in run.stderr) is not telegram_up


@contextlib.contextmanager
def _with(made: contextlib.AbstractContextManager[Change], env: dict[str, str]) -> Iterator[Change]:
    with made as change:
        yield replace(change, env={**change.env, **env})
