"""`exec`, whatever happens when: a state machine over switch, server, files, lock, signals and clock (env live)."""

from __future__ import annotations

import contextlib
import shutil
import signal
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import redis
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from preflight.check import Context
from preflight.checks.live_safety import LiveSafetyCheck
from preflight.config.settings import Settings
from preflight.errors import Interrupted, NotStartedError
from preflight.gate import Gate
from preflight.launch.last_look import LastLook
from preflight.launch.lock import StartLock, take
from preflight.launch.start import NotStarted, Start
from preflight.model import Decision, Env, Mode, Report, Result, Sample, Verdict, decide
from preflight.record.catalogue import READY_FOR_LIVE
from tests.property_size import examples

THROWN = ("1", "on", "", "thrown by Kim")
NOT_THROWN = (None, "0", "off", "no")
LIMIT = 30.0 + 90.0  # seconds: the run's own timeout, and what follows it
ANSWER = 10.0  # seconds that the last answer is good for
MOMENTS = ("while the gate runs", "at the last question", "after the answer")

Event = tuple[str, object]
EVENTS = st.one_of(
    st.tuples(st.just("switch"), st.sampled_from((*THROWN, *NOT_THROWN))),
    st.tuples(st.just("server"), st.booleans()),
    st.tuples(st.just("time"), st.sampled_from((0.5, 9.0, 11.0, 119.0, 121.0, 4000.0))),  # the machine may have slept
    st.tuples(st.just("lock"), st.none()),  # its file is removed
    st.tuples(st.just("bot"), st.sampled_from(("replace", "edit", "remove"))),
)
STOPS = (
    ("at the last question", Interrupted),
    ("at the last question", MemoryError),
    ("after the answer", KeyboardInterrupt),
    ("at the start itself", OSError),
)


class BecomeError(BaseException):  # passes whoever catches what goes wrong
    """The command has this process: nothing of ours goes on."""


class Redis:
    """The switch, on a server that may be away."""

    value: str | None = None
    up: bool = True

    def get(self, key: str) -> str | None:
        """GET."""
        if not self.up:
            raise redis.ConnectionError(f"{key}: nobody there")
        return self.value

    def role(self) -> list[Any]:
        """ROLE."""
        self.get("role")
        return ["master", 0, []]

    def info(self, section: str) -> dict[str, Any]:
        """INFO: the switch is kept."""
        self.get(section)
        return {"maxmemory_policy": "noeviction", "aof_enabled": 1}

    def config_get(self, name: str) -> dict[str, str]:
        """CONFIG GET; INFO has said it all."""
        self.get(name)
        return {}

    def close(self) -> None:
        """Nothing is open."""


