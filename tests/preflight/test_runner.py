from __future__ import annotations

import ctypes
import os
import re
import select
import selectors
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import psutil
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from acceptance.stack.wait import Observation, wait_until
from preflight import runner as runner_module
from preflight.check import Check, Context
from preflight.config.settings import Settings
from preflight.message import Message
from preflight.model import Mode, Outcome, Result, Status
from preflight.runner import Runner, RunningCheck
from preflight.worker import Worker, encode, spawn
from tests.property_size import examples

MakeCheck = Callable[..., Check]
MakeContext = Callable[..., Context]
MakeSettings = Callable[..., Settings]

pytestmark = pytest.mark.usefixtures("no_child_left")


def says(status: Status, summary: str = "", seconds: float = 0.0) -> Callable[[Context], Outcome]:
    def run(_: Context) -> Outcome:
        select.select([], [], [], seconds)
        return Outcome(status=status, summary=Message(summary or status.value), hint=Message("h"))

    return run


HANG_SECONDS = 60


def hang(_: Context) -> Any:
    return ctypes.PyDLL(None).sleep(HANG_SECONDS)  # in C, with the GIL held


def run(checks: list[Check], ctx: Context, **given: Any) -> dict[str, Result]:
    runner = Runner(checks, ctx, **given)
    runner.prepare()
    return {result.id: result for result in runner.run()}


def timed(act: Callable[[], dict[str, Result]]) -> tuple[float, dict[str, Result]]:
    begun = time.monotonic()
    results = act()
    return time.monotonic() - begun, results


@dataclass(slots=True)
class Clock:
    """A clock that moves only while the runner waits, and as far as it waits; takes down how long that was."""

    now: float = 0.0625  # so little that no remainder is mistaken for a difference
    waits: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        """Give the time."""
        return self.now

    def wait(self, seconds: float | None) -> None:
        """Let time pass."""
        assert seconds is not None
        assert seconds > 0, "it spins"
        self.waits.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock for a runner whose checks never answer: nothing here depends on how fast the machine is."""
    clock = Clock()

    class Selector(selectors.DefaultSelector):
        def select(self, timeout: float | None = None) -> list[Any]:
            clock.wait(timeout)
            return []

    monkeypatch.setattr(selectors, "DefaultSelector", Selector)
    monkeypatch.setattr(runner_module, "_POLL_SECONDS", 0.0625)  # like all numbers here one that floats hold exactly
    return clock


@pytest.mark.parametrize(
    ("timeouts", "waits"),  # the check's own, the one for all checks, the run's
    [
        ((0.1875, None, 16.0), [0.0625, 0.0625, 0.0625]),
        ((0.15625, None, 16.0), [0.0625, 0.0625, 0.03125]),
        ((8.0, 0.125, 16.0), [0.0625, 0.0625]),
        ((0.0625, 0.125, 16.0), [0.0625, 0.0625]),
        ((8.0, 16.0, 0.125), [0.0625, 0.0625]),
    ],
    ids=["own", "own-between-two-looks", "settings-lower", "settings-raise", "run"],
)
def test_a_hung_check_is_given_up_at_the_nearest_deadline(
    *,
    timeouts: tuple[float, float | None, float],
    waits: list[float],
    clock: Clock,
    make_check: MakeCheck,
    make_context: MakeContext,
    make_settings: MakeSettings,
) -> None:
    """The check's own timeout, or the one set for all checks, and at most the run's: to the instant."""
    own, each, whole = timeouts
    context = make_context(settings=make_settings(check_timeout=each, run_timeout=whole))
    results = run([make_check(does=hang, timeout=own)], context, monotonic=clock)
    assert clock.waits == waits
    assert results["redis"].status is Status.ERROR
    assert results["redis"].duration_seconds == sum(waits)
    assert results["redis"].outcome.summary == f"no answer within {sum(waits):.1f} s"


def test_each_check_has_its_own_deadline(
    clock: Clock, make_check: MakeCheck, make_context: MakeContext, make_settings: MakeSettings
) -> None:
    """Of two that hang, the one with the shorter timeout is given up first, and the other waits on."""
    context = make_context(settings=make_settings(run_timeout=16))
    checks = [make_check("redis", hang, timeout=0.09375), make_check("storage", hang, timeout=0.25)]
    results = run(checks, context, monotonic=clock)
    assert [result.duration_seconds for result in results.values()] == [0.09375, 0.25]
    assert clock.waits == [0.0625, 0.03125, 0.0625, 0.0625, 0.03125]


def test_nothing_starts_when_the_run_is_over(
    make_check: MakeCheck, make_context: MakeContext, make_settings: MakeSettings
) -> None:
    """At the very instant at which the run ends no check is started any more."""
    times = iter([1000.0])
    context = make_context(settings=make_settings(run_timeout=0.125))
    results = run([make_check()], context, monotonic=lambda: next(times, 1000.125))
    assert results["redis"].outcome.summary == "the run ended before it could start"
    assert (results["redis"].status, results["redis"].started_at) == (Status.ERROR, None)


def test_a_dead_check_is_looked_for_often() -> None:
    """How often a child is looked for whose pipe says nothing: soon enough for any run, and not without a pause."""
    assert 0.01 <= runner_module._POLL_SECONDS <= 0.1


def test_an_answer_wakes_the_runner(
    make_check: MakeCheck, make_context: MakeContext, make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer is taken when it comes and not at the next look."""
    monkeypatch.setattr(runner_module, "_POLL_SECONDS", 40.0)
    context = make_context(settings=make_settings(run_timeout=100))
    took, results = timed(lambda: run([make_check(does=says(Status.PASS, seconds=0.05), timeout=50)], context))
    assert results["redis"].status is Status.PASS
    assert took < 20


