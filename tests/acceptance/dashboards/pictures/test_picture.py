from __future__ import annotations

import io
import json
import math
import os
import pickle
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from acceptance.dashboards.model import list_panels
from acceptance.dashboards.pictures.ink import drawable, fit, width, wrap
from acceptance.dashboards.pictures.picture import DRAWN, data_picture, panel_picture, sheet_picture
from acceptance.proof.judge import PanelFault
from acceptance.proof.sweep import PanelOutcome
from tests.acceptance.dashboards.pictures.samples import DASHBOARDS, HEALTH, SAMPLES, committed, outcome_of, shown

pytestmark = pytest.mark.display  # what a picture shows is what Grafana's library says


def _text(svg: bytes) -> str:
    """What is written in a picture: matplotlib puts each line as a comment before its letters."""
    return svg.decode()


def test_every_type_of_the_dashboards_is_drawn() -> None:
    """No panel type that a committed dashboard uses is without a drawer."""
    files = [json.loads(path.read_text(encoding="utf-8")) for path in DASHBOARDS.glob("*.json")]

    assert {panel.type for data in files for panel in list_panels(data)} <= DRAWN


def test_a_picture_is_svg_with_title_and_korean_as_outlines(sample: PanelOutcome) -> None:
    """Each kind gives well-formed SVG that has title and description, and needs no font where it is opened."""
    svg = panel_picture(sample)
    root = ET.fromstring(svg)  # noqa: S314 - our own text

    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert sample.panel.title in _text(svg)
    assert root.findall(".//{http://www.w3.org/2000/svg}text") == []
    assert "NO DATA" not in _text(svg)
    assert len(svg) < 150_000


def test_a_picture_is_png_too(sample: PanelOutcome) -> None:
    """Each kind gives a PNG of the same shape."""
    with Image.open(io.BytesIO(panel_picture(sample, "png"))) as image:
        assert image.format == "PNG"
        assert image.width > 400


def test_the_same_data_give_the_same_bytes(sample: PanelOutcome) -> None:
    """Two pictures of one outcome differ in nothing, in either form."""
    assert panel_picture(sample) == panel_picture(sample)
    assert panel_picture(sample, "png") == panel_picture(sample, "png")


def test_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    """Nothing in a picture depends on the process, its hash seed or its clock."""
    place, values = SAMPLES["timeseries"]
    outcome = outcome_of(committed(*place), values)
    (tmp_path / "outcome").write_bytes(pickle.dumps(outcome))
    code = (
        "import pathlib, pickle, sys\n"
        "from acceptance.dashboards.pictures import panel_picture\n"
        "outcome = pickle.loads(pathlib.Path(sys.argv[1]).read_bytes())\n"
        "pathlib.Path(sys.argv[2]).write_bytes(panel_picture(outcome))\n"
    )
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"  # another than here
    plain = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "MPLCONFIGDIR": "/tmp", "PYTHONHASHSEED": seed}

    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "outcome"), str(tmp_path / "drawn")],
        cwd=DASHBOARDS.parents[2],
        env=plain,
        check=True,
    )

    assert (tmp_path / "drawn").read_bytes() == panel_picture(outcome)


@pytest.mark.parametrize("kind", SAMPLES)
def test_a_panel_without_values_says_so(kind: str) -> None:
    """Without a finite value each kind says NO DATA in red, in both languages, and names the fault."""
    place, values = SAMPLES[kind]
    panel = committed(*place)
    hollow = [shown(one.ref_id, one.name, [math.nan] * 3, labels=one.labels) for one in values]

    for given, fault in (([], PanelFault.NO_ROWS), (hollow, PanelFault.NAN_ONLY)):
        text = _text(panel_picture(outcome_of(panel, given, fault=fault)))

        assert "NO DATA / 데이터 없음" in text
        assert "#b3261e" in text
        assert str(fault) in text


def test_infinity_and_gaps_do_not_break_a_line() -> None:
    """A series with NaN, infinity and a single point is drawn; only what is finite counts."""
    panel = committed(HEALTH, "Preflight Duration P95")
    values = [shown("A", "P95", [1.0, math.nan, 2.0, math.inf, -math.inf, 3.0]), shown("A", "one", [4.0])]

    text = _text(panel_picture(outcome_of(panel, values)))

    assert "P95  3 s" in text
    assert "one  4 s" in text


def _strokes(outcome: PanelOutcome) -> int:
    """How many lines of the series' colour a picture has, its mark in the legend included."""
    return _text(panel_picture(outcome)).count("fill: none; stroke: #0072b2")


