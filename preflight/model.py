"""What a check can say, what a run can conclude, and the one function that concludes it.

Nothing here does I/O, reads a clock or knows a library: the verdict is a pure function of its arguments, so that
one property test can state all of it. The table it implements stands in docs/verdicts.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType

from preflight.message import NOTHING, Message, message

# Control characters and escapes draw on a terminal, line ends begin lines of their own, marks of direction turn text
# around, and surrogates cannot be written anywhere.
_NOT_TEXT = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def one_line(foreign: str) -> str:
    """Return text that somebody else wrote so that it can draw nothing but itself, on one line; as long as it was."""
    return _NOT_TEXT.sub(" ", foreign)


def is_one_line(text: str) -> bool:
    """Return whether `one_line` would leave it as it is."""
    return _NOT_TEXT.search(text) is None


class Status(StrEnum):
    """What one check found."""

    PASS = "pass"  # noqa: S105 - a status, not a password
    WARN = "warn"
    FAIL = "fail"  # what the check claims is false
    ERROR = "error"  # the check could not tell
    SKIP = "skip"  # the check did not run, and says why


class Env(StrEnum):
    """Where the bot is about to run."""

    LIVE = "live"
    PAPER = "paper"
    DEV = "dev"
    TEST = "test"


class Mode(StrEnum):
    """How much of the gate was asked for."""

    REAL = "real"
    DRY_RUN = "dry-run"
    PARTIAL = "partial"


class Verdict(StrEnum):
    """The answer to "may we go live now?"."""

    GO = "GO"
    NO_GO = "NO_GO"
    UNVERIFIED = "UNVERIFIED"
    WARNED = "WARNED"
    UNRECORDED = "UNRECORDED"
    DRY_RUN = "DRY_RUN"
    PARTIAL = "PARTIAL"


EXIT_GO = 0
EXIT_NO_GO = 1
EXIT_USAGE = 2
EXIT_UNVERIFIED = 3
EXIT_WARNED = 4
EXIT_UNRECORDED = 5
EXIT_DRY_RUN = 6
EXIT_NOT_STARTED = 7  # of `exec` alone: nothing ran, or the verdict is GO and the command may still not start

_EXIT_OF = MappingProxyType(
    {
        Verdict.GO: EXIT_GO,
        Verdict.NO_GO: EXIT_NO_GO,
        Verdict.UNVERIFIED: EXIT_UNVERIFIED,
        Verdict.WARNED: EXIT_WARNED,
        Verdict.UNRECORDED: EXIT_UNRECORDED,
    }
)

_REQUIRED_OUTSIDE_LIVE: Mapping[Env, frozenset[str]] = MappingProxyType(
    {
        Env.PAPER: frozenset({"environment", "secrets", "read_only_guard", "redis", "postgres", "storage"}),
        Env.DEV: frozenset({"environment", "redis", "postgres", "storage"}),
        Env.TEST: frozenset({"environment", "redis", "postgres", "storage"}),
    }
)

NEVER_WAIVED = frozenset({"live_safety"})  # an operator who means to go live arms it and resets the switch


def is_required(check_id: str, env: Env) -> bool:
    """Return whether `check_id` blocks in `env`. In live everything does, and no configuration lowers that."""
    return env is Env.LIVE or check_id in _REQUIRED_OUTSIDE_LIVE[env]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a check's `run` returns."""

    status: Status
    summary: Message  # one line: what was found
    hint: Message = NOTHING  # a command or a next step; compulsory for FAIL, WARN and ERROR
    expected: str = ""  # what would have been a PASS
    actual: str = ""  # what was there instead
    said: str = ""  # the other side's own words, where it refused: shown below the hint, since they may hold the fact
    timings: Mapping[str, float] = field(default_factory=dict)  # named seconds, e.g. {"ping": 0.0004}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """An outcome with what the runner knows about it."""

    id: str  # the check's stable id
    outcome: Outcome
    required: bool  # whether it blocks in this env
    origin: Status | None = None  # the status before it was lowered to WARN, else None
    waiver: str | None = None  # the reason given with --waive, if it was used
    started_at: float | None = None  # Unix seconds, None if it never started
    duration_seconds: float = 0.0

    @property
    def status(self) -> Status:
        """The status that counts."""
        return self.outcome.status


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A verdict, the exit code that goes with it, and why."""

    verdict: Verdict
    exit_code: int
    reasons: tuple[str, ...]  # empty only for a clean GO
    ready_for_live: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One line of the `.prom` file."""

    name: str
    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertItem:
    """What became of one alert during a run."""

    id: str  # run id and severity of the run that the alert is about
    severity: str  # P0 to P3
    outcome: str  # sent, throttled, spooled or failed
    at: float  # Unix seconds: end of the run that the alert is about
    reason: str = ""  # why it was not sent; for one that was, what there is to know about it
    row: str = "none"  # its row for Postgres: stored, spooled, failed, or none where there is none
    replayed: bool = False  # it had been waiting in the spool since an earlier run


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSummary:
    """What became of a run's alerts, those of earlier runs that were waiting included."""

    enabled: bool = False  # whether this run could send any
    reason: str = message("this run sends no alerts")  # why not; empty where it could
    items: tuple[AlertItem, ...] = ()  # in the order in which they were sent
    pending: int | None = None  # P0 messages that wait in the spool now; None: not looked, or not readable
    rows_pending: int | None = None  # rows that wait for Postgres now
    troubles: tuple[str, ...] = ()  # what went wrong on the way, one sentence each


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One run, whole: what renderers, metrics, alerts and evidence are made from."""

    run_id: str
    version: str
    env: Env
    mode: Mode
    strict: bool
    decision: Decision
    results: tuple[Result, ...]
    started_at: float  # Unix seconds
    ended_at: float  # Unix seconds; the value by which this run is followed through every hop
    duration_seconds: float
    recorded: bool
    notes: tuple[str, ...] = ()  # things to know that no check says
    alerts: AlertSummary = AlertSummary()
    samples: tuple[Sample, ...] = ()  # the `.prom` as written
    textfile: str | None = None
    ledger: str | None = None


def settle(result: Result, waivers: Mapping[str, str]) -> Result:
    """Lower what does not block to WARN, with its origin kept: a waived FAIL, an advisory FAIL or ERROR."""
    waivable = result.status is Status.FAIL and result.id not in NEVER_WAIVED
    waiver = waivers.get(result.id) if waivable else None
    advisory = not result.required and result.status in {Status.FAIL, Status.ERROR}
    if waiver is None and not advisory:
        return result
    return replace(result, outcome=replace(result.outcome, status=Status.WARN), origin=result.status, waiver=waiver)


def decide(
    results: Sequence[Result],
    *,
    env: Env,
    mode: Mode,
    expected: AbstractSet[str],
    strict: bool = False,
    recorded: bool = True,
    broken: str | None = None,
    overridden: bool = False,
    withheld: Sequence[str] = (),
    unsent: Sequence[str] = (),
) -> Decision:
    """Conclude from settled results.

    Args:
        results: One settled result per check that was selected.
        env: Where the bot is about to run.
        mode: What was asked for; only `REAL` can give GO.
        expected: Ids of every check that a real run has; one that returned no result is "could not tell".
        strict: Whether a WARN holds the run back.
        recorded: Whether the run is in the ledger and in the textfile.
        broken: What broke in the gate itself, or None.
        overridden: Whether an exchange or Telegram endpoint is not the original one.
        withheld: Why what was found can no longer be relied on, one sentence each.
        unsent: Messages that the chat did not take, one sentence each: they weigh as much as a WARN.

    Returns:
        The decision. Where several verdicts apply, the exit code is the first of 1, 5, 3, 4, 6, 0.
    """
    failed = [r for r in results if r.status is Status.FAIL]
    untold = [r for r in results if r.required and _could_not_tell(r, mode)]
    warned = [r for r in results if r.status is Status.WARN]
    missing = sorted(expected - {r.id for r in results}) if mode is not Mode.PARTIAL else []
    proved = any(r.required and r.status in {Status.PASS, Status.WARN} for r in results)

    found: list[tuple[Verdict, tuple[str, ...]]] = []
    if failed:
        found.append((Verdict.NO_GO, tuple(_about(r) for r in failed)))
    if not recorded:
        found.append((Verdict.UNRECORDED, (message("the run could not be recorded"),)))
    doubts = (
        *((message("the gate itself broke: {reason}", reason=broken),) if broken is not None else ()),
        *(_about(r) for r in untold),
        *(message("{check}: returned no result", check=check_id) for check_id in missing),
        *((message("no required check proved anything"),) if not proved and not failed else ()),
        *withheld,
    )
    if doubts:
        found.append((Verdict.UNVERIFIED, doubts))
    warnings = (*(_about(r) for r in warned), *unsent)
    if strict and warnings:
        found.append((Verdict.WARNED, warnings))
    if not found:
        found.append((Verdict.GO, warnings))

    verdict = found[0][0]
    reasons = tuple(reason for _, part in found for reason in part)
    if mode is not Mode.REAL:
        return _unfinished(mode, verdict, reasons)
    ready = (
        verdict is Verdict.GO
        and env is Env.LIVE
        and not overridden
        and all(r.waiver is None and r.required for r in results)
    )
    return Decision(verdict=verdict, exit_code=_EXIT_OF[verdict], reasons=reasons, ready_for_live=ready)


def _about(result: Result) -> Message:
    return message("{check}: {summary}", check=result.id, summary=result.outcome.summary)


def _could_not_tell(result: Result, mode: Mode) -> bool:
    # A dry run leaves the network alone on purpose: what it skipped is no doubt, since it can never be GO.
    return result.status is Status.ERROR or (result.status is Status.SKIP and mode is not Mode.DRY_RUN)


def _unfinished(mode: Mode, verdict: Verdict, reasons: tuple[str, ...]) -> Decision:
    """Conclude a run that was never meant to be whole; `verdict` is what it would have been."""
    if mode is Mode.PARTIAL:
        why, label = message("only a part of the checks was asked for (--only)"), Verdict.PARTIAL
        # Only what stands before 3 in the order of exit codes can be said more strongly than "a part ran".
        exit_code = _EXIT_OF[verdict] if verdict in {Verdict.NO_GO, Verdict.UNRECORDED} else EXIT_UNVERIFIED
    else:
        why, label = message("a dry run asks nothing over the network"), Verdict.DRY_RUN
        exit_code = EXIT_DRY_RUN if verdict is Verdict.GO else _EXIT_OF[verdict]
    return Decision(verdict=label, exit_code=exit_code, reasons=(why, *reasons), ready_for_live=False)
