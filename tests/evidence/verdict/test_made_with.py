"""Grafana's label against its service, as each kind of stack writes the two."""

from __future__ import annotations

import pytest

from evidence.grafana import GrafanaKind, GrafanaUsed
from evidence.verdict import made_with

LOCAL = "arbitrage-local/grafana:3be8d46a9464"
OFFICIAL = "grafana/grafana:12.4.4"
STANDIN = GrafanaUsed(kind=GrafanaKind.STANDIN, version="0.0.0-standin")
IMAGE = GrafanaUsed(kind=GrafanaKind.IMAGE, version="12.4.4", image=OFFICIAL)
OWN = GrafanaUsed(kind=GrafanaKind.IMAGE, version="12.4.4", image="ours/grafana:1")
PROGRAM = GrafanaUsed(kind=GrafanaKind.PROGRAM, version="12.4.4")
EXTERNAL = GrafanaUsed(kind=GrafanaKind.EXTERNAL, version="12.4.4")


def _image(name: str, version: str) -> dict[str, str]:
    return {"version": version, "source": f"image {name} sha256:f1fb7bd769c4", "image": name}


_NOT_ASKED = {"version": "not asked", "source": "external"}


@pytest.mark.parametrize(
    ("used", "service"),
    [
        (STANDIN, {"version": "0.0.0-standin", "source": "stand-in"}),
        (STANDIN, _image(LOCAL, "0.0.0-standin")),
        (STANDIN, _NOT_ASKED),
        (EXTERNAL, _NOT_ASKED),
        (IMAGE, _image(OFFICIAL, "12.4.4")),
        (IMAGE, _image(OFFICIAL, "unknown")),
        (OWN, _image("ours/grafana:1", "12.4.4")),
        (PROGRAM, {"version": "12.4.4", "source": "path"}),
    ],
    ids=str,
)
def test_what_a_stack_writes_is_no_contradiction(used: GrafanaUsed, service: dict[str, str]) -> None:
    """A genuine document is never called wrong."""
    assert list(made_with.grafana({"grafana": used.to_dict(), "services": {"grafana": service}})) == []


@pytest.mark.parametrize(
    ("used", "service", "said"),
    [
        (STANDIN, _image(OFFICIAL, "0.0.0-standin"), "of the kind stand-in, and that its source is image grafana/"),
        (STANDIN, {"version": "0.0.0-standin", "source": "path"}, "of the kind stand-in, and that its source is path"),
        (PROGRAM, {"version": "12.4.4", "source": "stand-in"}, "of the kind program, and that its source is stand-in"),
        (
            PROGRAM,
            {"version": "0.0.0-standin", "source": "path"},
            "of the version 12.4.4, and its service 0.0.0-standin",
        ),
        (IMAGE, _image(LOCAL, "12.4.4"), "calls the Grafana of the kind image in the version 12.4.4"),
    ],
)
def test_one_of_the_two_changed_is_found(used: GrafanaUsed, service: dict[str, str], said: str) -> None:
    """A stand-in's document does not pass for the original's."""
    (found,) = made_with.grafana({"grafana": used.to_dict(), "services": {"grafana": service}})
    assert said in found