class _LastWords:
    """A worker whose child answers and dies just after the first thing it is asked."""

    def __init__(self, check: Check) -> None:
        self.check = check
        self._asked = 0

    def gone(self) -> bool:
        self._asked += 1
        return self._asked > 1

    def read(self) -> bytes | None:
        self._asked += 1
        return encode(Outcome(status=Status.PASS, summary=Message("last words"))) if self._asked > 1 else None

    def end(self) -> str:
        return "exited with 0"


def test_an_answer_is_not_lost_to_the_death_that_follows(make_check: MakeCheck, make_context: MakeContext) -> None:
    """A child that answers and dies between two questions of the parent has answered."""
    check = make_check()
    running = RunningCheck(worker=cast("Worker", _LastWords(check)), started_at=0.0, begun=0.0, deadline=9e9)
    runner = Runner([check], make_context())
    outcome = runner._look_at(running)
    assert outcome is not None
    assert outcome.summary == "last words"


@pytest.mark.parametrize("status", Status)
def test_status_is_passed_on(status: Status, make_check: MakeCheck, make_context: MakeContext) -> None:
    """What a required check says is its result."""
    before = time.time()
    result = run([make_check(does=says(status, "found it"))], make_context())["redis"]
    assert (result.status, result.outcome.summary, result.origin, result.required) == (status, "found it", None, True)
    assert result.started_at is not None
    assert before <= result.started_at <= time.time()
    assert 0 < result.duration_seconds < 5


@pytest.mark.parametrize("status", Status)
def test_only_what_has_to_be_mended_gets_a_hint(
    status: Status, make_check: MakeCheck, make_context: MakeContext
) -> None:
    """Where a check gives no hint, one that passes or is skipped needs none; any other is told how to ask again."""
    check = make_check(does=lambda _: Outcome(status=status, summary=Message("s")))
    hint = run([check], make_context())["redis"].outcome.hint
    assert ("--only redis" in hint) is (status not in {Status.PASS, Status.SKIP})
    assert bool(hint) is (status not in {Status.PASS, Status.SKIP})


