from __future__ import annotations

import itertools
import os
import select
import signal
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from preflight.check import Check, Context
from preflight.conclusion import Conclusion, Run, RunOptions
from preflight.config.settings import Settings
from preflight.errors import Interrupted, LedgerLockedError, TextfileError, UsageError
from preflight.gate import Gate, new_run_id
from preflight.message import Message
from preflight.model import Mode, Outcome, Report, Result, Sample, Status, Verdict
from preflight.record.ledger import LedgerSnapshot, RunRecord
from preflight.registry import Registry
from tests.conftest import stable_id
from tests.preflight.verdict_table import stated
from tests.property_size import examples

MakeCheck = Callable[..., Check]
MakeSettings = Callable[..., Settings]
MakeGate = Callable[..., Gate]

pytestmark = pytest.mark.usefixtures("no_child_left", "ctrl_c")

SAMPLES = (Sample(name="arbitrage_preflight_runs_total", labels={"env": "paper"}, value=7.0),)
REQUIRED = ("environment", "secrets", "read_only_guard", "redis", "postgres", "storage")


@dataclass
class FakeLedger:
    """Writes down what it is told, and fails where a test wants it to."""

    events: list[str]
    fails: dict[str, BaseException] = field(default_factory=dict)  # method -> what it raises
    resets: dict[str, Path] = field(default_factory=dict)  # method -> where the damaged ledger went
    made_with: dict[str, Any] = field(default_factory=dict)
    started: list[tuple[str, tuple[str, ...], float]] = field(default_factory=list)
    runs: list[RunRecord] = field(default_factory=list)
    pending: list[int | None] = field(default_factory=list)  # as start and record were told

    def _do(self, name: str) -> LedgerSnapshot:
        self.events.append(name)
        if name in self.fails:
            raise self.fails[name]
        textfile_dir = self.made_with["textfile_dir"]
        textfile = None if textfile_dir is None else textfile_dir / "arbitrage_preflight_paper.prom"
        return LedgerSnapshot(samples=SAMPLES, textfile=textfile, reset=self.resets.get(name))

    def start(self, env: str, check_ids: Sequence[str], *, at: float, pending: int | None = None) -> LedgerSnapshot:
        """Take the start marker."""
        self.pending.append(pending)
        self.started.append((env, tuple(check_ids), at))
        return self._do("start")

    def record(self, run: RunRecord, *, pending: int | None = None) -> LedgerSnapshot:
        """Take a run."""
        self.pending.append(pending)
        self.runs.append(run)
        return self._do("record")

    def mark_unsuccessful(self, env: str) -> LedgerSnapshot:
        """Take back."""
        return self._do(f"unsuccessful {env}")


@pytest.fixture
def events() -> list[str]:
    """What happened, in order."""
    return []


@pytest.fixture
def ledger(events: list[str], monkeypatch: pytest.MonkeyPatch) -> FakeLedger:
    """The one ledger that every gate of the test gets."""
    fake = FakeLedger(events)

    def make(path: Path, **given: Any) -> FakeLedger:
        fake.made_with = {"path": path, **given}
        return fake

    monkeypatch.setattr("preflight.gate.Ledger", make)
    return fake


@pytest.fixture
def make_gate(
    make_check: MakeCheck, make_settings: MakeSettings, tmp_path: Path, events: list[str], ledger: FakeLedger
) -> MakeGate:
    """Make a gate over fake checks: `make_gate({"redis": Status.FAIL}, options=..., settings=...)`."""
    assert ledger.events is events

    def does(behaviour: Any) -> Callable[[Context], Any]:
        if isinstance(behaviour, Status):
            return lambda _: Outcome(status=behaviour, summary=Message(behaviour.value), hint=Message("h"))
        return behaviour  # type: ignore[no-any-return]

    def make(behaviours: Mapping[str, Any] | None = None, **given: Any) -> Gate:
        plan = dict.fromkeys(REQUIRED, Status.PASS) | dict(behaviours or {})
        options = given.pop("options", {})
        base: dict[str, Any] = {
            "settings": make_settings(**given.pop("settings", {})),
            "options": RunOptions(**options),
            "registry": Registry(tuple(make_check(name, does(what)) for name, what in plan.items())),
            "environ": {},
            "cwd": tmp_path,
            "on_result": lambda result: events.append(f"result {result.id}"),
            "write_report": lambda _: events.append("report"),
        }
        return Gate(**{**base, **given})

    return make


