"""Fakes for the gate's own tests: a check that does what a test says, settings that read no environment, a context."""

from __future__ import annotations

import gc
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from acceptance.stack.embedded.stack import EmbeddedStack
from preflight.check import Check, Context
from preflight.config.sections import PostgresSection
from preflight.config.settings import Settings
from preflight.message import Message
from preflight.model import Decision, Env, Mode, Outcome, Report, Result, Sample, Status, Verdict


def _passes(_: Context) -> Outcome:
    return Outcome(status=Status.PASS, summary=Message("fine"))


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeCheck:
    """A check whose `run` is any function."""

    id: str = "redis"
    does: Callable[[Context], Any] = _passes
    proves: str = "what the test says"
    requires: tuple[str, ...] = ()
    timeout: float = 5.0
    network: bool = False
    imports: tuple[str, ...] = ()

    def run(self, ctx: Context) -> Outcome:
        """Do it."""
        outcome: Outcome = self.does(ctx)
        return outcome


@pytest.fixture
def make_check() -> Callable[..., Check]:
    """Make a check: `make_check(id, does, **fields)`."""

    def make(id: str = "redis", does: Callable[[Context], Any] = _passes, **fields: Any) -> Check:  # noqa: A002 - field
        return FakeCheck(id=id, does=does, **fields)

    return make


@pytest.fixture
def make_settings(tmp_path: Path) -> Callable[..., Settings]:
    """Make complete settings below `tmp_path`; what is given replaces or adds to them."""

    def make(**given: Any) -> Settings:
        textfile_dir = tmp_path / "textfile"
        textfile_dir.mkdir(exist_ok=True)
        textfile_dir.chmod(0o755)
        (tmp_path / "state" / "spool").mkdir(parents=True, exist_ok=True)
        base: dict[str, Any] = {
            "env": "paper",
            "textfile_dir": textfile_dir,
            "ledger": tmp_path / "state" / "ledger.sqlite",
            "spool_dir": tmp_path / "state" / "spool",
            "redis": {"host": "127.0.0.1", "port": 1},
            "postgres": {"host": "127.0.0.1", "port": 1, "user": "bot", "database": "bot"},
        }
        # model_validate, since calling BaseSettings would look at this process's own environment.
        return Settings.model_validate({**base, **given})

    return make


@pytest.fixture
def make_context(make_settings: Callable[..., Settings], tmp_path: Path) -> Callable[..., Context]:
    """Make a context: `make_context(settings=..., mode=..., open_redis=...)`."""

    def make(**given: Any) -> Context:
        base: dict[str, Any] = {
            "mode": Mode.REAL,
            "run_id": "20261123T141500Z-1a2b3c4d",
            "environ": {},
            "cwd": tmp_path,
        }
        if "settings" not in given:
            base["settings"] = make_settings()
        return Context(**{**base, **given})

    return make


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Let SIGINT raise KeyboardInterrupt, as on a terminal: a shell starts background jobs with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def no_child_left() -> Iterator[None]:
    """After the test this process has no living child and no open file that it did not have before."""
    gc.collect()  # what an earlier test has left to the collector would otherwise be closed in between
    process = psutil.Process()
    children, files = set(process.children(recursive=True)), process.num_fds()
    yield
    left = [child for child in process.children(recursive=True) if child not in children]
    # Under load a child that was killed may take its time to die; one that was not killed never does.
    alive = psutil.wait_procs(left, timeout=1)[1]
    assert alive == []
    assert process.num_fds() <= files


@pytest.fixture
def make_report() -> Callable[..., Report]:
    """Make a report with one result of each kind; what is given replaces its fields."""

    def result(id: str, status: Status, **fields: Any) -> Result:  # noqa: A002 - the field is called so
        texts: Mapping[str, Any] = {
            "summary": Message(f"{id} says {status.value}"),
            "hint": Message("" if status is Status.PASS else f"fix {id}"),
            "expected": "good",
            "actual": status.value,
            "timings": {"ping": 0.0005} if id == "redis" else {},
        }
        return Result(
            id=id,
            outcome=Outcome(status=status, **texts),
            required=fields.pop("required", True),
            started_at=None if status is Status.SKIP else 1_800_000_000.25,
            duration_seconds=0.0 if status is Status.SKIP else 0.012,
            **fields,
        )

    def make(**given: Any) -> Report:
        decision = Decision(
            verdict=Verdict.NO_GO, exit_code=1, reasons=("redis: redis says fail",), ready_for_live=False
        )
        base: dict[str, Any] = {
            "run_id": "20270115T080000Z-1a2b3c4d",
            "version": "0.1.0",
            "env": Env.PAPER,
            "mode": Mode.REAL,
            "strict": False,
            "decision": decision,
            "results": (
                result("environment", Status.PASS),
                result("redis", Status.FAIL),
                result("postgres", Status.ERROR),
                result("storage", Status.WARN, origin=Status.FAIL, waiver="new disk on Monday"),
                result("open_positions", Status.SKIP),
                result("clock", Status.WARN, required=False, origin=Status.ERROR),
                result("git", Status.PASS, required=False),
            ),
            "started_at": 1_800_000_000.125,
            "ended_at": 1_800_000_001.625,
            "duration_seconds": 1.5,
            "recorded": True,
            "samples": (Sample(name="arbitrage_preflight_runs_total", labels={"env": "paper"}, value=1.0),),
            "textfile": "/metrics/arbitrage_preflight_paper.prom",
            "ledger": "/state/ledger.sqlite",
        }
        return Report(**{**base, **given})

    return make


@pytest.fixture(scope="session")
def _postgres_server() -> Iterator[EmbeddedStack]:
    with EmbeddedStack(services=("postgres",)) as stack:
        yield stack


@pytest.fixture(scope="session")
def postgres(_postgres_server: EmbeddedStack) -> PostgresSection:
    """What leads to a real Postgres, shared by all tests."""
    return PostgresSection.model_validate(_postgres_server.settings()["postgres"])
