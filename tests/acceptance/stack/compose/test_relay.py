from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import pytest

from acceptance.stack.compose.project import Project
from acceptance.stack.compose.relay import Relays


@pytest.fixture
def reached(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The ports for which a relay was asked; none is started."""
    ports: list[int] = []

    def reach(_: Relays, port: int) -> str:
        ports.append(port)
        return f"way-{port}"

    monkeypatch.setattr(Relays, "_reach", reach)
    return ports


@pytest.mark.parametrize(
    ("given", "changed", "ports"),
    [
        ({"A_URL": "http://127.0.0.1:81/x"}, {"A_URL": "http://way-81:81/x"}, [81]),
        ({"A_URL": "http://example.org:81/x"}, {}, []),
        ({"A__HOST": "127.0.0.1", "A__PORT": "82"}, {"A__HOST": "way-82"}, [82]),
        ({"A__HOST": "redis", "A__PORT": "82"}, {}, []),
        ({"A__HOST": "127.0.0.1"}, {}, []),
        ({"A__PORT": "1"}, {}, []),
        ({"A__HOST": "127.0.0.1", "B__PORT": "82"}, {}, []),
    ],
    ids=["url", "another host", "host and port", "a service", "no port", "no host", "of another"],
)
def test_only_this_machines_loopback_is_rewritten(
    given: Mapping[str, str], changed: Mapping[str, str], ports: list[int], reached: list[int]
) -> None:
    """A URL there, and a host there beside its port; everything else stays."""
    relays = Relays(cast("Project", None), "image")

    assert relays.rewrite(given) == {**given, **changed}
    assert reached == ports