def test_order_of_a_run(make_gate: MakeGate, ledger: FakeLedger, tmp_path: Path) -> None:
    """Start marker, then the checks, then the record, then the report."""
    mark = tmp_path / "check-ran"
    seen_at_start: list[bool] = []

    def touch(_: Context) -> Outcome:
        mark.touch()
        return Outcome(status=Status.PASS, summary=Message("ran"))

    gate = make_gate({"redis": touch})
    start = ledger.start

    def look_first(env: str, check_ids: Sequence[str], **given: Any) -> LedgerSnapshot:
        seen_at_start.append(mark.exists())
        return start(env, check_ids, **given)

    ledger.start = look_first  # type: ignore[method-assign]
    report = gate.run()
    assert seen_at_start == [False]
    assert mark.exists()
    assert ledger.events[0] == "start"
    assert sorted(ledger.events[1:-2]) == sorted(f"result {check_id}" for check_id in REQUIRED)
    assert ledger.events[-2:] == ["record", "report"]
    assert (report.decision.verdict, report.decision.exit_code, report.recorded) == (Verdict.GO, 0, True)


def test_record_is_the_report(make_gate: MakeGate, ledger: FakeLedger, tmp_path: Path) -> None:
    """Ledger and report tell of one run with the same numbers, to the last bit."""

    def redis(_: Context) -> Outcome:
        times = {"connect": 9.0, "ping": 0.1, "set": 0.2, "get": 0.3, "del": 0.4}
        return Outcome(status=Status.WARN, summary=Message("slow"), hint=Message("h"), timings=times)

    def postgres(_: Context) -> Outcome:
        return Outcome(status=Status.PASS, summary=Message(), timings={"connect": 9.0, "select": 0.5, "write": 0.6})

    ticks = itertools.count(1_800_000_000, 0.125)
    report = make_gate({"redis": redis, "postgres": postgres}, now=lambda: next(ticks)).run()
    (run,) = ledger.runs
    assert (run.env, run.run_id, run.success, run.ready_for_live) == ("paper", report.run_id, True, False)
    assert type(run.env) is str
    assert (run.started_at, run.ended_at) == (report.started_at, report.ended_at)
    assert run.started_at == 1_800_000_000
    assert run.ended_at > run.started_at
    assert run.duration_seconds == report.duration_seconds
    assert run.checks == {**dict.fromkeys(REQUIRED, "pass"), "redis": "warn"}
    assert run.timings == {result.id: result.outcome.timings for result in report.results}
    assert run.timings["redis"]["ping"] == 0.1
    assert ledger.started == [("paper", REQUIRED, report.started_at)]
    assert report.samples == SAMPLES
    assert report.textfile == str(tmp_path / "textfile" / "arbitrage_preflight_paper.prom")
    assert report.ledger == str(tmp_path / "state" / "ledger.sqlite")
    assert ledger.made_with["lock_timeout"] == 5.0


def test_latency_that_was_not_measured_is_not_recorded(make_gate: MakeGate, ledger: FakeLedger) -> None:
    """A check that failed before it measured adds nothing to the histograms."""
    make_gate({"redis": Status.FAIL}).run()
    assert not any(ledger.runs[0].timings.values())


