from __future__ import annotations

import ctypes
import os
import select
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from preflight.check import Check, Context
from preflight.model import Mode, Outcome, Result, Status
from preflight.runner import Runner
from preflight.settings import Settings
from preflight.worker import Worker, encode

MakeCheck = Callable[..., Check]
MakeContext = Callable[..., Context]
MakeSettings = Callable[..., Settings]

pytestmark = pytest.mark.usefixtures("no_child_left")


def says(status: Status, summary: str = "", seconds: float = 0.0) -> Callable[[Context], Outcome]:
    def run(_: Context) -> Outcome:
        select.select([], [], [], seconds)
        return Outcome(status=status, summary=summary or status.value, hint="h")

    return run


def hang(_: Context) -> Any:
    return ctypes.PyDLL(None).sleep(60)  # in C, with the GIL held


def run(checks: list[Check], ctx: Context, **given: Any) -> dict[str, Result]:
    runner = Runner(checks, ctx, **given)
    runner.prepare()
    return {result.id: result for result in runner.run()}


def timed(act: Callable[[], dict[str, Result]]) -> tuple[float, dict[str, Result]]:
    begun = time.monotonic()
    results = act()
    return time.monotonic() - begun, results


def within(seconds: float, act: Callable[[], dict[str, Result]], idle: Callable[[], Any]) -> dict[str, Result]:
    """Do it until it takes `seconds` and at most 0.2 more, beyond what `idle`, the same without waiting, takes now.

    At most six times: what other processes take from this one is not the runner's doing.
    """
    measured = []
    for _ in range(6):
        overhead, _ = timed(idle)
        took, results = timed(act)
        assert took >= seconds
        if took < seconds + 0.2 + overhead:
            return results
        measured.append((overhead, took))
    pytest.fail(f"never within {seconds} s: {measured}")


@pytest.mark.parametrize("status", Status)
def test_status_is_passed_on(status: Status, make_check: MakeCheck, make_context: MakeContext) -> None:
    """What a required check says is its result."""
    before = time.time()
    result = run([make_check(does=says(status, "found it"))], make_context())["redis"]
    assert (result.status, result.outcome.summary, result.origin, result.required) == (status, "found it", None, True)
    assert result.started_at is not None
    assert before <= result.started_at <= time.time()
    assert 0 < result.duration_seconds < 5


def test_order_is_the_registered_one(make_check: MakeCheck, make_context: MakeContext) -> None:
    """Results stand in registered order, however the checks finish; `on_result` is told as they finish."""
    seen: list[str] = []
    checks = [
        make_check("slow", says(Status.PASS, seconds=0.2)),
        make_check("after", says(Status.PASS), requires=("slow",)),
        make_check("fast", says(Status.PASS)),
    ]
    results = run(checks, make_context(), on_result=lambda result: seen.append(result.id))
    assert list(results) == ["slow", "after", "fast"]
    assert seen == ["fast", "slow", "after"]


def test_independent_checks_run_at_once(make_check: MakeCheck, make_context: MakeContext) -> None:
    """Twenty checks of 0.3 s each take little more than one of them, beyond what twenty that do nothing take."""

    def twenty(seconds: float) -> float:
        checks = [make_check(f"c{n}", says(Status.PASS, seconds=seconds)) for n in range(20)]
        begun = time.monotonic()
        results = run(checks, make_context())
        assert {result.status for result in results.values()} == {Status.PASS}
        return time.monotonic() - begun

    forking = max(twenty(0.0) for _ in range(2))  # 0.1 s where the machine is quiet
    took = min(twenty(0.3) for _ in range(2))
    assert 0.3 <= took < forking + 0.3 + 0.4


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
        assert (results["second"].outcome.summary, results["third"].outcome.summary) == ("needs redis", "needs second")
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
    assert results["c"].outcome.summary == "needs a"
    assert results["d"].outcome.summary == "needs a"
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
        return Outcome(status=Status.PASS, summary="asked")

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


def test_check_deadline(make_check: MakeCheck, make_context: MakeContext) -> None:
    """A check that hangs in C is an ERROR at its own deadline, and holds up nobody else."""
    checks = [make_check("redis", hang, timeout=0.3), make_check("storage"), make_check("git", requires=("storage",))]
    results = within(
        0.3,
        lambda: run(checks, make_context()),
        lambda: run([make_check(check.id) for check in checks], make_context()),
    )
    assert results["redis"].status is Status.ERROR
    assert results["redis"].outcome.summary.startswith("no answer within 0.")
    assert results["redis"].outcome.hint
    assert 0.3 <= results["redis"].duration_seconds < 5
    assert (results["storage"].status, results["git"].status) == (Status.PASS, Status.PASS)


def test_settings_lower_every_deadline(
    make_check: MakeCheck, make_context: MakeContext, make_settings: MakeSettings
) -> None:
    """`check_timeout` is the upper limit for any check."""
    context = make_context(settings=make_settings(check_timeout=0.2))
    results = within(
        0.2, lambda: run([make_check(does=hang, timeout=50)], context), lambda: run([make_check()], context)
    )
    assert results["redis"].status is Status.ERROR


def test_run_deadline(make_check: MakeCheck, make_context: MakeContext, make_settings: MakeSettings) -> None:
    """A run never takes longer than its timeout and 0.2 s; what it cut off or never started is ERROR."""
    checks = [
        *(make_check(f"hung{n}", hang) for n in range(5)),
        make_check("late", requires=("hung0",)),
        make_check("half", says(Status.PASS, seconds=0.1)),
        make_check("too_late", says(Status.PASS, seconds=5), requires=("half",)),
        make_check("storage"),
    ]
    context = make_context(settings=make_settings(env="live", run_timeout=0.4))
    results = within(
        0.4, lambda: run(checks, context), lambda: run([make_check(check.id) for check in checks], context)
    )
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
    return Outcome(status=Status.WARN, summary="has a child", hint="h")


def _garbage(_: Context) -> Any:
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, b"PASS GO 0\n" + encode(Outcome(status=Status.PASS, summary="forged")) + b"\n")
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
            lambda _: Outcome(status=Status.PASS, summary="", timings={"a": float("nan")}),
            "answered nonsense: its timings",
        ),
        (_garbage, "answered nonsense: its answer is not JSON"),
        (_deep, "answered nonsense: its answer is not JSON"),
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
        return Outcome(status=Status.FAIL, summary=text, hint=text, expected=text, actual=text)

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
    results = run([make_check("redis", lambda _: Outcome(status=status, summary="bad"))], make_context())
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
    before = len(psutil.Process().children())
    runner.close()
    assert len(psutil.Process().children()) == before - 2


def test_run_without_prepare(make_check: MakeCheck, make_context: MakeContext) -> None:
    """`prepare` saves time and changes no result; no check at all gives no result."""
    assert Runner([make_check()], make_context()).run()[0].status is Status.PASS
    assert Runner([], make_context()).run() == ()


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


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
        make_check(f"c{i}", BEHAVIOURS[name][0], timeout=0.25, requires=tuple(f"c{n}" for n in wanted[i]))
        for i, name in enumerate(plan)
    ]
    ordered = checks[::-1] if backwards else checks
    results = Runner(ordered, make_context(settings=make_settings(env="live"))).run()
    assert [r.id for r in results] == [c.id for c in ordered]
    assert {r.id: r.status for r in results} == {f"c{i}": s for i, s in enumerate(status)}
