from __future__ import annotations

import math
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from preflight.alerts.announcer import Announcer
from preflight.config.settings import Settings
from preflight.message import Message
from preflight.model import Decision, Env, Mode, Outcome, Report, Result, Status, Verdict
from tests.preflight.alerts.conftest import CHAT, TOKEN
from tests.preflight.alerts.world import KilledError, World
from tests.property_size import examples

CHECKS = ("redis", "clock", "git")
WINDOW = 300.0


def report_of(run_id: str, verdict: Verdict, warned: tuple[str, ...], at: float) -> Report:
    """Make a report."""
    statuses = {name: Status.WARN if name in warned else Status.PASS for name in CHECKS}
    if verdict is Verdict.NO_GO:
        statuses["redis"] = Status.FAIL
    results = tuple(
        Result(id=name, outcome=Outcome(status=status, summary=Message("s"), hint=Message("h")), required=True)
        for name, status in statuses.items()
    )
    decision = Decision(verdict=verdict, exit_code=0 if verdict is Verdict.GO else 1, reasons=(), ready_for_live=False)
    return Report(
        run_id=run_id, version="0", env=Env.PAPER, mode=Mode.REAL, strict=False, decision=decision, results=results,
        started_at=at, ended_at=at, duration_seconds=1.0, recorded=True,
    )  # fmt: skip


