from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from acceptance.probes.exposition import parse
from acceptance.stack.choice.data_servers import open_servers
from acceptance.stack.interface import DataServers, PreflightRun
from acceptance.world.live import LiveWorld, open_live_world
from acceptance.world.telegram import TelegramStandin
from preflight.record.catalogue import CHECK_STATUS, LAST_SUCCESS, READY_FOR_LIVE
from tests import program_server
from tests.preflight.faults.matrix import ROWS
from tests.preflight.faults.rig import make_rig
from tests.preflight.faults.row import Change, FaultRow

pytestmark = [
    pytest.mark.leg("system"),
    pytest.mark.timeout(600),
]  # with --stack compose the images may have to be built first

Ran = tuple[Change, PreflightRun]

_ENGLISH = re.compile(r"[A-Za-z][A-Za-z'-]*(?:,? [A-Za-z][A-Za-z'-]*){2,}")  # three words or more in a row
#: What a Korean reader rightly meets in English: commands to type, and how the words of other programs begin.
_NOT_OURS = (
    "preflight ",
    "CONFIG SET ",
    "GRANT ",
    *("not a git repository", "or any of the parent directories", "or any parent up to mount point"),
    *("Stopping at filesystem boundary", "FILESYSTEM not set"),
    *("No space left on device", "No such file or directory", "Read-only file system", "Connection reset by peer"),
    *("Name or service not known", "Temporary failure in name resolution"),
    *("Max retries exceeded", "Caused by NewConnectionError", "Failed to establish a new connection"),
    *("Error while reading from", "invalid username-password pair", "command not allowed when used memory"),
    "You can't write against a read only replica",
    *("does not exist", "password authentication failed", "server closed the connection unexpectedly"),
    *("remaining connection slots are reserved", "database or disk is full"),
)


@pytest.fixture(scope="module")
def servers(request: pytest.FixtureRequest) -> Iterator[DataServers]:
    """A real Redis and a real Postgres: child processes, or containers with `--stack compose`."""
    with open_servers(request.config.getoption("--stack")) as running:
        yield running


@pytest.fixture(scope="module")
def live(servers: DataServers) -> Iterator[LiveWorld]:
    """What rows in env live run in, on the same servers: a world in which nothing else is wrong."""
    with open_live_world(servers, start=program_server.start) as world:
        yield world


def _metrics(row: FaultRow, prom: str) -> dict[str, float | None]:
    """Give the values of the `.prom` file that the row speaks of; None for what is not there."""
    page = parse(prom, origin="the .prom file")
    return {
        "last_success": page.value(LAST_SUCCESS, env=row.env),
        "ready_for_live": page.value(READY_FOR_LIVE, env=row.env),
        "check_status": page.value(CHECK_STATUS, env=row.env, check=row.check),
    }


def _run(row: FaultRow, live: LiveWorld) -> Ran:
    """Make the fault, run the gate, undo the fault."""
    with tempfile.TemporaryDirectory(prefix="preflight-fault-") as name:
        place = Path(name)
        place.chmod(0o755)  # others must be able to reach the textfile directory in it
        rig = make_rig(live, place)
        with row.make(rig) as change:
            return change, rig.run(row, change)


@pytest.fixture(scope="module")
def result_of(request: pytest.FixtureRequest, live: LiveWorld) -> Iterator[Callable[[FaultRow], Ran]]:
    """Run a row, once. Those that leave the servers as they are run side by side, ahead of their tests."""
    given = [item.callspec.params.get("row") for item in request.session.items if hasattr(item, "callspec")]
    asked = {_key(row): row for row in given if isinstance(row, FaultRow)}
    done: dict[str, Ran] = {}
    with ThreadPoolExecutor(max_workers=4) as pool:
        ahead = {key: pool.submit(_run, row, live) for key, row in asked.items() if not row.alone}

        def result(row: FaultRow) -> Ran:
            key = _key(row)
            if not row.alone:
                return ahead[key].result()
            wait(ahead.values())
            if key not in done:
                done[key] = _run(row, live)
            return done[key]

        yield result


def _key(row: FaultRow) -> str:
    return row.run_of or row.id