@pytest.mark.parametrize(
    ("behaviours", "options", "verdict", "code", "success"),
    [
        ({}, {}, Verdict.GO, 0, True),
        ({"redis": Status.WARN}, {}, Verdict.GO, 0, True),
        ({"redis": Status.WARN}, {"strict": True}, Verdict.WARNED, 4, False),
        ({"redis": Status.FAIL}, {}, Verdict.NO_GO, 1, False),
        ({"redis": Status.FAIL}, {"waivers": {"redis": "known"}}, Verdict.GO, 0, True),
        ({"redis": Status.ERROR}, {}, Verdict.UNVERIFIED, 3, False),
        ({"redis": lambda _: os._exit(0)}, {}, Verdict.UNVERIFIED, 3, False),
        ({"clock": Status.FAIL}, {}, Verdict.GO, 0, True),
    ],
    ids=stable_id,
)
def test_verdicts_are_recorded(
    *,
    behaviours: dict[str, Any],
    options: dict[str, Any],
    verdict: Verdict,
    code: int,
    success: bool,
    make_gate: MakeGate,
    ledger: FakeLedger,
) -> None:
    """Every real run is recorded with its verdict; only GO is a success."""
    report = make_gate(behaviours, options=options).run()
    assert (report.decision.verdict, report.decision.exit_code, report.recorded) == (verdict, code, True)
    assert [run.success for run in ledger.runs] == [success]


def test_ready_for_live(make_gate: MakeGate, ledger: FakeLedger) -> None:
    """A clean GO in env live is recorded as ready; with a waiver that was needed it is a GO and not ready."""
    live = {"settings": {"env": "live"}}
    assert make_gate(**live).run().decision.ready_for_live is True
    waived = make_gate({"redis": Status.FAIL}, options={"waivers": {"redis": "known"}}, **live).run()
    assert (waived.decision.verdict, waived.decision.ready_for_live) == (Verdict.GO, False)
    assert [run.ready_for_live for run in ledger.runs] == [True, False]


@pytest.mark.parametrize(
    "options", [{"mode": Mode.DRY_RUN}, {"mode": Mode.PARTIAL, "only": ("redis",)}], ids=["dry-run", "partial"]
)
@pytest.mark.parametrize("status", [Status.PASS, Status.FAIL])
def test_unfinished_runs_leave_no_trace(
    options: dict[str, Any], status: Status, make_gate: MakeGate, ledger: FakeLedger, tmp_path: Path
) -> None:
    """A dry run and a part of the checks touch neither ledger nor textfile, and make no directory."""
    report = make_gate({"redis": status}, options=options).run()
    assert ledger.made_with == {}
    assert not {"start", "record"} & set(ledger.events)
    assert (report.recorded, report.ledger, report.textfile, report.samples) == (False, None, None, ())
    assert report.decision.verdict.value == options["mode"].name
    assert report.decision.exit_code == (1 if status is Status.FAIL else {"dry-run": 6, "partial": 3}[options["mode"]])
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


LOCKED = LedgerLockedError("the ledger is locked: wait")
NO_PROM = TextfileError("cannot write the metrics file")


@pytest.mark.parametrize(
    ("fails", "keeps_ledger"),
    [
        ({"start": LOCKED, "record": LOCKED}, False),
        ({"record": LOCKED}, False),
        ({"start": NO_PROM, "record": NO_PROM}, True),
        ({"record": NO_PROM}, True),
        ({"record": ValueError("a bug")}, False),
        ({"record": sqlite3.OperationalError("a bug")}, False),
    ],
    ids=stable_id,
)
@pytest.mark.parametrize(
    ("status", "verdict", "code"), [(Status.PASS, Verdict.UNRECORDED, 5), (Status.FAIL, Verdict.NO_GO, 1)]
)
def test_unrecorded(
    *,
    fails: dict[str, BaseException],
    keeps_ledger: bool,
    status: Status,
    verdict: Verdict,
    code: int,
    make_gate: MakeGate,
    ledger: FakeLedger,
) -> None:
    """A run that the ledger or the textfile did not take is UNRECORDED and says why; a FAIL still comes first."""
    ledger.fails = fails
    report = make_gate({"redis": status}).run()
    assert (report.decision.verdict, report.decision.exit_code) == (verdict, code)
    assert (report.recorded, report.decision.ready_for_live) == (False, False)
    assert any(str(fails["record"]) in reason for reason in report.decision.reasons)
    assert (report.ledger is not None) is keeps_ledger
    assert (report.textfile, report.samples) == (None, ())
    assert ledger.events[-1] == "report"