class FakeGate:
    """What `Start` has to do with a gate."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.environ: dict[str, str] = {}
        self.cwd = Path("/")
        self.taken_back: list[Report] = []

    def reconsider(self, report: Report, *, results: tuple[Result, ...] = (), doubts: tuple[str, ...] = ()) -> Report:
        """Conclude by the real rule."""
        found = {result.id: result for result in (*report.results, *results)}
        decision = decide(
            tuple(found.values()), env=Env.LIVE, mode=Mode.REAL, expected=frozenset(found), withheld=doubts
        )
        self.taken_back.append(replace(report, results=tuple(found.values()), decision=decision))
        return self.taken_back[-1]


class StartMachine(RuleBasedStateMachine):
    """The operator's machine: what others do to it, and one start after another."""

    def __init__(self) -> None:
        super().__init__()
        self.tmp = Path(tempfile.mkdtemp(prefix="preflight-start-"))
        self.bot, self.lock = self.tmp / "bot", self.tmp / "exec-live.lock"
        self.bot.write_text("#!/bin/sh\n")
        self.bot.chmod(0o755)
        self.redis = Redis()
        self.now = 1000.0
        self.version = 0
        self.others: list[StartLock] = []
        self.before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGPIPE, signal.SIGXFSZ)}
        self.settings = Settings.model_validate(
            {
                "env": "live",
                "ledger": self.tmp / "ledger.sqlite",
                "spool_dir": self.tmp,
                "live": {"armed": True, "max_order_krw": 1, "max_daily_loss_krw": 1},
            }
        )

    def teardown(self) -> None:
        """Leave nothing."""
        for lock in self.others:
            lock.release()
        shutil.rmtree(self.tmp)

    # --- what happens to the machine between two starts, or at a moment of one -----------------------------

    def _happen(self, event: Event) -> None:
        match event:
            case ("switch", value):
                self.redis.value = None if value is None else str(value)
            case ("server", up):
                self.redis.up = bool(up)
            case ("time", seconds):
                self.now += float(str(seconds))
            case ("lock", _):
                self.lock.unlink(missing_ok=True)
            case ("bot", how):
                self._change_bot(str(how))

    def _change_bot(self, how: str) -> None:
        self.version += 1
        other = self.tmp / "other"
        other.write_text(f"#!/bin/sh\n# {self.version}\n")
        other.chmod(0o755)
        if how == "remove":
            self.bot.unlink(missing_ok=True)
        elif how == "edit" and self.bot.exists():
            self.bot.write_text(other.read_text())
        else:
            other.replace(self.bot)

    @rule(event=EVENTS)
    def happen(self, event: Event) -> None:
        """Somebody does something while no start is under way."""
        self._happen(event)

    @rule()
    def another_exec(self) -> None:
        """Another exec takes the lock, if it can."""
        with contextlib.suppress(NotStartedError):
            self.others.append(take(self.lock))

    @rule()
    def heal(self) -> None:
        """The operator puts everything in order."""
        while self.others:
            self.others.pop().release()
        self.redis.value, self.redis.up = None, True
        self._change_bot("replace")

    # --- a start -------------------------------------------------------------------------------------------

    @rule(
        found=st.sampled_from(("ready", "ready", "ready", "not ready", "not published")),
        during=st.dictionaries(st.sampled_from(MOMENTS), EVENTS, max_size=2),
        stop=st.sampled_from((None, None, None, *STOPS)),
    )
    def start(self, found: str, during: dict[str, Event], stop: tuple[str, type[BaseException]] | None) -> None:
        """`exec`, from begin to end; the oracle looks at the machine itself."""
        gate, held_by_another = FakeGate(self.settings), self._is_held()
        seen: dict[str, Any] = {}

        def at(moment: str) -> None:
            self._happen(during.get(moment, ("nothing", None)))
            if stop is not None and stop[0] == moment:
                raise stop[1]

        class Look:
            def ask(_) -> Result:  # noqa: N805 - self is the machine
                seen["asked"] = self.now
                at("at the last question")
                seen["safe"] = self._is_safe()
                context = Context(
                    settings=self.settings,
                    mode=Mode.REAL,
                    run_id="r",
                    environ={},
                    cwd=self.tmp,
                    open_redis=lambda _: self.redis,
                )
                answer = Result(id="live_safety", outcome=LiveSafetyCheck().run(context), required=True)
                at("after the answer")
                return answer

            def close(_) -> None:  # noqa: N805
                seen["closed"] = True

        def become(program: str, command: list[str], variables: Mapping[str, str]) -> None:
            assert (program, command) == (str(self.bot), [str(self.bot)])
            assert {signal.getsignal(number) for number in self.before} == {signal.SIG_DFL}
            assert variables["ARBITRAGE_PREFLIGHT_READY"] == "1"
            at("at the start itself")
            raise BecomeError

        start = Start(
            program=str(self.bot),
            command=[str(self.bot)],
            clock=lambda: self.now,
            become=become,
            look=lambda _: cast("LastLook", Look()),
        )
        bot, begun = self._identity(self.bot), self.now
        try:
            start.begin(cast("Gate", gate))
        except NotStartedError:
            assert held_by_another
            start.close()
            return
        assert not held_by_another
        lock = self._identity(self.lock)
        self._happen(during.get("while the gate runs", ("nothing", None)))
        ready = found == "ready"
        refused = self._go(start, ready=found != "not ready", published=found != "not published")

        may = (
            ready
            and seen.get("safe", self._is_safe())
            and None is not bot == self._identity(self.bot)
            and lock == self._identity(self.lock)
            and self.now - begun <= LIMIT
            and self.now - seen.get("asked", self.now) <= ANSWER
            and stop is None
        )
        assert (refused is None) is may, refused
        verdicts = [report.decision.verdict for report in gate.taken_back]
        assert len(verdicts) == (ready and not may)  # what was ready is taken back, once
        if refused is not None:
            assert refused.exit_code == ({Verdict.NO_GO: 1, Verdict.UNVERIFIED: 3}[verdicts[0]] if ready else 7)
        start.close()
        assert seen["closed"]

    def _go(self, start: Start, *, ready: bool, published: bool) -> NotStarted | None:
        try:
            return start.go(_report(ready=ready, published=published))
        except BecomeError:
            for number, handler in self.before.items():  # this process is the gate's again
                signal.signal(number, handler)
            return None

    def _is_safe(self) -> bool:
        return self.redis.up and self.redis.value in NOT_THROWN

    def _is_held(self) -> bool:
        try:
            lock = take(self.lock)
        except NotStartedError:
            return True
        lock.release()
        return False

    def _identity(self, path: Path) -> tuple[int, ...] | None:
        try:
            found = path.stat()
        except OSError:
            return None
        return (found.st_ino, *((found.st_size, found.st_ctime_ns) if path == self.bot else ()))

    @invariant()
    def signals_are_as_before(self) -> None:
        """A start that came to nothing leaves the gate's own handlers in place."""
        assert {number: signal.getsignal(number) for number in self.before} == self.before


def _report(*, ready: bool, published: bool) -> Report:
    decision = Decision(verdict=Verdict.GO, exit_code=0, reasons=(), ready_for_live=ready)
    return Report(
        run_id="run-1",
        version="0",
        env=Env.LIVE,
        mode=Mode.REAL,
        strict=False,
        decision=decision,
        results=(),
        started_at=1.0,
        ended_at=2.0,
        duration_seconds=1.0,
        recorded=True,
        samples=(Sample(name=READY_FOR_LIVE, labels={"env": "live"}, value=float(published)),),
    )


TestStartMachine = StartMachine.TestCase
TestStartMachine.settings = hypothesis_settings(max_examples=examples(60), stateful_step_count=20)
