"""What a person reads of a run in a container: hints that can be typed where they are read, and a host to go to."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator

import pytest

from acceptance.stack.docker.docker_cli import DockerResult
from tests.docker.operator import Operator, at_work, documented

pytestmark = [pytest.mark.compose, pytest.mark.timeout(300)]

_NOBODY = """\
PREFLIGHT_TELEGRAM__TOKEN=123456:not-a-real-token-of-anybody-000000000
PREFLIGHT_TELEGRAM__CHAT_ID=-1009876543210
PREFLIGHT_TELEGRAM__URL=https://127.0.0.1:9
"""


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """Somebody whose services are all stopped, and whose Telegram cannot be reached."""
    with at_work(tmp_path_factory.mktemp("checkout")) as made:
        (made.folder / "preflight.env").write_text(_NOBODY, encoding="utf-8")
        yield made


@pytest.fixture(scope="module")
def run(operator: Operator) -> DockerResult:
    """A run, as documented."""
    done = operator.tries(documented("docker compose run --rm preflight --env paper"))
    assert done.code in {1, 3}, done.said
    return done


def test_k9_the_hint_about_waiting_alerts_can_be_typed_as_it_stands(operator: Operator, run: DockerResult) -> None:
    """In the container's form and with its env: it shows what waits."""
    (line,) = re.findall(r"waiting in the spool: 1; `(.*)` shows them", run.stdout)
    assert "1 messages wait for Telegram" in operator.types(line).stdout


def test_k10_an_alert_names_the_host_and_not_the_container(operator: Operator, run: DockerResult) -> None:
    """The same with each run: what `make images` has written, until somebody writes another."""
    assert run.code != 0
    spool = "docker compose run --rm --no-deps -T --entrypoint sh preflight -c 'cat /var/lib/arbitrage/spool/p0-*'"
    assert json.loads(operator.types(spool).stdout)["host"] == socket.gethostname()


@pytest.mark.parametrize("service", ["redis", "postgres"])
def test_k11_a_service_without_a_name_may_be_stopped(run: DockerResult, service: str) -> None:
    """On a compose network only containers that run have a name: that is said first, and not the name server."""
    (hint,) = (line for line in run.stdout.splitlines() if f"PREFLIGHT_{service.upper()}__HOST and the name" in line)
    assert "start it (a stopped container has no name)" in hint
