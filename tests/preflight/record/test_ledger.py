from __future__ import annotations

import math
import os
import shutil
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from prometheus_client.parser import text_string_to_metric_families

from preflight.errors import LedgerError, TextfileError
from preflight.model import Env
from preflight.record import catalogue as c
from preflight.record import ledgerfile, metrics
from preflight.record.ledger import Ledger, LedgerSnapshot, RunRecord
from tests.property_size import examples

IDS = ("environment", "redis", "postgres", "storage")
Line = tuple[str, frozenset[tuple[str, str]]]


def run(**changes: Any) -> RunRecord:
    """Make the record of a run that went well."""
    values: dict[str, Any] = {
        "env": "paper",
        "run_id": "r1",
        "started_at": 1_700_000_000.25,
        "ended_at": 1_700_000_000.5,
        "duration_seconds": 0.25,
        "success": True,
        "ready_for_live": False,
        "checks": dict.fromkeys(IDS, "pass"),
        "timings": {"redis": {"ping": 0.0004, "set": 0.002, "get": 0.0011}, "postgres": {"select": 0.02}},
    }
    return RunRecord(**{**values, **changes})


def published(path: Path) -> dict[Line, float]:
    """Read a `.prom` file."""
    families = text_string_to_metric_families(path.read_text())
    return {(s.name, frozenset(s.labels.items())): s.value for f in families for s in f.samples}


def known(snapshot: LedgerSnapshot) -> dict[Line, float]:
    """Give a snapshot in the same form."""
    return {(s.name, frozenset(s.labels.items())): s.value for s in snapshot.samples}


def value(snapshot: LedgerSnapshot, name: str, **labels: str) -> float | None:
    """Give one sample of a snapshot, None if it is not there."""
    env = next(iter(snapshot.samples)).labels["env"]
    return known(snapshot).get((name, frozenset({"env": env, **labels}.items())))


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """A ledger that publishes into the directory it lies in."""
    return Ledger(tmp_path / "ledger.sqlite", textfile_dir=tmp_path)