def test_order_is_the_registered_one(make_check: MakeCheck, make_context: MakeContext, tmp_path: Path) -> None:
    """Results stand in registered order, however the checks finish; `on_result` is told as they finish."""
    seen: list[str] = []

    def note(result: Result) -> None:
        seen.append(result.id)
        (tmp_path / result.id).touch()

    def when_fast_is_told(_: Context) -> Outcome:
        told = tmp_path / "fast"
        wait_until(lambda: Observation[None](done=told.exists(), said=""), asked=f"{told}", timeout=10, interval=0.01)
        return Outcome(status=Status.PASS, summary=Message("fine"))

    checks = [
        make_check("slow", when_fast_is_told),
        make_check("after", says(Status.PASS), requires=("slow",)),
        make_check("fast", says(Status.PASS)),
    ]
    results = run(checks, make_context(), on_result=note)
    assert [result.outcome.status for result in results.values()] == [Status.PASS] * 3
    assert list(results) == ["slow", "after", "fast"]
    assert seen == ["fast", "slow", "after"]


def test_independent_checks_run_at_once(
    make_check: MakeCheck, make_context: MakeContext, make_settings: MakeSettings, tmp_path: Path
) -> None:
    """Checks that need nothing of each other are all under way before the first of them is done; bench/ times them."""
    here = tmp_path / "here"
    here.mkdir()

    def meet(_: Context) -> Outcome:
        (here / str(os.getpid())).touch()
        until = time.monotonic() + 20
        while len(list(here.iterdir())) < 10:  # one after the other they would wait for each other in vain
            assert time.monotonic() < until, "alone"
            select.select([], [], [], 0.01)
        return Outcome(status=Status.PASS, summary=Message("met the others"))

    context = make_context(settings=make_settings())
    results = run([make_check(f"c{n}", meet, timeout=25) for n in range(10)], context)
    assert {result.outcome.summary for result in results.values()} == {"met the others"}


@pytest.mark.parametrize(
    ("need", "status"),
    [
        (Status.PASS, Status.PASS),
        (Status.WARN, Status.PASS),
        (Status.FAIL, Status.SKIP),
        (Status.ERROR, Status.SKIP),
        (Status.SKIP, Status.SKIP),
    ],
)
def test_requires(need: Status, status: Status, make_check: MakeCheck, make_context: MakeContext) -> None:
    """A check starts after what it requires passed or warned; else it is a SKIP that names it, and so on down."""
    checks = [  # the one that needs stands first: order comes from `requires`, not from the list
        make_check("third", requires=("second",)),
        make_check("second", requires=("redis",)),
        make_check("redis", says(need)),
    ]
    results = run(checks, make_context())
    assert (results["second"].status, results["third"].status) == (status, status)
    if status is Status.SKIP:
        assert (results["second"].outcome.summary, results["third"].outcome.summary) == (
            "requires redis",
            "requires second",
        )
        assert (results["second"].started_at, results["second"].duration_seconds) == (None, 0.0)
    else:
        first, second = results["redis"], results["second"]
        assert first.started_at is not None
        assert second.started_at is not None
        assert second.started_at >= first.started_at + first.duration_seconds - 0.01


def test_every_unmet_need_is_named(
    make_check: MakeCheck, make_context: MakeContext, make_settings: MakeSettings
) -> None:
    """A SKIP says all that was in its way as far as it is known, and does not wait for the rest."""
    checks = [
        make_check("a", says(Status.FAIL)),
        make_check("b", says(Status.PASS)),
        make_check("c", requires=("a", "b")),
        make_check("d", requires=("a", "never")),
        make_check("e", requires=("never",)),
    ]
    results = run(checks, make_context(settings=make_settings(env="live")))
    assert results["c"].outcome.summary == "requires a"
    assert results["d"].outcome.summary == "requires a"
    assert results["e"].status is Status.ERROR
    assert results["e"].outcome.summary == "the run ended before it could start"


