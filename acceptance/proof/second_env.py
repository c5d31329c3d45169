"""Two runs in another env whose every number differs from those of the first: a slow NO_GO, one that could not tell.

In the first of them Redis and Postgres answer late, Telegram stays silent past its deadline, and one check fails. In
the second Postgres does not answer in time, and Telegram is well again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from acceptance.proof.follow import FollowedRun, Follower
from acceptance.stack.interface import Stack
from acceptance.stack.ports import HOST
from acceptance.world.alerting import Alerting
from acceptance.world.slow import slow_relay

ENV = "dev"
REDIS_DELAY, POSTGRES_DELAY = 0.06, 0.12  # seconds by which an answer is late: each of its own bucket
SILENT = ("getMe", "sendMessage")
DURATION_BOUNDS = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0)  # seconds: the buckets of the duration histogram
LONGEST_PATIENCE = 9.0  # seconds: a deadline may be 10
_FOR_EVER = 60.0  # seconds, which are beyond what the check has


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondEnv:
    """What was seen of both."""

    patience: float  # seconds for which the slow run waited for an answer of Telegram
    slow: FollowedRun
    slow_texts: tuple[str, ...]  # what reached the chat meanwhile
    untold: FollowedRun
    untold_texts: tuple[str, ...]


def run_second_env(stack: Stack, follower: Follower, alerting: Alerting, first_run: FollowedRun) -> SecondEnv:
    """Make the runs and follow them.

    Raises:
        HopError: One did not arrive in Prometheus.
    """
    follower = replace(follower, env=ENV, variables={**follower.variables, "PREFLIGHT_ALERTS__LANG": "en"})
    begun = len(alerting.texts)
    # One observation's P95 is its bucket's: waiting beyond the first run's bucket puts this one into a higher one.
    taken = float(first_run.run.report["duration_seconds"])
    patience = min(next((bound for bound in DURATION_BOUNDS if bound >= taken), taken) + 0.2, LONGEST_PATIENCE)
    slow = _run_slow(stack, follower, alerting, patience)
    between = len(alerting.texts)
    with _late(stack, {"postgres": _FOR_EVER}) as variables:
        untold = _with(follower, {**variables, "PREFLIGHT_CHECK_TIMEOUTS__POSTGRES": "1"}).run()
    texts = tuple(alerting.texts)
    return SecondEnv(
        patience=patience,
        slow=slow,
        slow_texts=texts[begun:between],
        untold=untold,
        untold_texts=texts[between:],
    )


def _run_slow(stack: Stack, follower: Follower, alerting: Alerting, patience: float) -> FollowedRun:
    with (
        _late(stack, {"redis": REDIS_DELAY, "postgres": POSTGRES_DELAY}) as variables,
        alerting.telegram.outage("timeout-before", methods=SILENT),
    ):
        return _with(
            follower,
            {
                **variables,
                "PREFLIGHT_TELEGRAM__TIMEOUT": str(patience),
                "PREFLIGHT_TELEGRAM__DEADLINE": str(patience + 0.5),
                "PREFLIGHT_CHECK_TIMEOUTS__ALERT_CHANNEL": str(patience + 5),
                # One FAIL, one more SKIP and two more WARNs than in the first env: each status has its own number.
                "PREFLIGHT_MIN_FREE_MB": str(10**9),
                "PREFLIGHT_EXCHANGES__UPBIT__API_KEY": "",
                "PREFLIGHT_EXCHANGES__UPBIT__SECRET": "",
                "PREFLIGHT_REDIS__SLOW_AFTER": str(REDIS_DELAY / 2),
                "PREFLIGHT_POSTGRES__SLOW_AFTER": str(POSTGRES_DELAY / 2),
            },
        ).run()


def _with(follower: Follower, variables: Mapping[str, str]) -> Follower:
    return replace(follower, variables={**follower.variables, **variables})


@contextmanager
def _late(stack: Stack, delays: Mapping[str, float]) -> Iterator[dict[str, str]]:
    """Lead preflight to its servers over slow ways; gives the variables."""
    with ExitStack() as life:
        ports = {name: life.enter_context(slow_relay(stack.ports[name], delay)) for name, delay in delays.items()}
        yield {
            f"PREFLIGHT_{name.upper()}__{key}": value
            for name, port in ports.items()
            for key, value in (("HOST", HOST), ("PORT", str(port)))
        }