def test_making_one_does_nothing(tmp_path: Path) -> None:
    """A ledger that is only made touches no file."""
    Ledger(tmp_path / "ledger.sqlite", textfile_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_start_before_any_run(ledger: Ledger, tmp_path: Path) -> None:
    """A first start gives zero series of all counters and histograms, and only the gauges that are known."""
    snapshot = ledger.start("paper", IDS, at=1_700_000_000.25)
    gauges = {s.name: s.value for s in snapshot.samples if s.value or s.name in {c.READY_FOR_LIVE, c.LAST_SUCCESS}}
    assert gauges == {c.LAST_START: 1_700_000_000.25, c.READY_FOR_LIVE: 0.0}
    zero = {s.name for s in snapshot.samples} - set(gauges)
    kinds = [spec for spec in c.CATALOGUE if spec.kind is not c.MetricKind.GAUGE]
    assert zero == {name for spec in kinds for name in spec.series_names}
    assert snapshot.textfile == tmp_path / "arbitrage_preflight_paper.prom"
    assert snapshot.reset is None
    assert published(snapshot.textfile) == known(snapshot)


def test_record_writes_every_metric(ledger: Ledger) -> None:
    """One recorded run is in every metric, in the ledger and in the `.prom` alike."""
    ledger.start("paper", IDS, at=1_700_000_000.25)
    checks = {"environment": "pass", "redis": "fail", "postgres": "error", "storage": "warn"}
    snapshot = ledger.record(run(success=False, checks=checks))
    assert value(snapshot, c.RUNS) == 1
    assert value(snapshot, c.LAST_SUCCESS) == 0
    assert value(snapshot, c.READY_FOR_LIVE) == 0
    assert value(snapshot, c.LAST_RUN) == 1_700_000_000.5
    assert value(snapshot, c.LAST_START) == 1_700_000_000.25
    assert value(snapshot, c.LAST_SUCCESS_TIME) is None
    assert value(snapshot, f"{c.DURATION}_count") == 1
    assert value(snapshot, f"{c.DURATION}_sum") == 0.25
    assert value(snapshot, f"{c.DURATION}_bucket", le="0.1") == 0
    assert value(snapshot, f"{c.DURATION}_bucket", le="0.5") == 1
    assert value(snapshot, f"{c.REDIS_LATENCY}_bucket", operation="ping", le="0.001") == 1
    assert value(snapshot, f"{c.REDIS_LATENCY}_bucket", operation="get", le="0.001") == 0
    assert value(snapshot, f"{c.REDIS_LATENCY}_count", operation="set") == 1
    assert value(snapshot, f"{c.POSTGRES_LATENCY}_count") == 1
    for check_id, status in checks.items():
        assert value(snapshot, c.CHECKS, check=check_id, status=status) == 1
        assert value(snapshot, c.CHECK_STATUS, check=check_id) == c.STATUS_CODE[status]
    assert sum(s.value for s in snapshot.samples if s.name == c.CHECKS) == len(IDS)
    assert snapshot.textfile is not None
    assert published(snapshot.textfile) == known(snapshot)


def test_success_is_remembered(ledger: Ledger) -> None:
    """A failed run takes last_success back and leaves the time of the last success as it was."""
    ledger.record(run(ended_at=1000.5))
    snapshot = ledger.record(run(ended_at=2000.5, success=False))
    assert value(snapshot, c.LAST_SUCCESS) == 0
    assert value(snapshot, c.LAST_SUCCESS_TIME) == 1000.5
    assert value(snapshot, c.LAST_RUN) == 2000.5


def test_start_takes_ready_back(ledger: Ledger) -> None:
    """A run that begins makes the bot not ready, so that a crash cannot leave an older run's 1 standing."""
    assert value(ledger.record(run(env="live", ready_for_live=True)), c.READY_FOR_LIVE) == 1
    snapshot = ledger.start("live", IDS, at=1_700_000_100.0)
    assert value(snapshot, c.READY_FOR_LIVE) == 0
    assert value(snapshot, c.LAST_SUCCESS) == 1


def test_check_status_is_the_last_runs_alone(ledger: Ledger) -> None:
    """A check that did not run in the last run, or that left the config, has no status."""
    ledger.start("paper", IDS, at=1.0)
    ledger.record(run())
    snapshot = ledger.start("paper", IDS[:2], at=2.0)
    assert {s.labels["check"] for s in snapshot.samples if s.name == c.CHECK_STATUS} == set(IDS[:2])
    assert {s.labels["check"] for s in snapshot.samples if s.name == c.CHECKS} == set(IDS[:2])
    snapshot = ledger.record(run(checks={}))
    assert {s.labels["check"] for s in snapshot.samples if s.name == c.CHECK_STATUS} == set()
    assert {s.labels["check"] for s in snapshot.samples if s.name == c.CHECKS} == set(IDS[:2])


def test_counters_of_a_check_come_back(ledger: Ledger) -> None:
    """A check that leaves the config and returns goes on counting where it was."""
    ledger.record(run())
    ledger.record(run(checks={"redis": "pass"}))
    snapshot = ledger.record(run())
    assert value(snapshot, c.CHECKS, check="storage", status="pass") == 2
    assert value(snapshot, c.CHECKS, check="redis", status="pass") == 3


def test_alerts_are_counted(ledger: Ledger) -> None:
    """Outcomes of alerts add up; the length of the spool is the last one given."""
    ledger.record_alerts("paper", {("P0", "spooled"): 2}, pending=2)
    snapshot = ledger.record_alerts("paper", {("P0", "sent"): 2, ("P0", "spooled"): 1}, pending=1)
    assert value(snapshot, c.ALERTS, severity="P0", outcome="spooled") == 3
    assert value(snapshot, c.ALERTS, severity="P0", outcome="sent") == 2
    assert value(snapshot, c.ALERTS, severity="P3", outcome="sent") == 0
    assert value(snapshot, c.ALERTS_PENDING) == 1


def test_the_spool_is_counted_with_every_run(ledger: Ledger) -> None:
    """Start and record say how many alerts wait, where they are told; a run that dies later leaves no older number."""
    assert value(ledger.start("paper", IDS, at=1.0, pending=3), c.ALERTS_PENDING) == 3
    assert value(ledger.record(run(), pending=4), c.ALERTS_PENDING) == 4
    assert value(ledger.start("paper", IDS, at=2.0), c.ALERTS_PENDING) == 4
    with pytest.raises(ValueError, match="-1 alerts"):
        ledger.record(run(), pending=-1)


def test_mark_unsuccessful(ledger: Ledger) -> None:
    """What a run said can be taken back, without counting a run."""
    ledger.record(run(env="live", ready_for_live=True))
    snapshot = ledger.mark_unsuccessful("live")
    assert value(snapshot, c.LAST_SUCCESS) == value(snapshot, c.READY_FOR_LIVE) == 0
    assert value(snapshot, c.RUNS) == 1
    assert snapshot.textfile is not None
    assert published(snapshot.textfile) == known(snapshot)


def test_last_start_is_the_latest(ledger: Ledger) -> None:
    """A run that ends does not take back the start of one that began meanwhile."""
    ledger.start("paper", IDS, at=10.0)
    ledger.start("paper", IDS, at=20.0)
    assert value(ledger.record(run(started_at=10.0)), c.LAST_START) == 20.0


def test_an_older_run_does_not_overwrite_a_newer_one(ledger: Ledger, tmp_path: Path) -> None:
    """A GO that waited for the lock while a later NO_GO was recorded is counted, and changes no gauge of that one."""
    waiting = Ledger(tmp_path / "ledger.sqlite", textfile_dir=tmp_path)
    waiting.start("live", IDS, at=100.0)
    ledger.start("live", IDS, at=101.0)
    ledger.record(run(env="live", started_at=101.0, ended_at=103.0, success=False, checks={"redis": "fail"}))
    snapshot = waiting.record(run(env="live", started_at=100.0, ended_at=102.0, ready_for_live=True))
    assert value(snapshot, c.RUNS) == 2
    assert value(snapshot, c.LAST_RUN) == 103.0
    assert value(snapshot, c.LAST_SUCCESS) == value(snapshot, c.READY_FOR_LIVE) == 0
    assert value(snapshot, c.LAST_SUCCESS_TIME) == 102.0
    statuses = {s.labels["check"]: s.value for s in snapshot.samples if s.name == c.CHECK_STATUS}
    assert statuses == {"redis": c.STATUS_CODE["fail"]}
    assert value(snapshot, c.CHECKS, check="redis", status="pass") == 1


def test_the_last_success_does_not_go_back(ledger: Ledger) -> None:
    """A GO that is recorded after one that ended later leaves that one's time."""
    ledger.record(run(started_at=101.0, ended_at=103.0))
    snapshot = ledger.record(run(started_at=100.0, ended_at=102.0))
    assert value(snapshot, c.RUNS) == 2
    assert value(snapshot, c.LAST_SUCCESS_TIME) == 103.0


def test_nothing_is_ready_while_another_run_is_going_on(ledger: Ledger, tmp_path: Path) -> None:
    """A run that ends after another began makes nothing ready, in whatever order their starts got the lock."""
    other = Ledger(tmp_path / "ledger.sqlite", textfile_dir=tmp_path)
    other.start("live", IDS, at=101.0)
    ledger.start("live", IDS, at=100.0)
    snapshot = ledger.record(run(env="live", started_at=100.0, ended_at=102.0, ready_for_live=True))
    assert (value(snapshot, c.LAST_SUCCESS), value(snapshot, c.READY_FOR_LIVE)) == (1, 0)
    assert value(snapshot, c.LAST_START) == 101.0
    snapshot = other.record(run(env="live", started_at=101.0, ended_at=103.0, ready_for_live=True))
    assert value(snapshot, c.READY_FOR_LIVE) == 1


def test_a_clock_that_was_set_back(tmp_path: Path) -> None:
    """Times from the future, left by a clock that was ahead, hide neither a start nor what a run found."""
    ahead = Ledger(tmp_path / "ledger.sqlite", textfile_dir=tmp_path, now=lambda: 5001.0)
    ahead.record(run(started_at=5000.0, ended_at=5001.0))
    right = Ledger(tmp_path / "ledger.sqlite", textfile_dir=tmp_path, now=lambda: 1001.0)
    snapshot = right.start("paper", IDS, at=1000.0)
    assert value(snapshot, c.LAST_START) == 1000.0
    snapshot = right.record(run(started_at=1000.0, ended_at=1001.0, success=False))
    assert (value(snapshot, c.LAST_RUN), value(snapshot, c.LAST_SUCCESS)) == (1001.0, 0)


def test_envs_do_not_mix(ledger: Ledger, tmp_path: Path) -> None:
    """Each env has its own numbers in its own file; writing one leaves the other's file alone."""
    ledger.record(run(env="paper"))
    before = (tmp_path / "arbitrage_preflight_paper.prom").stat()
    snapshot = ledger.record(run(env="live"))
    assert value(snapshot, c.RUNS) == 1
    assert {s.labels["env"] for s in snapshot.samples} == {"live"}
    assert (tmp_path / "arbitrage_preflight_paper.prom").stat() == before


def test_without_textfile(tmp_path: Path) -> None:
    """Without a textfile directory the ledger alone is written."""
    snapshot = Ledger(tmp_path / "ledger.sqlite", textfile_dir=None).record(run())
    assert snapshot.textfile is None
    assert value(snapshot, c.RUNS) == 1
    assert list(tmp_path.glob("*.prom*")) == []
    assert value(Ledger(tmp_path / "ledger.sqlite", textfile_dir=None).record(run()), c.RUNS) == 2


def test_textfile_that_cannot_be_written(ledger: Ledger, tmp_path: Path) -> None:
    """A run whose `.prom` cannot be written raises, does not count as a success, and is not forgotten."""
    gone = Ledger(tmp_path / "ledger.sqlite", textfile_dir=tmp_path / "missing")
    snapshot = ledger.record(run(env="live", ready_for_live=True))
    assert snapshot.textfile is not None
    before = snapshot.textfile.read_bytes()
    with pytest.raises(TextfileError, match=r"missing/arbitrage_preflight_live\.prom: No such file"):
        gone.record(run(env="live", ready_for_live=True))
    assert snapshot.textfile.read_bytes() == before
    after = ledger.record_alerts("live", {}, pending=0)
    assert value(after, c.RUNS) == 2
    assert value(after, c.LAST_SUCCESS) == value(after, c.READY_FOR_LIVE) == 0


def test_textfile_that_the_disk_did_not_confirm(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A `.prom` that was replaced though the run is refused says, too, that the run was no success."""
    ledger.record(run())  # the ledger itself is made, and its directory synced, before the disk fails
    fsync = os.fsync

    def failing(fd: int) -> None:
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            raise OSError(5, "Input/output error")
        fsync(fd)

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(TextfileError, match="Input/output error"):
        ledger.record(run(env="live", ready_for_live=True))
    shown = published(tmp_path / "arbitrage_preflight_live.prom")
    assert shown[c.READY_FOR_LIVE, frozenset({("env", "live")})] == 0
    assert shown[c.LAST_SUCCESS, frozenset({("env", "live")})] == 0


def test_both_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If not even the ledger can take the run back, the error says both."""
    update = ledgerfile.LedgerFile.update
    calls: list[str] = []

    def once(self: ledgerfile.LedgerFile, env: str, change: Any) -> Any:
        calls.append(env)
        if len(calls) > 1:
            raise LedgerError("the disk is full")
        return update(self, env, change)

    monkeypatch.setattr(ledgerfile.LedgerFile, "update", once)
    gone = Ledger(tmp_path / "ledger.sqlite", textfile_dir=tmp_path / "missing")
    with pytest.raises(TextfileError, match=r"No such file.*the disk is full"):
        gone.record(run())


def test_a_bug_in_rendering_counts_too(ledger: Ledger, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever keeps the `.prom` from being written, the ledger does not call the run a success."""

    def broken(_state: object) -> bytes:
        raise RuntimeError("a bug")

    with monkeypatch.context() as patch:
        patch.setattr(metrics, "render", broken)
        with pytest.raises(RuntimeError, match="a bug"):
            ledger.record(run())
    after = Ledger(tmp_path / "ledger.sqlite", textfile_dir=None).record_alerts("paper", {}, pending=0)
    assert (value(after, c.RUNS), value(after, c.LAST_SUCCESS)) == (1, 0)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"env": "RuntimeEnv.PAPER"}, id="repr of an enum"),
        pytest.param({"env": Env.PAPER}, id="enum"),
        pytest.param({"checks": {"redis": "ok"}}, id="unknown status"),
        pytest.param({"checks": {"Redis!": "pass"}}, id="no check id"),
        pytest.param({"timings": {"redis": {"set": 0.1, "get": math.nan}}}, id="nan"),
        pytest.param({"timings": {"postgres": {"select": -0.1}}}, id="negative"),
        pytest.param({"ended_at": math.inf}, id="endless"),
        pytest.param({"ready_for_live": True}, id="ready outside live"),
        pytest.param({"env": "live", "ready_for_live": True, "success": False}, id="ready without GO"),
    ],
)
def test_records_that_cannot_be(changes: Mapping[str, Any]) -> None:
    """A record with a value from outside its closed set cannot even be made."""
    with pytest.raises(ValueError, match=r"label|seconds|ready_for_live"):
        run(**changes)


def test_wrong_calls_write_nothing(ledger: Ledger, tmp_path: Path) -> None:
    """A call with a value from outside its closed set changes neither ledger nor `.prom`."""
    before = ledger.record(run())
    for env in ("RuntimeEnv.PAPER", Env.PAPER, "prod"):
        with pytest.raises(ValueError, match="label env"):
            ledger.start(env, IDS, at=1.0)
        with pytest.raises(ValueError, match="label env"):
            ledger.mark_unsuccessful(env)
    with pytest.raises(ValueError, match="unique"):
        ledger.start("paper", ("redis", "redis"), at=1.0)
    with pytest.raises(ValueError, match="cannot be nan"):
        ledger.start("paper", IDS, at=math.nan)
    with pytest.raises(ValueError, match="severity"):
        ledger.record_alerts("paper", {("P0", "sent"): 1, ("P9", "sent"): 1}, pending=0)
    with pytest.raises(ValueError, match="pending"):
        ledger.record_alerts("paper", {}, pending=-1)
    assert published(tmp_path / "arbitrage_preflight_paper.prom") == known(before)
    again = Ledger(tmp_path / "ledger.sqlite", textfile_dir=None).record_alerts("paper", {}, pending=0)
    assert known(before).items() <= known(again).items()


class LedgerMachine(RuleBasedStateMachine):
    """Any mix of calls, by any number of Ledger objects, against a plain model of what they must add up to."""

    statuses = st.dictionaries(st.sampled_from(IDS), st.sampled_from(list(c.STATUS_CODE)))

    def __init__(self) -> None:
        super().__init__()
        memory = Path("/dev/shm")  # many small transactions: what is tested here is not the disk
        self.folder = Path(tempfile.mkdtemp(prefix="preflight-ledger-", dir=memory if memory.is_dir() else None))
        self.runs = {"paper": 0, "live": 0}
        self.results: dict[tuple[str, str, str], int] = {}
        self.pings: dict[str, list[float]] = {"paper": [], "live": []}
        self.status: dict[str, dict[str, str]] = {"paper": {}, "live": {}}
        self.flags: dict[str, tuple[float | None, float | None]] = {"paper": (None, None), "live": (None, None)}
        self.clock = 1_700_000_000.5

    def open(self) -> Ledger:
        """Make a new object each time, as each process does."""
        return Ledger(self.folder / "l.sqlite", textfile_dir=self.folder)

    @rule(env=st.sampled_from(["paper", "live"]), ids=st.lists(st.sampled_from(IDS), unique=True))
    def start(self, env: str, ids: list[str]) -> None:
        """Begin a run."""
        self.open().start(env, ids, at=5.0)
        self.flags[env] = (self.flags[env][0], 0)
        self.status[env] = {i: s for i, s in self.status[env].items() if i in ids}

    @rule(
        env=st.sampled_from(["paper", "live"]),
        checks=statuses,
        success=st.booleans(),
        ready=st.booleans(),
        ping=st.one_of(st.none(), st.floats(0, 1)),
    )
    def record(self, env: str, checks: dict[str, str], success: bool, ready: bool, ping: float | None) -> None:
        """End a run."""
        ready = ready and success and env == "live"
        self.clock += 1
        record = run(
            env=env,
            checks=checks,
            success=success,
            ready_for_live=ready,
            timings={"redis": {} if ping is None else {"ping": ping}},
            ended_at=self.clock,
        )
        self.open().record(record)
        self.runs[env] += 1
        self.pings[env] += [] if ping is None else [ping]
        self.status[env] = checks
        self.flags[env] = (success, ready)
        for check_id, status in checks.items():
            key = (env, check_id, status)
            self.results[key] = self.results.get(key, 0) + 1

    @rule(env=st.sampled_from(["paper", "live"]))
    def take_back(self, env: str) -> None:
        """Take back what the last run said."""
        self.open().mark_unsuccessful(env)
        self.flags[env] = (0, 0)

    @invariant()
    def published_is_the_model(self) -> None:
        """The `.prom` of each env is exactly what all calls add up to."""
        for env in ("paper", "live"):
            path = self.folder / f"arbitrage_preflight_{env}.prom"
            if not path.exists():
                assert self.runs[env] == 0
                continue
            shown = published(path)
            me = ("env", env)
            only = frozenset({me})
            assert shown[c.RUNS, only] == shown[f"{c.DURATION}_count", only] == self.runs[env]
            assert (shown.get((c.LAST_SUCCESS, only)), shown.get((c.READY_FOR_LIVE, only))) == self.flags[env]
            ping = frozenset({me, ("operation", "ping")})
            assert shown[f"{c.REDIS_LATENCY}_count", ping] == len(self.pings[env])
            below = sum(s <= 0.05 for s in self.pings[env])
            assert shown[f"{c.REDIS_LATENCY}_bucket", ping | {("le", "0.05")}] == below
            status = {dict(labels)["check"]: v for (name, labels), v in shown.items() if name == c.CHECK_STATUS}
            assert status == {i: c.STATUS_CODE[s] for i, s in self.status[env].items()}
            for (name, labels), count in shown.items():
                if name == c.CHECKS:
                    of = dict(labels)
                    assert count == self.results.get((env, of["check"], of["status"]), 0)

    def teardown(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder)


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = settings(max_examples=examples(15), stateful_step_count=12, deadline=None)