@pytest.mark.parametrize("error", [LOCKED, NO_PROM])
def test_lost_start_marker_is_unrecorded(error: Exception, make_gate: MakeGate, ledger: FakeLedger) -> None:
    """Where the start could not be published the run is recorded as no success, whatever came after."""
    ledger.fails = {"start": error}
    report = make_gate().run()
    assert (report.decision.verdict, report.decision.exit_code) == (Verdict.UNRECORDED, 5)
    assert [run.success for run in ledger.runs] == [False]
    assert report.recorded is False


def test_no_textfile_directory_is_unrecorded(make_gate: MakeGate, ledger: FakeLedger) -> None:
    """A run whose metrics have nowhere to go is UNRECORDED; with --no-metrics it is as good as any."""
    report = make_gate(settings={"textfile_dir": None}).run()
    assert (report.decision.verdict, [run.success for run in ledger.runs]) == (Verdict.UNRECORDED, [False])
    assert "textfile_dir is not set" in report.decision.reasons[-1]
    report = make_gate(settings={"textfile_dir": None}, options={"metrics": False}).run()
    assert (report.decision.verdict, report.textfile) == (Verdict.GO, None)
    make_gate(options={"metrics": False}).run()
    assert ledger.made_with["textfile_dir"] is None


@pytest.mark.parametrize(
    ("status", "strict", "verdict", "found"),
    [
        (Status.PASS, False, Verdict.GO, Status.WARN),
        (Status.PASS, True, Verdict.WARNED, Status.WARN),
        (Status.FAIL, False, Verdict.NO_GO, Status.FAIL),
    ],
)
def test_damaged_ledger_is_a_warning(
    *, status: Status, strict: bool, verdict: Verdict, found: Status, make_gate: MakeGate, ledger: FakeLedger
) -> None:
    """A ledger that was set aside is a WARN of storage that says where it is, and hides no worse status."""
    ledger.resets = {"start": Path("/state/ledger.damaged"), "record": Path("/state/ledger.damaged")}
    report = make_gate({"storage": status}, options={"strict": strict}).run()
    storage = next(result for result in report.results if result.id == "storage")
    assert (report.decision.verdict, storage.status) == (verdict, found)
    assert ledger.runs[0].checks["storage"] == found.value
    assert len(report.notes) == 1
    assert "/state/ledger.damaged" in report.notes[0]
    if found is Status.WARN:
        assert "/state/ledger.damaged" in storage.outcome.summary
        assert storage.outcome.hint


@pytest.mark.parametrize(
    ("strict", "verdict", "after"),
    [
        pytest.param(False, Verdict.GO, ["record", "report"], id="a warning"),
        pytest.param(True, Verdict.WARNED, ["record", "unsuccessful paper", "report"], id="strict"),
    ],
)
def test_ledger_damaged_meanwhile_is_a_warning(
    *, strict: bool, verdict: Verdict, after: list[str], make_gate: MakeGate, ledger: FakeLedger
) -> None:
    """A ledger set aside only when the run was recorded is a WARN as well; what was recorded as GO is taken back."""
    ledger.resets = {"record": Path("/state/ledger.damaged")}
    report = make_gate(options={"strict": strict}).run()
    storage = next(result for result in report.results if result.id == "storage")
    assert (report.decision.verdict, storage.status, report.recorded) == (verdict, Status.WARN, True)
    assert "/state/ledger.damaged" in storage.outcome.summary
    assert len(report.notes) == 1
    assert ledger.events[-len(after) :] == after


def test_ledger_damaged_meanwhile_and_not_corrected(make_gate: MakeGate, ledger: FakeLedger) -> None:
    """Where the success that was recorded cannot be taken back, the run is UNRECORDED."""
    ledger.resets = {"record": Path("/state/ledger.damaged")}
    ledger.fails = {"unsuccessful paper": LOCKED}
    report = make_gate(options={"strict": True}).run()
    assert (report.decision.verdict, report.recorded) == (Verdict.UNRECORDED, False)
    assert LOCKED.args[0] in report.decision.reasons