def test_a_line_is_not_drawn_over_what_was_not_seen() -> None:
    """A NaN in the middle, or a hole in time, breaks the line in two."""
    panel = committed(HEALTH, "Preflight Duration P95")
    whole = shown("A", "P95", [1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    gap = shown("A", "P95", [1.0, 2.0, math.nan, 4.0, 5.0, 6.0])
    times = tuple(time - (30.0 if index < 3 else 0.0) for index, time in enumerate(whole.series.times))
    hole = replace(whole, series=replace(whole.series, times=times))

    assert [_strokes(outcome_of(panel, [one])) for one in (whole, gap, hole)] == [2, 3, 3]


def test_a_panel_that_could_not_be_asked_says_why() -> None:
    """A failure is drawn as such and never as an empty panel."""
    text = _text(panel_picture(outcome_of(committed(HEALTH, "Last Run Age"), failure="Grafana did not answer")))

    assert "NOT ANSWERED" in text
    assert "Grafana did not answer" in text


def test_what_is_seen_is_what_was_returned() -> None:
    """The state of the panel, its mapped text and its colour are those of the value."""
    panel = committed(HEALTH, "Preflight Last Success")

    go, not_go = (_text(panel_picture(outcome_of(panel, [shown("A", "paper", [value])]))) for value in (1.0, 0.0))

    assert "1 · GO / 성공" in go
    assert "#0072b2" in go
    assert "#d55e00" not in go
    assert "NOT GO" in not_go
    assert "#d55e00" in not_go


def test_the_time_of_the_data_is_in_the_picture() -> None:
    """A picture says of when it is."""
    place, values = SAMPLES["stat"]

    assert "2026-09-21 14:14:20 UTC" in _text(panel_picture(outcome_of(committed(*place), values)))


def test_a_label_is_never_read_as_mathematics() -> None:
    """Dollar signs, unknown characters and markup in a label are drawn or replaced; nothing is raised."""
    panel = committed(HEALTH, "Redis/Postgres Latency")
    values = [shown("A", "$x^$ <b>&\t\U0001f600 \u2212", [0.01, 0.02])]

    text = _text(panel_picture(outcome_of(panel, values)))

    assert "$x^$" in text
    ET.fromstring(text)  # noqa: S314 - our own text


def test_korean_is_in_the_font() -> None:
    """Every character of every committed title and description can be drawn."""
    files = [path.read_text(encoding="utf-8") for path in DASHBOARDS.glob("*.json")]
    panels = [panel for text in files for panel in list_panels(json.loads(text))]

    texts = [f"{panel.title} {panel.raw.get('description', '')}" for panel in panels]

    assert [text for text in texts if drawable(text) != text] == []
    assert drawable("가나다 한국어 ₩") == "가나다 한국어 ₩"


def test_text_is_cut_to_its_room() -> None:
    """A text never takes more pixels than it has, and one that is cut shows it."""
    long = "아주 긴 설명 " * 30

    assert width(fit(long, 9, 200), 9) <= 200
    assert fit(long, 9, 200).endswith("…")
    rows = wrap(long, 9, 200, lines=2)
    assert len(rows) == 2
    assert all(width(row, 9) <= 200 for row in rows)
    assert rows[-1].endswith("…")
    assert fit("short", 9, 200) == "short"


def test_a_sheet_has_every_panel_and_counts_the_bad_ones() -> None:
    """The sheet of a dashboard names each panel, its rows, and how many have a fault."""
    place, values = SAMPLES["stat"]
    good = outcome_of(committed(*place), values)
    bad = outcome_of(committed(HEALTH, "Last Run Age"), fault=PanelFault.NO_ROWS)

    both, fine = (_text(sheet_picture("D77", outcomes)) for outcomes in ([good, bad], [good]))

    assert "Preflight Last Success" in both
    assert "Last Run Age" in both
    assert "Preflight Detail" in both
    assert "2 panels, 1 with a fault" in both
    assert "1 panels, all showing data" in fine


def test_a_sheet_of_nothing_is_an_error() -> None:
    """No panels give no picture that could be taken for a good one."""
    with pytest.raises(ValueError, match="has no panels"):
        sheet_picture("D77", [])


def test_an_unknown_type_is_said_to_be_unknown() -> None:
    """A panel type without a drawer says so in red, instead of looking empty or well."""
    panel = replace(committed(HEALTH, "Last Run Age"), type="heatmap")

    assert "is not drawn here" in _text(panel_picture(outcome_of(panel, [shown("A", "x", [1.0])])))


def test_a_picture_names_the_grafana_it_came_from(sample: PanelOutcome) -> None:
    """Nobody takes what the stand-in returned for what Grafana did."""
    assert b"stand-in for Grafana, 2026-" in panel_picture(sample, source="stand-in for Grafana")


def test_the_ring_of_a_pie_chart_is_where_its_numbers_are() -> None:
    """An SVG file is written at another resolution than a PNG; the ring once stood aside and stuck out."""
    place, values = SAMPLES["piechart"]
    drawn = data_picture(outcome_of(committed(*place), values), 240, 240).decode()

    width_, height = (float(number) for number in re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', drawn)[0])
    arcs = re.findall(r'<path d="(M [^"C]+C[^"]*)"[^>]*stroke: #ffffff', drawn)
    ring = [[float(number) for number in re.findall(r"-?\d+\.\d+|-?\d+", arc)] for arc in arcs]
    assert ring
    assert all(0 <= x <= width_ * 0.6 for arc in ring for x in arc[0::2])
    assert all(0 <= y <= height for arc in ring for y in arc[1::2])