def test_waived_fail_opens_no_door(make_check: MakeCheck, make_context: MakeContext) -> None:
    """A waiver lets a FAIL count as WARN, but what requires that check still does not start."""
    checks = [make_check("redis", says(Status.FAIL)), make_check("storage", requires=("redis",))]
    results = run(checks, make_context(), waivers={"redis": "known"})
    assert (results["redis"].status, results["redis"].waiver) == (Status.WARN, "known")
    assert results["storage"].status is Status.SKIP


def test_advisory_is_lowered(make_check: MakeCheck, make_context: MakeContext, make_settings: MakeSettings) -> None:
    """Outside live a check that does not block is lowered to WARN; in live the same one is not."""
    check = make_check("clock", says(Status.FAIL))
    paper = run([check], make_context())["clock"]
    live = run([check], make_context(settings=make_settings(env="live")))["clock"]
    assert (paper.status, paper.origin, paper.required) == (Status.WARN, Status.FAIL, False)
    assert (live.status, live.origin, live.required) == (Status.FAIL, None, True)


def test_dry_run_starts_no_network_check(make_check: MakeCheck, make_context: MakeContext, tmp_path: Path) -> None:
    """In a dry run what asks the network is never started, nor what requires it; the rest runs."""

    def touch(_: Context) -> Outcome:
        (tmp_path / "asked").touch()
        return Outcome(status=Status.PASS, summary=Message("asked"))

    checks = [
        make_check("redis", touch, network=True),
        make_check("second", touch, network=True, requires=("third",)),
        make_check("third", requires=("redis",)),
        make_check("storage"),
    ]
    results = run(checks, make_context(mode=Mode.DRY_RUN))
    assert {i: r.status.value for i, r in results.items()} == {
        "redis": "skip",
        "second": "skip",
        "third": "skip",
        "storage": "pass",
    }
    assert results["redis"].outcome.summary == "a dry run asks nothing over the network"
    assert not (tmp_path / "asked").exists()


def test_check_deadline(make_check: MakeCheck, make_context: MakeContext, make_settings: MakeSettings) -> None:
    """A check that hangs in C is an ERROR at its own deadline, and holds up nobody else."""
    context = make_context(settings=make_settings())
    checks = [make_check("redis", hang, timeout=0.3), make_check("storage"), make_check("git", requires=("storage",))]
    took, results = timed(lambda: run(checks, context))
    assert 0.3 <= took < HANG_SECONDS / 2
    assert results["redis"].status is Status.ERROR
    assert re.fullmatch(r"no answer within \d+\.\d s", results["redis"].outcome.summary)
    assert results["redis"].outcome.hint
    assert 0.3 <= results["redis"].duration_seconds <= took
    assert (results["storage"].status, results["git"].status) == (Status.PASS, Status.PASS)


@pytest.mark.parametrize(
    ("given", "waited"),
    [
        ({"check_timeout": 0.25, "check_timeouts": {"redis": 0.125}}, 0.125),
        ({"check_timeout": 0.125, "check_timeouts": {"redis": 0.25}}, 0.25),
        ({"check_timeouts": {"redis": 0.5}}, 0.5),
        ({"check_timeouts": {"storage": 0.5}}, 0.1875),
        ({"check_timeouts": {"redis": 16}, "run_timeout": 0.25}, 0.25),
    ],
    ids=["lower", "raise", "raise-its-own", "of-another", "the-run"],
)
def test_x12_one_check_has_a_timeout_of_its_own(
    *,
    given: dict[str, Any],
    waited: float,
    clock: Clock,
    make_check: MakeCheck,
    make_context: MakeContext,
    make_settings: MakeSettings,
) -> None:
    """What is set for one check counts before what is set for all, more or less; the run's timeout holds always."""
    context = make_context(settings=make_settings(**given))
    results = run([make_check(does=hang, timeout=0.1875)], context, monotonic=clock)
    assert (results["redis"].status, results["redis"].duration_seconds) == (Status.ERROR, waited)