# Those that have the servers to themselves come last, so that nobody waits for them.
_IN_ORDER: list[FaultRow] = sorted(ROWS, key=lambda row: row.alone)


@pytest.mark.parametrize("row", _IN_ORDER, ids=lambda row: row.id)
def test_fault(row: FaultRow, result_of: Callable[[FaultRow], Ran], live: LiveWorld) -> None:
    """The fault is seen by its check, for its own reason, and comes out as the row says; no secret is told.

    The console is a Korean reader's: no English sentence is in it, whatever values the messages were given.

    In env live, where every check blocks, no other check says more than WARN (the machine may be busy), but that it
    needs this one: so exit code and gauges are this fault's.
    """
    change, run = result_of(row)
    row = row.on_this_machine(change)

    assert run.report, run.stderr
    check = next(each for each in run.report["checks"] if each["id"] == row.check)
    assert (check["status"], check["origin"]) == (row.status, row.origin), check
    assert [word for word in row.words if word not in check["summary"]] == [], check
    assert check["message_id"] is not None, check  # it can be said in another language
    assert check["hint"] or row.status in {"pass", "skip"}, check
    assert (run.report["verdict"], run.exit_code) == (row.verdict.value, row.exit_code), run.report["reasons"]
    assert _metrics(row, run.prom) == {
        "last_success": row.last_success,
        "ready_for_live": row.ready_for_live,
        "check_status": row.check_status,
    }
    if row.env == "live":
        assert [each for each in run.report["checks"] if not _is_clear(each, row.check)] == []
    told = [
        line for line in run.stderr.splitlines() if line.startswith("preflight: ")
    ]  # the launcher has its own words
    shown = "\n".join((run.stdout, *told))
    assert [text for text in _ENGLISH.findall(shown) if not text.startswith(_NOT_OURS)] == [], shown
    said = f"{run.stdout}{run.stderr}{run.report}{run.prom}"
    assert [secret for secret in live.secrets if secret in said] == []


def _is_clear(check: dict[str, Any], cause: str) -> bool:
    """Tell whether a check is the cause, holds nothing up, or only waits for the cause."""
    return bool(check["id"] == cause or check["status"] in {"pass", "warn"} or check["summary"] == f"requires {cause}")


NO_SPOOL = [row for row in ROWS if row.id in {"disk-full-spool", "disk-read-only", "spool-forbidden"}]


@pytest.mark.parametrize("telegram_up", [True, False], ids=["telegram-up", "telegram-down"])
@pytest.mark.parametrize("row", NO_SPOOL, ids=lambda row: row.id)
def test_a_p0_that_cannot_be_kept_is_sent_anyway(row: FaultRow, telegram_up: bool, live: LiveWorld) -> None:
    """With a spool that takes nothing the P0 is sent at once, and that is said; neither kept nor sent is `failed`."""
    with TelegramStandin(token="1:canary", chat_id="-100") as telegram:
        to_it = {
            "PREFLIGHT_TELEGRAM__TOKEN": "1:canary",
            "PREFLIGHT_TELEGRAM__CHAT_ID": "-100",
            "PREFLIGHT_TELEGRAM__URL": telegram.url,
            "PREFLIGHT_TELEGRAM__PLAIN_HTTP": "true",
            "PREFLIGHT_TELEGRAM__DEADLINE": "10" if telegram_up else "1",
        }
        if not telegram_up:
            telegram.fault("500", times=10**6)
        told = replace(row, make=lambda rig: _with(row.make(rig), to_it))
        _, run = _run(told, live)

        p0 = [item for item in run.report["alerts"]["items"] if item["severity"] == "P0"]
        assert [item["outcome"] for item in p0] == ["sent" if telegram_up else "failed"], run.stderr
        assert [run.report["run_id"] in text for text in telegram.texts] == [True] * telegram_up
    assert re.search(f"{run.report['run_id']}-P0: .+에 보관할 수 없", run.stderr), run.stderr
    assert (f"{run.report['run_id']}-P0: 잃어버렸습니다" in run.stderr) is not telegram_up


@contextlib.contextmanager
def _with(made: contextlib.AbstractContextManager[Change], env: dict[str, str]) -> Iterator[Change]:
    with made as change:
        yield replace(change, env={**change.env, **env})