def _interrupt_with(number: int) -> Callable[[Result], None]:
    def interrupt(result: Result) -> None:
        if result.id == "redis":
            os.kill(os.getpid(), number)

    return interrupt


def _raise(error: BaseException) -> Callable[[Result], None]:
    def raiser(_: Result) -> None:
        raise error

    return raiser


@pytest.mark.parametrize(
    ("on_result", "told"),
    [
        (_raise(BrokenPipeError(32, "Broken pipe")), "BrokenPipeError: [Errno 32] Broken pipe"),
        (_raise(SystemExit(0)), "SystemExit: 0"),
        (_raise(MemoryError()), "MemoryError"),
        (_interrupt_with(signal.SIGINT), "KeyboardInterrupt"),
        (_interrupt_with(signal.SIGTERM), "Interrupted: SIGTERM"),
    ],
    ids=["broken-pipe", "system-exit", "memory", "ctrl-c", "sigterm"],
)
def test_gate_that_breaks_is_unverified(
    on_result: Callable[[Result], None], told: str, make_gate: MakeGate, ledger: FakeLedger
) -> None:
    """Whatever stops the gate half way, the run is recorded as UNVERIFIED, with all checks, and reported."""

    def handler(*_: Any) -> None:
        raise Interrupted("SIGTERM")

    before = signal.signal(signal.SIGTERM, handler)
    try:
        report = make_gate({"storage": lambda _: signal.pause()}, on_result=on_result).run()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert (report.decision.verdict, report.decision.exit_code, report.recorded) == (Verdict.UNVERIFIED, 3, True)
    assert report.decision.reasons[0] == f"the gate itself broke: {told}"
    assert [result.id for result in report.results] == list(REQUIRED)
    assert next(r for r in report.results if r.id == "storage").outcome.actual == told
    (run,) = ledger.runs
    assert (run.success, run.checks["storage"]) == (False, "error")
    assert ledger.events[-2:] == ["record", "report"]


@pytest.mark.parametrize("where", ["preflight.gate.Runner.prepare", "preflight.gate.Runner.run"])
def test_bug_in_the_runner_is_unverified(
    where: str, make_gate: MakeGate, ledger: FakeLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug in the gate's own code gives UNVERIFIED, recorded, and not one check counts as done."""

    def bug(_: Any) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(where, bug)
    report = make_gate().run()
    assert (report.decision.exit_code, len(ledger.runs)) == (3, 1)
    assert {result.status for result in report.results} == {Status.ERROR}


def test_bug_in_the_start_marker_is_unverified(make_gate: MakeGate, ledger: FakeLedger) -> None:
    """A start marker that fails in a way nobody foresaw stops the run before any check starts."""
    ledger.fails = {"start": ZeroDivisionError("oops")}
    report = make_gate().run()
    assert report.decision.verdict is Verdict.UNVERIFIED
    assert {result.started_at for result in report.results} == {None}


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(28, "No space left on device"), "No space left on device"),
        (PermissionError(13, "Permission denied"), "Permission denied"),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"), "surrogates not allowed"),
    ],
)
@pytest.mark.parametrize("options", [{}, {"mode": Mode.DRY_RUN}])
def test_report_that_cannot_be_written(
    error: Exception, told: str, options: dict[str, Any], make_gate: MakeGate, ledger: FakeLedger
) -> None:
    """A run whose report is lost is exit 5, and a recorded success is taken back."""

    def lose(_: Report) -> None:
        raise error

    report = make_gate(options=options, write_report=lose).run()
    assert report.decision.exit_code == 5
    assert told in report.decision.reasons[-1]
    assert "--output" in report.decision.reasons[-1]
    assert (report.recorded, report.decision.ready_for_live) == (False, False)
    if not options:
        assert report.decision.verdict is Verdict.UNRECORDED
        assert ledger.events[-2:] == ["record", "unsuccessful paper"]
    else:
        assert ledger.made_with == {}


