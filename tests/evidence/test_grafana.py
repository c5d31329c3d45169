from __future__ import annotations

import pytest

from evidence.grafana import GrafanaKind, GrafanaUsed, label_of


@pytest.mark.parametrize(
    ("used", "label"),
    [
        (GrafanaUsed(kind=GrafanaKind.STANDIN, version="0.0.0-standin"), "stand-in"),
        (GrafanaUsed(kind=GrafanaKind.PROGRAM, version="13.2.0"), "Grafana 13.2.0 (program on this machine)"),
        (GrafanaUsed(kind=GrafanaKind.ARCHIVE, version="12.4.4"), "Grafana 12.4.4 (unpacked archive)"),
        (GrafanaUsed(kind=GrafanaKind.EXTERNAL, version="11.0.0"), "Grafana 11.0.0 (external)"),
        (
            GrafanaUsed(kind=GrafanaKind.IMAGE, version="12.4.4", image="grafana/grafana:12.4.4"),
            "Grafana 12.4.4 (official image)",
        ),
        (
            GrafanaUsed(kind=GrafanaKind.IMAGE, version="12.4.4", image=f"grafana/grafana@sha256:{'0' * 64}"),
            "Grafana 12.4.4 (official image)",
        ),
        (
            GrafanaUsed(kind=GrafanaKind.IMAGE, version="12.4.4", image="ours/grafana:12"),
            "Grafana 12.4.4 (image ours/grafana:12)",
        ),
        (None, "none that answered"),
    ],
)
def test_it_is_named_by_what_it_was(used: GrafanaUsed | None, label: str) -> None:
    """Nobody may take the stand-in, or another's build, for Grafana as its makers publish it."""
    assert label_of(used) == label