def test_a_raised_deadline_is_given_to_the_process_too(
    make_check: MakeCheck, make_context: MakeContext, make_settings: MakeSettings
) -> None:
    """The alarm that ends a check whose gate was killed waits for what is set, not for the check's own timeout."""
    context = make_context(settings=make_settings(check_timeouts={"redis": 20}))
    results = run([make_check(does=says(Status.PASS, "late", 1.3), timeout=0.1)], context)
    assert (results["redis"].status, results["redis"].outcome.summary) == (Status.PASS, "late")


def test_settings_lower_every_deadline(
    make_check: MakeCheck, make_context: MakeContext, make_settings: MakeSettings
) -> None:
    """`check_timeout` takes the place of every check's own."""
    context = make_context(settings=make_settings(check_timeout=0.2))
    took, results = timed(lambda: run([make_check(does=hang, timeout=50)], context))
    assert 0.2 <= took < HANG_SECONDS / 2
    assert results["redis"].status is Status.ERROR


def test_run_deadline(make_check: MakeCheck, make_context: MakeContext, make_settings: MakeSettings) -> None:
    """A run ends at its timeout, however long its checks would take; what it cut off or never started is ERROR."""
    checks = [
        *(make_check(f"hung{n}", hang, timeout=50) for n in range(5)),
        make_check("late", requires=("hung0",)),
        make_check("half", says(Status.PASS, seconds=0.1)),
        make_check("too_late", says(Status.PASS, seconds=HANG_SECONDS), requires=("half",), timeout=50),
        make_check("storage"),
    ]
    context = make_context(settings=make_settings(env="live", run_timeout=1.5))
    took, results = timed(lambda: run(checks, context))
    assert 1.5 <= took < HANG_SECONDS / 2
    assert {i: r.status.value for i, r in results.items()} == {
        **{f"hung{n}": "error" for n in range(5)},
        "late": "error",
        "half": "pass",
        "too_late": "error",
        "storage": "pass",
    }
    assert results["late"].outcome.summary == "the run ended before it could start"
    assert "--timeout" in results["late"].outcome.hint


def _fork_and_hold(_: Context) -> Any:
    if os.fork() == 0:
        select.select([], [], [], 30)
    os._exit(0)


def _fork_and_answer(_: Context) -> Outcome:
    if os.fork() == 0:
        select.select([], [], [], 30)
        os._exit(0)
    return Outcome(status=Status.WARN, summary=Message("has a child"), hint=Message("h"))


def _garbage(_: Context) -> Any:
    for descriptor in range(3, 64):
        try:
            os.write(
                descriptor, b"PASS GO 0\n" + encode(Outcome(status=Status.PASS, summary=Message("forged"))) + b"\n"
            )
        except OSError:
            continue
    os._exit(0)


def _deep(_: Context) -> Any:
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, b"[" * 60_000 + b"\n")
        except OSError:
            continue
    os._exit(0)


@pytest.mark.parametrize(
    ("does", "told"),
    [
        (lambda _: os._exit(0), "ended without an answer: exited with 0"),
        (lambda _: os.kill(os.getpid(), signal.SIGKILL), "ended without an answer: killed by SIGKILL"),
        (_fork_and_hold, "ended without an answer: exited with 0"),
        (lambda _: None, "the check returned NoneType"),
        (
            lambda _: Outcome(status=Status.PASS, summary=Message(), timings={"a": float("nan")}),
            "sent an invalid answer: its timings",
        ),
        (_garbage, "sent an invalid answer: its answer is not JSON"),
        (_deep, "sent an invalid answer: its answer is not JSON"),
    ],
    ids=["exit-0", "kill", "grandchild-holds-the-pipe", "none", "nan", "garbage", "deep"],
)
def test_bad_check_harms_itself_only(
    does: Callable[[Context], Any], told: str, make_check: MakeCheck, make_context: MakeContext
) -> None:
    """A check that dies, forks or answers nonsense is an ERROR at once, with a next step; the others are as ever."""
    begun = time.monotonic()
    results = run([make_check(does=does), make_check("storage", says(Status.FAIL, "full"))], make_context())
    assert time.monotonic() - begun < 2
    assert results["redis"].status is Status.ERROR
    assert told in results["redis"].outcome.summary
    assert results["redis"].outcome.hint
    assert (results["storage"].status, results["storage"].outcome.summary) == (Status.FAIL, "full")


