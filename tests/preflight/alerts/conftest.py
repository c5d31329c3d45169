"""A chat, a Postgres, and reports to have something to say about."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from acceptance.world.telegram import TelegramStandin
from preflight.alerts.telegram import Telegram
from preflight.config.sections import TelegramSection
from preflight.message import Message
from preflight.model import Decision, Env, Outcome, Report, Result, Status, Verdict

TOKEN = "1234567890:canary-TOKEN-canary-TOKEN-canary"
CHAT = "-1009876543210"


@pytest.fixture
def telegram() -> Iterator[TelegramStandin]:
    """A Bot API server that knows one bot and one chat."""
    with TelegramStandin(token=TOKEN, chat_id=CHAT) as standin:
        yield standin


@pytest.fixture
def section(telegram: TelegramStandin) -> TelegramSection:
    """What leads there, with short patience."""
    return TelegramSection.model_validate(
        {"token": TOKEN, "chat_id": CHAT, "url": telegram.url, "timeout": 0.3, "deadline": 2.0}
    )


@pytest.fixture
def client(section: TelegramSection) -> Telegram:
    """The client under test."""
    return Telegram(section)


@pytest.fixture
def make_run(make_report: Callable[..., Report]) -> Callable[..., Report]:
    """Make the report of a real run: `make_run(Verdict.GO, {"redis": Status.WARN}, run_id=...)`."""

    def make(verdict: Verdict, statuses: dict[str, Status] | None = None, **given: object) -> Report:
        found = {"redis": Status.PASS, "postgres": Status.PASS, **(statuses or {})}
        results = tuple(
            Result(
                id=name,
                outcome=Outcome(status=status, summary=Message(f"{name} is {status}"), hint=Message(f"mend {name}")),
                required=True,
            )
            for name, status in found.items()
        )
        reasons = tuple(f"{r.id}: {r.outcome.summary}" for r in results if r.status is not Status.PASS)
        code = {Verdict.GO: 0, Verdict.NO_GO: 1, Verdict.UNVERIFIED: 3, Verdict.WARNED: 4, Verdict.UNRECORDED: 5}
        decision = Decision(verdict=verdict, exit_code=code.get(verdict, 6), reasons=reasons, ready_for_live=False)
        base: dict[str, object] = {"decision": decision, "results": results, "env": Env.PAPER, "duration_seconds": 1.0}
        return make_report(**{**base, **given})

    return make
