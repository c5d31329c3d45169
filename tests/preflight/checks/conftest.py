from __future__ import annotations

import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from acceptance.stack.binaries.resolve import resolve
from acceptance.stack.ports import HOST, Ports
from acceptance.stack.wait import Observation, wait_until
from preflight.check import Context
from preflight.checks.redis import RedisCheck
from preflight.model import Outcome, Status

PASSWORD = "canary-of-this-test"

Start = Callable[..., int]
Ask = Callable[..., Outcome]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a real Redis with lines of its configuration; gives its port."""
    component = resolve("redis")
    with ExitStack() as stack:

        def begin(*lines: str) -> int:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            ports = Ports.free(("redis", "bus"))
            port, bus = ports["redis"], ports["bus"]
            if "cluster-enabled yes" in lines:
                lines = (*lines, f"cluster-port {bus}")
            config = folder / "redis.conf"
            text = (f"bind {HOST}", f"port {port}", f"dir {folder}", 'save ""', *lines, "")
            config.write_text("\n".join(text), encoding="utf-8")
            ports.release()
            command = [str(component.binary), str(config)]
            server = stack.enter_context(subprocess.Popen(command, env=dict(component.env), stdout=subprocess.DEVNULL))
            stack.callback(server.terminate)
            wait_until(lambda: _listens(port), asked=f"a connection to Redis on port {port}", timeout=20)
            return port

        yield begin


def _listens(port: int) -> Observation[None]:
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError as error:
        return Observation(done=False, said=str(error))
    return Observation(done=True, said="connected")


@pytest.fixture
def ask(make_settings: Callable[..., Any], make_context: Callable[..., Context]) -> Ask:
    """Run the check against a server; the run's id chooses the key."""

    def run(port: int, *, env: str = "paper", run_id: str = "r1", **section: Any) -> Outcome:
        given = {"host": HOST, "port": port, "slow_after": 1.9, **section}
        outcome = RedisCheck().run(make_context(settings=make_settings(env=env, redis=given), run_id=run_id))
        assert PASSWORD not in repr((outcome, dict(outcome.summary.values)))
        assert outcome.summary.template is not None  # it can be said in another language
        assert outcome.hint or outcome.status is Status.PASS
        return outcome

    return run