def test_answer_counts_although_a_grandchild_lives(make_check: MakeCheck, make_context: MakeContext) -> None:
    """A check that answered is done, even where a process it forked holds the pipe open; that one is killed."""
    assert run([make_check(does=_fork_and_answer)], make_context())["redis"].outcome.summary == "has a child"
    here = os.getpgid(0)
    forked = [p for p in psutil.process_iter(["cmdline"]) if p.ppid() == 1 and p.info["cmdline"] == _own_cmdline()]
    assert [p for p in forked if os.getpgid(p.pid) != here and p.status() != psutil.STATUS_ZOMBIE] == []


def _own_cmdline() -> list[str]:
    return psutil.Process().cmdline()


CANARY = "hunter2-Canary"


def test_secrets_do_not_leave_the_runner(
    make_check: MakeCheck, make_context: MakeContext, make_settings: MakeSettings
) -> None:
    """Every known secret is cut out of every text, the longer one whole where a shorter one begins it."""
    servers = {
        "redis": {"host": "h", "password": CANARY},
        "postgres": {"host": "h", "user": "u", "database": "d", "password": f"{CANARY}-and-more"},
    }
    seen: list[Result] = []

    def leak(_: Context) -> Outcome:
        text = f"bad password {CANARY}, {CANARY}-and-more."
        return Outcome(status=Status.FAIL, summary=Message(text), hint=Message(text), expected=text, actual=text)

    def crash(_: Context) -> Outcome:
        raise RuntimeError(f"redis://:{CANARY}@h")

    checks = [make_check("redis", leak), make_check("postgres", crash)]
    results = run(checks, make_context(settings=make_settings(**servers)), on_result=seen.append)
    outcome = results["redis"].outcome
    cleaned = "bad password [secret], [secret]."
    assert (outcome.summary, outcome.hint, outcome.expected, outcome.actual) == (cleaned,) * 4
    assert results["postgres"].outcome.summary == "the check raised RuntimeError: redis://:[secret]@h"
    assert CANARY not in repr((results, seen))


@pytest.mark.parametrize("status", [Status.WARN, Status.FAIL, Status.ERROR])
def test_a_check_without_a_hint_gets_one(status: Status, make_check: MakeCheck, make_context: MakeContext) -> None:
    """Every line that is not good says what to do, a third party's too."""
    results = run([make_check("redis", lambda _: Outcome(status=status, summary=Message("bad")))], make_context())
    assert results["redis"].outcome.hint == "see what it asks, by itself: preflight --only redis"


def test_empty_password_spoils_no_text(
    make_check: MakeCheck, make_context: MakeContext, make_settings: MakeSettings
) -> None:
    """An empty secret is none: texts stay as they are."""
    context = make_context(settings=make_settings(redis={"host": "h", "password": ""}))
    assert run([make_check(does=says(Status.PASS, "fine"))], context)["redis"].outcome.summary == "fine"


def test_broken_listener_leaves_no_worker(make_check: MakeCheck, make_context: MakeContext) -> None:
    """When the caller's own code raises half way, no worker is left and what was known stays known."""

    def refuse(result: Result) -> None:
        raise BrokenPipeError(result.id)

    runner = Runner([make_check("redis"), make_check("storage", hang)], make_context(), on_result=refuse)
    runner.prepare()
    with pytest.raises(BrokenPipeError):
        runner.run()
    assert [result.id for result in runner.results()] == ["redis"]