def test_report_and_ledger_both_lost(make_gate: MakeGate, ledger: FakeLedger) -> None:
    """Where the success cannot even be taken back, that is said too."""
    ledger.fails = {"unsuccessful paper": LOCKED}

    def lose(_: Report) -> None:
        raise OSError(28, "No space left on device")

    report = make_gate(write_report=lose).run()
    assert report.decision.verdict is Verdict.UNRECORDED
    assert [LOCKED.args[0] in reason for reason in report.decision.reasons[-2:]] == [False, True]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), Interrupted("SIGTERM")])
@pytest.mark.parametrize("options", [{}, {"mode": Mode.DRY_RUN}])
def test_run_that_cannot_be_shown(
    error: BaseException, options: dict[str, Any], make_gate: MakeGate, ledger: FakeLedger
) -> None:
    """A run that nobody could be shown is exit 3: the success is taken back and the report written anew."""
    written: list[Report] = []

    def lose(_: Report) -> None:
        raise error

    report = make_gate(options=options, show=lose, write_report=written.append).run()
    assert report.decision.exit_code == 3
    assert any("the run could not be shown" in reason for reason in report.decision.reasons)
    assert written[-1] == report
    assert not report.decision.ready_for_live
    if not options:
        assert report.decision.verdict is Verdict.UNVERIFIED
        assert ledger.events[-2:] == ["record", "unsuccessful paper"]
    else:
        assert ledger.made_with == {}


@pytest.mark.parametrize("error", [KeyboardInterrupt(), Interrupted("SIGTERM"), SystemExit(0), ZeroDivisionError()])
def test_interrupted_record_takes_the_success_back(
    error: BaseException, make_gate: MakeGate, ledger: FakeLedger
) -> None:
    """What stops the recording may come after the commit: then what was committed must not stand."""
    ledger.fails = {"record": error}
    report = make_gate().run()
    assert report.decision.verdict is Verdict.UNRECORDED
    assert ledger.events[-3:] == ["record", "unsuccessful paper", "report"]


