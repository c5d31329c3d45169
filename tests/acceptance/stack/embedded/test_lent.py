from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from acceptance.stack.embedded.lent import Lender, LentStack
from acceptance.stack.embedded.stack import EmbeddedStack
from acceptance.stack.interface import ServiceState, Stack, StackError, Urls
from evidence.grafana import GrafanaKind, GrafanaUsed

STATE = ServiceState(name="redis", running=True, healthy=False, version="8", detail="it says no")


class Real:
    """What a lender needs of a stack, without servers."""

    urls = Urls(prometheus="http://p", grafana="http://g", node_exporter="http://n", engine=None)
    ports: Mapping[str, int] = {"redis": 1}
    grafana_auth = ("admin", "word")
    grafana = GrafanaUsed(kind=GrafanaKind.STANDIN, version="1")
    secrets = ("0123456789abcdef", "word")

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def settings(self) -> dict[str, Any]:
        """Preflight's settings."""
        return {"redis": {"port": 1}}

    def versions(self) -> dict[str, dict[str, str]]:
        """What runs."""
        return {"redis": {"version": "8"}}

    def services(self) -> tuple[ServiceState, ...]:
        """One that is not well."""
        return (STATE,)

    def logs(self, service: str) -> str:
        """A log."""
        return f"log of {service}"

    def stop_service(self, name: str) -> None:
        """Take note."""
        self.asked.append(("stop", name))

    def start_service(self, name: str) -> None:
        """Fail."""
        raise StackError("it does not start", service=name)


@pytest.fixture
def real() -> Real:
    return Real()


@pytest.fixture
def lent(real: Real, tmp_path: Path) -> Iterator[LentStack]:
    lender = Lender(cast("EmbeddedStack", real), tmp_path)
    try:
        yield LentStack(lender.file, project=tmp_path)
    finally:
        lender.close()


def test_the_borrower_sees_the_lenders_stack(lent: LentStack, real: Real) -> None:
    """Addresses, login, secrets, versions, states and logs are the real one's."""
    lent.start()

    assert isinstance(lent, Stack)
    assert (lent.urls, lent.ports, lent.grafana_auth, lent.grafana) == (
        real.urls,
        real.ports,
        real.grafana_auth,
        real.grafana,
    )
    assert (lent.secrets, lent.versions(), lent.services()) == (real.secrets, real.versions(), (STATE,))
    assert lent.logs("redis") == "log of redis"


def test_a_service_is_stopped_by_the_lender(lent: LentStack, real: Real) -> None:
    """The servers are the lender's children."""
    lent.stop_service("redis")

    assert real.asked == [("stop", "redis")]


def test_what_the_lender_cannot_do_is_told(lent: LentStack) -> None:
    """With the service, as the stack itself would say it."""
    with pytest.raises(StackError, match="it does not start") as caught:
        lent.start_service("redis")
    assert caught.value.service == "redis"


def test_ending_the_borrower_ends_nothing(lent: LentStack, real: Real) -> None:
    """It is not the borrower's to stop."""
    lent.stop()

    assert real.asked == []
    assert lent.keep() == "nothing to do, it is the lender's"


@pytest.mark.usefixtures("lent")
def test_the_file_is_private(tmp_path: Path) -> None:
    """It holds every secret of the stack."""
    assert (tmp_path / "stack.json").stat().st_mode & 0o077 == 0


def test_a_lender_that_is_gone_is_told(real: Real, tmp_path: Path) -> None:
    """In a sentence, and not as an error of a socket."""
    lender = Lender(cast("EmbeddedStack", real), tmp_path)
    lent = LentStack(lender.file, project=tmp_path)
    lender.close()

    with pytest.raises(StackError, match="the lender of this stack does not answer"):
        lent.start()


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    """What --lent-stack names has to be what a lender has written."""
    with pytest.raises(StackError, match=r"--lent-stack .* cannot be read"):
        LentStack(tmp_path / "gone", project=tmp_path)