class Alerting(RuleBasedStateMachine):
    """Runs, outages, kills and clock jumps in any order."""

    @initialize()
    def begin(self) -> None:
        """An empty world."""
        self.folder = tempfile.TemporaryDirectory(prefix="preflight-alerts-")
        root = Path(self.folder.name)
        (root / "spool").mkdir()
        self.world = World(
            settings=Settings.model_validate(
                {
                    "env": "paper",
                    "ledger": root / "ledger.sqlite",
                    "spool_dir": root / "spool",
                    "textfile_dir": root,
                    "telegram": {"token": TOKEN, "chat_id": CHAT},
                }
            )
        )
        self.runs = 0
        self.kept: list[str] = []  # ids of the P0 runs that got as far as the spool, in order
        self.quiet: dict[str, float] = {}  # check -> when its warning was last claimed, in seconds really gone by
        self.reserved: list[tuple[Report, Announcer]] = []  # runs that are between their record and their sending

    def teardown(self) -> None:
        """Throw it away."""
        self.folder.cleanup()

    @rule(
        verdict=st.sampled_from([Verdict.GO, Verdict.GO, Verdict.NO_GO, Verdict.UNVERIFIED]),
        warned=st.sampled_from([("redis",), ("redis", "clock"), ("git",), ()]),
        kill_at=st.one_of(st.just(-1), st.integers(0, 3), st.integers(0, 18)),
        telegram=st.sampled_from(["up", "lost", "down"]),
        postgres_up=st.booleans(),
    )
    def run(self, verdict: Verdict, warned: tuple[str, ...], kill_at: int, telegram: str, *, postgres_up: bool) -> None:
        """A run in some weather, which may be killed on the way."""
        self._run(verdict, warned, kill_at=kill_at, telegram=telegram, postgres_up=postgres_up)

    def _run(
        self,
        verdict: Verdict,
        warned: tuple[str, ...],
        *,
        kill_at: int = -1,
        telegram: str = "up",
        postgres_up: bool = True,
    ) -> None:
        self.world.telegram, self.world.postgres_up = telegram, postgres_up
        self.runs += 1
        run_id = f"run{self.runs:04d}"
        self.world.steps, self.world.kill_at = 0, kill_at
        try:
            done = self.world.announce(report_of(run_id, verdict, warned, self.world.now))
            assert done.broken is None
        except KilledError:
            pass
        finally:
            self.world.kill_at = -1
        known = f"{run_id}-P0" in self.world.waiting or any(run_id in text for _, text in self.world.chat)
        if verdict is not Verdict.GO:
            assert known or 0 <= kill_at <= 0, "a P0 that was kept is gone"
            self.kept += [run_id] if known else []
        elif warned and telegram == "up" and kill_at == -1:
            self._must_be_told(run_id, warned)
        elif telegram == "lost" or kill_at >= 0:
            # Nobody knows whether it arrived, or who died had taken the right to say it: one window of silence.
            self.quiet.update(dict.fromkeys(warned, self.world.true))

    def _must_be_told(self, run_id: str, warned: tuple[str, ...]) -> None:
        """With all up, what was not said for a window of real time is in the chat now, whatever the clock did."""
        text = next((text for _, text in self.world.chat if run_id in text), "")
        for name in warned:
            silent_for = self.world.true - self.quiet.get(name, -math.inf)
            assert f"{name} WARN" in text or silent_for < WINDOW, f"{name} is silenced for {silent_for} s"
            if f"{name} WARN" in text:
                self.quiet[name] = self.world.true

    @rule(verdict=st.sampled_from([Verdict.NO_GO, Verdict.UNVERIFIED]))
    def reserve(self, verdict: Verdict) -> None:
        """A run keeps its P0, and is slow to come to the sending."""
        self.runs += 1
        run_id = f"run{self.runs:04d}"
        report = report_of(run_id, verdict, (), self.world.now)
        announcer = self.world.announcer()
        announcer.keep(report)
        assert announcer.reserved is not None
        self.reserved.append((report, announcer))
        self.kept.append(run_id)

    @rule(telegram=st.sampled_from(["up", "lost", "down"]), index=st.integers(0, 5), dies=st.booleans())
    def send_reserved(self, telegram: str, index: int, *, dies: bool) -> None:
        """One of those comes to it, or dies; others may have sent its P0 meanwhile."""
        if not self.reserved:
            return
        report, announcer = self.reserved.pop(index % len(self.reserved))
        before = len(self.world.chat)
        waits = announcer.reserved is not None and announcer.reserved.waits()
        self.world.telegram = telegram
        if not dies:
            assert announcer.announce(report).broken is None
        again = any(report.run_id in text for _, text in self.world.chat[before:])
        assert waits or not again, "what another run sent is sent again"

    @rule(seconds=st.one_of(st.sampled_from([0.0, 1.0, 299.9, 300.0]), st.floats(0, 700)))
    def time_passes(self, seconds: float) -> None:
        """Time goes by."""
        self.world.passes(seconds)

    @rule(seconds=st.sampled_from([-1.0, -200.0, -299.0, -3600.0, 200.0, 1e8]))
    def the_clock_jumps(self, seconds: float) -> None:
        """Somebody sets the clock."""
        self.world.now += seconds

    @rule(seconds=st.sampled_from([200.0, 299.0]), warned=st.sampled_from([("redis",), ("redis", "clock")]))
    def warn_after_a_jump(self, seconds: float, warned: tuple[str, ...]) -> None:
        """A warning is said, the clock is set back, a window of real time goes by, and it is there again."""
        for jump in (0.0, seconds):
            self.world.now -= jump
            self.world.passes(WINDOW)
            self._run(Verdict.GO, warned)

    @rule()
    def flush(self) -> None:
        """With everything up, what waits is delivered."""
        self.world.telegram, self.world.postgres_up = "up", True
        self.world.deliverer().drain(60.0, lambda *_: None)
        assert self.world.waiting == ()

    @invariant()
    def no_p0_is_lost(self) -> None:
        """Each is in the chat or in the spool."""
        waiting = self.world.waiting
        for run_id in self.kept:
            assert f"{run_id}-P0" in waiting or any(f"{run_id}" in text for _, text in self.world.chat), run_id

    @invariant()
    def the_order_is_kept(self) -> None:
        """P0s come into the chat, each for the first time, in the order of their runs."""
        first = {run_id: self._first(run_id) for run_id in self.kept}
        seen = [number for number in (first[run_id] for run_id in self.kept) if number is not None]
        assert seen == sorted(seen)
        delivered = [number is not None for number in first.values()]
        assert delivered == sorted(delivered, reverse=True), "a later one overtook an earlier one"

    @invariant()
    def no_p1_inside_its_window(self) -> None:
        """The same warning is never said twice while both clocks say that 300 s have not gone by."""
        last: dict[str, tuple[float, float]] = {}
        for (at, text), really in zip(self.world.chat, self.world.really, strict=True):
            for name in CHECKS if " P1 " in text else ():
                if f"{name} WARN" in text:
                    then, really_then = last.get(name, (-math.inf, -math.inf))
                    assert not 0 <= at - then < WINDOW or not 0 <= really - really_then < WINDOW
                    last[name] = at, really

    def _first(self, run_id: str) -> int | None:
        found = (number for number, (_, text) in enumerate(self.world.chat) if f"{run_id}" in text and "P0" in text)
        return next(found, None)


TestAlerting = Alerting.TestCase
TestAlerting.settings = settings(max_examples=examples(30), stateful_step_count=25, deadline=None)