def test_signal_between_two_steps_takes_the_success_back(
    make_gate: MakeGate, ledger: FakeLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal that no step is there to catch ends the gate without a verdict, and nothing stands that says GO."""
    concluded = Conclusion._concluded

    def interrupt(conclusion: Conclusion, run: Run) -> Run:
        if run.on_record:
            raise Interrupted("SIGTERM")
        return concluded(conclusion, run)

    monkeypatch.setattr(Conclusion, "_concluded", interrupt)
    with pytest.raises(Interrupted):
        make_gate().run()
    assert ledger.events[-2:] == ["record", "unsuccessful paper"]


def test_what_broke_is_told_without_secrets(make_gate: MakeGate, ledger: FakeLedger) -> None:
    """An exception of the gate itself may hold a password; the report does not."""
    settings = {"redis": {"host": "127.0.0.1", "port": 1, "password": "hunter2-Canary"}}
    ledger.fails = {"record": ValueError("hunter2-Canary")}
    report = make_gate(settings=settings, on_result=_raise(OSError("redis://:hunter2-Canary@h"))).run()
    assert "the gate itself broke: OSError: redis://:[secret]@h" in report.decision.reasons
    assert "hunter2" not in repr(report)


def test_written_report_is_the_final_one(make_gate: MakeGate, ledger: FakeLedger) -> None:
    """What is written is what is returned: recorded, with the samples and the notes."""
    ledger.resets = {"start": Path("/aside")}
    written: list[Report] = []
    report = make_gate(write_report=written.append).run()
    assert written == [report]
    assert report.notes
    assert report.samples


def test_unknown_waiver_runs_nothing(make_gate: MakeGate, ledger: FakeLedger) -> None:
    """An id that no check has stops the run before it starts."""
    with pytest.raises(UsageError, match="--waive: there is no check 'redsi'"):
        make_gate(options={"waivers": {"redsi": "typo"}}).run()
    with pytest.raises(UsageError, match="--only: there is no check 'redsi'"):
        make_gate(options={"mode": Mode.PARTIAL, "only": ("redsi",)}).run()
    assert ledger.events == []


def test_check_missing_from_the_run_is_unverified(make_gate: MakeGate, ledger: FakeLedger) -> None:
    """A real run of which a registered check gave no result can never be GO."""
    gate = make_gate()
    object.__setattr__(gate, "options", RunOptions(only=("redis",)))
    report = gate.run()
    assert report.decision.verdict is Verdict.UNVERIFIED
    assert "storage: returned no result" in report.decision.reasons
    assert ledger.runs[0].success is False


def test_run_ids() -> None:
    """Run ids sort by time and do not repeat."""
    first, second = new_run_id(1_800_000_000.9), new_run_id(1_800_000_000.9)
    assert first.startswith("20270115T080000Z-")
    assert first != second


# ---- the whole way: checks in their processes, runner, judgement, record. The table is the one of test_model.

BEHAVIOURS: dict[str, tuple[Any, str]] = {
    "pass": (Status.PASS, "pass"),
    "warn": (Status.WARN, "warn"),
    "fail": (Status.FAIL, "fail"),
    "error": (Status.ERROR, "error"),
    "skip": (Status.SKIP, "skip"),
    "raise": (lambda _: 1 / 0, "error"),
    "die": (lambda _: os._exit(0), "error"),
    "nonsense": (lambda _: "PASS", "error"),
    "hang": (lambda _: select.select([], [], [], 60), "error"),
}


AS_FOUND = (Phase.explicit, Phase.reuse, Phase.generate)  # a smaller example is not worth hundreds of runs of a gate
FAULTS = st.dictionaries(
    st.sampled_from(("environment", "redis", "storage")), st.sampled_from([*BEHAVIOURS]), max_size=2
)


@settings(
    max_examples=examples(30),
    deadline=None,
    phases=AS_FOUND,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    faults=FAULTS,
    clock=st.sampled_from([*BEHAVIOURS]),  # outside live nothing requires this one
    needs=st.sets(st.sampled_from(["redis", "environment"])),
    waived=st.sets(st.sampled_from(["environment", "storage", "redis", "clock"]), max_size=2),
    env=st.sampled_from(["live", "paper"]),
    strict=st.booleans(),
    recorded=st.sampled_from([True, True, True, False]),
)
def test_whatever_checks_do_the_run_ends_as_the_table_says(
    *,
    faults: dict[str, str],
    clock: str,
    needs: set[str],
    waived: set[str],
    env: str,
    strict: bool,
    recorded: bool,
    make_check: MakeCheck,
    make_gate: MakeGate,
    ledger: FakeLedger,
) -> None:
    """Crashes, hangs, requirements, waivers, a lost record: verdict, exit code and readiness are the table's."""
    chosen = dict.fromkeys(REQUIRED, "pass") | faults | {"clock": clock}
    found = {name: BEHAVIOURS[what][1] for name, what in chosen.items()}
    if any(found[need] not in ("pass", "warn") for need in needs):
        found["clock"] = "skip"

    def made(name: str, what: str) -> Check:
        does = BEHAVIOURS[what][0]
        return make_check(
            name,
            does if callable(does) else lambda _: Outcome(status=does, summary=Message(what), hint=Message("h")),
            timeout=0.1 if what == "hang" else 20,
            requires=tuple(sorted(needs)) if name == "clock" else (),
        )

    ledger.fails = {} if recorded else {"record": LedgerLockedError("locked")}
    report = make_gate(
        registry=Registry(tuple(made(name, what) for name, what in chosen.items())),
        options={"waivers": dict.fromkeys(waived, "known"), "strict": strict},
        settings={"env": env},
    ).run()

    decision = report.decision
    assert (decision.verdict.value, decision.exit_code, decision.ready_for_live) == stated(
        found,
        env=env,
        mode="real",
        expected=set(chosen),
        waived=waived,
        strict=strict,
        recorded=recorded,
        broken=False,
        overridden=False,
    )
    assert report.recorded is recorded
    if recorded:
        assert (ledger.runs[-1].success, ledger.runs[-1].ready_for_live) == (
            decision.exit_code == 0,
            decision.ready_for_live,
        )