def test_interrupt_while_a_worker_is_ended(
    make_check: MakeCheck, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal that comes just when one worker is being ended still lets all others be ended."""
    end = Worker.end

    def end_and_interrupt(worker: Worker) -> str:
        end(worker)
        monkeypatch.setattr(Worker, "end", end)
        raise KeyboardInterrupt

    monkeypatch.setattr(Worker, "end", end_and_interrupt)
    runner = Runner([make_check("redis"), make_check("storage", hang), make_check("git", hang)], make_context())
    runner.prepare()
    with pytest.raises(KeyboardInterrupt):
        runner.run()


def test_prepared_but_never_run(make_check: MakeCheck, make_context: MakeContext) -> None:
    """Workers that were forked and never needed are gone after `close`."""
    runner = Runner([make_check("redis"), make_check("storage")], make_context())
    runner.prepare()
    waiting = [psutil.Process(worker.pid) for worker in runner._ready.values()]
    runner.close()
    assert len(waiting) == 2
    assert psutil.wait_procs(waiting, timeout=5)[1] == []


@pytest.fixture
def forked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of the checks for which a worker was forked, in order."""
    seen: list[str] = []

    def spawn_and_note(check: Check, ctx: Context) -> Worker:
        seen.append(check.id)
        return spawn(check, ctx)

    monkeypatch.setattr(runner_module, "spawn", spawn_and_note)
    return seen


@pytest.mark.parametrize("imports", [(), ("wave",)], ids=["plain", "shared-import"])
def test_a_check_is_forked_when_it_may_start(
    imports: tuple[str, ...],
    forked: list[str],
    make_check: MakeCheck,
    make_context: MakeContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What requires nothing is forked before any clock runs, once; what requires another, after that one is done."""
    go = Worker.go

    def note_and_go(worker: Worker) -> None:
        forked.append(f"{worker.check.id} goes")
        go(worker)

    monkeypatch.setattr(Worker, "go", note_and_go)
    monkeypatch.setattr(runner_module, "SHARED_IMPORTS", frozenset({"wave"}))
    checks = [
        make_check("a", imports=imports),
        make_check("b", imports=imports),
        make_check("never", imports=imports, requires=("fails",)),
        make_check("fails", says(Status.FAIL)),
        make_check("c", imports=imports, requires=("a",)),
    ]
    run(checks, make_context(), on_result=lambda result: forked.append(f"{result.id} done"))
    before = forked[: next(n for n, what in enumerate(forked) if what.endswith(" goes"))]
    assert sorted(before) == ["a", "b", "fails"]
    assert forked.index("c") > forked.index("a done")
    assert "never" not in forked
    assert len(forked) == len(set(forked))


@pytest.mark.parametrize("imports", [(), ("wave",)], ids=["plain", "shared-import"])
def test_dry_run_forks_no_network_check(
    imports: tuple[str, ...],
    forked: list[str],
    make_check: MakeCheck,
    make_context: MakeContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In a dry run not even a process is made for what would ask the network; a real run makes one for each."""
    monkeypatch.setattr(runner_module, "SHARED_IMPORTS", frozenset({"wave"}))
    checks = [*(make_check(name, network=True, imports=imports) for name in ("a", "b")), make_check("storage")]
    run(checks, make_context(mode=Mode.DRY_RUN))
    assert forked == ["storage"]
    run(checks, make_context())
    assert sorted(forked[1:]) == ["a", "b", "storage"]


def test_a_worker_that_cannot_be_ended_saves_no_other(
    make_check: MakeCheck, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`close` goes on to the next worker whatever one of them says, and ends each of them once."""
    ended: list[str] = []
    end = Worker.end

    def end_and_fail(worker: Worker) -> str:
        ended.append(worker.check.id)
        end(worker)
        raise OSError("no such luck")

    monkeypatch.setattr(Worker, "end", end_and_fail)
    runner = Runner([make_check(name) for name in ("redis", "storage", "git")], make_context())
    runner.prepare()
    runner._start(runner.checks[0], end=9e9)
    runner.close()
    runner.close()
    assert sorted(ended) == ["git", "redis", "storage"]


@pytest.mark.parametrize("kind", [RunningCheck, Runner])
def test_what_a_run_holds_has_no_room_for_typing_errors(kind: type) -> None:
    """A field that is not there cannot be set by mistake."""
    assert "__slots__" in kind.__dict__


def test_ignored_children_are_noticed_too(make_check: MakeCheck, make_context: MakeContext) -> None:
    """A gate started by something that ignores SIGCHLD, where the kernel itself buries the dead, judges the same."""
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        results = run([make_check("redis"), make_check("storage", lambda _: os._exit(0))], make_context())
    finally:
        signal.signal(signal.SIGCHLD, before)
    assert (results["redis"].status, results["storage"].status) == (Status.PASS, Status.ERROR)
    assert "ended without an answer" in results["storage"].outcome.summary


def test_run_without_prepare(make_check: MakeCheck, make_context: MakeContext) -> None:
    """`prepare` saves time and changes no result; no check at all gives no result."""
    assert Runner([make_check()], make_context()).run()[0].status is Status.PASS
    assert Runner([], make_context()).run() == ()


AS_FOUND = (Phase.explicit, Phase.reuse, Phase.generate)  # a smaller example is not worth hundreds of runs
BEHAVIOURS: dict[str, tuple[Callable[[Context], Any], Status]] = {
    "pass": (says(Status.PASS), Status.PASS),
    "late pass": (says(Status.PASS, seconds=0.03), Status.PASS),
    "warn": (says(Status.WARN), Status.WARN),
    "fail": (says(Status.FAIL), Status.FAIL),
    "skip": (says(Status.SKIP), Status.SKIP),
    "raise": (lambda _: 1 / 0, Status.ERROR),
    "hang": (hang, Status.ERROR),
    "exit": (lambda _: os._exit(0), Status.ERROR),
    "nonsense": (lambda _: True, Status.ERROR),
}


@settings(
    max_examples=examples(12),
    deadline=None,
    phases=AS_FOUND,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    plan=st.lists(st.sampled_from(sorted(BEHAVIOURS)), min_size=1, max_size=5),
    needs=st.lists(st.sets(st.integers(0, 4), max_size=2), min_size=5, max_size=5),
    backwards=st.booleans(),
)
def test_any_mix(
    *,
    plan: list[str],
    needs: list[set[int]],
    backwards: bool,
    make_check: MakeCheck,
    make_context: MakeContext,
    make_settings: MakeSettings,
) -> None:
    """Whatever checks do and require, each has the result it earned, and only what was proved opens a door."""
    wanted = [sorted(n for n in needs[i] if n < i) for i in range(len(plan))]
    status: list[Status] = []
    for i, name in enumerate(plan):
        open_ = all(status[n] in (Status.PASS, Status.WARN) for n in wanted[i])
        status.append(BEHAVIOURS[name][1] if open_ else Status.SKIP)
    checks = [
        make_check(
            f"c{i}",
            BEHAVIOURS[name][0],
            timeout=0.25 if name == "hang" else 50,  # only one that never answers is to be cut off
            requires=tuple(f"c{n}" for n in wanted[i]),
        )
        for i, name in enumerate(plan)
    ]
    ordered = checks[::-1] if backwards else checks
    context = make_context(settings=make_settings(env="live", run_timeout=100))
    results = Runner(ordered, context).run()
    assert [r.id for r in results] == [c.id for c in ordered]
    assert {r.id: r.status for r in results} == {f"c{i}": s for i, s in enumerate(status)}
