"""One run in another env whose every number differs from those of the first: a slow one that could not tell.

Redis and Postgres answer late, Telegram stays silent past its deadline, and a required check has no time to answer.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace

from acceptance.proof.follow import FollowedRun, Follower
from acceptance.stack.interface import Stack
from acceptance.stack.ports import HOST
from acceptance.world.alerting import Alerting
from acceptance.world.slow import slow_relay

ENV = "dev"
REDIS_DELAY, POSTGRES_DELAY = 0.06, 0.12  # seconds by which an answer is late: each of its own bucket
PATIENCE, DEADLINE = 2.2, 3.0  # seconds for an answer of Telegram, and for a message with all its tries
SILENT = ("getMe", "sendMessage")
# What a run may take beyond its waiting; it has to wait for Telegram twice, and must not wait for ever.
LONGEST = PATIENCE + DEADLINE + 25.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondEnv:
    """What was seen of it."""

    seen: FollowedRun
    texts: tuple[str, ...]  # what reached the chat meanwhile


def run_second_env(stack: Stack, follower: Follower, alerting: Alerting) -> SecondEnv:
    """Make the run and follow it.

    Raises:
        HopError: It did not arrive in Prometheus.
    """
    before = len(alerting.texts)
    with ExitStack() as life:
        delays = {"redis": REDIS_DELAY, "postgres": POSTGRES_DELAY}
        ports = {name: life.enter_context(slow_relay(stack.ports[name], delay)) for name, delay in delays.items()}
        life.enter_context(alerting.telegram.outage("timeout-before", methods=SILENT))
        late = {
            f"PREFLIGHT_{name.upper()}__{key}": str(value)
            for name, port in ports.items()
            for key, value in (("HOST", HOST), ("PORT", port))
        }
        variables = {
            **follower.variables,
            **late,
            "PREFLIGHT_TELEGRAM__TIMEOUT": str(PATIENCE),
            "PREFLIGHT_TELEGRAM__DEADLINE": str(DEADLINE),
            "PREFLIGHT_CHECK_TIMEOUTS__STORAGE": "0.000001",  # it could not tell: UNVERIFIED
            # One more SKIP and two more WARNs than in the first env, and each of another number.
            "PREFLIGHT_EXCHANGES__UPBIT__API_KEY": "",
            "PREFLIGHT_EXCHANGES__UPBIT__SECRET": "",
            "PREFLIGHT_REDIS__SLOW_AFTER": str(REDIS_DELAY / 2),
            "PREFLIGHT_POSTGRES__SLOW_AFTER": str(POSTGRES_DELAY / 2),
            "PREFLIGHT_ALERTS__LANG": "en",
        }
        seen = replace(follower, env=ENV, variables=variables).run()
    return SecondEnv(seen=seen, texts=tuple(alerting.texts[before:]))
