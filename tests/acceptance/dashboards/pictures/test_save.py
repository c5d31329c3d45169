from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from acceptance.dashboards.pictures import __main__ as command
from acceptance.dashboards.pictures import panel_picture, picture_name, save_all
from acceptance.dashboards.pictures.live import PanelSnapshot
from acceptance.probes.grafana import ServedDashboard
from acceptance.proof.judge import PanelFault
from acceptance.proof.sweep import PanelOutcome
from acceptance.stack.interface import StackError
from evidence.bundle import Bundle
from evidence.grafana import GrafanaKind, GrafanaUsed
from tests.acceptance.dashboards.pictures.samples import HEALTH, SAMPLES, committed, outcome_of, shown

STANDIN = GrafanaUsed(kind=GrafanaKind.STANDIN, version="0.0.0-standin")
SECRET = "a-made-up-secret-value"

pytestmark = pytest.mark.display  # what a picture shows is what Grafana's library says


class _Door:
    """Takes files in like a bundle, in memory."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}

    def redact_tree(self, document: object) -> object:
        if isinstance(document, str):
            return document.replace(SECRET, "[REDACTED]")
        if isinstance(document, dict):
            return {key: self.redact_tree(value) for key, value in document.items()}
        return [self.redact_tree(value) for value in document] if isinstance(document, list) else document

    def add_json(self, name: str, document: object, *, replace: bool = False, compact: bool = False) -> object:
        assert compact, "the answers of all panels, indented, would be half of what a bundle may hold"
        assert replace
        self.files[name] = json.dumps(document, allow_nan=False)
        return None

    def picture(self, name: str) -> str:
        """Put one picture together, as a page does."""
        document = json.loads(self.files["pictures.json"])
        return "".join(document["parts"][part] for part in document["pictures"][name])


def test_a_bundle_is_a_door() -> None:
    """The evidence bundle has what pictures are handed to."""
    assert callable(Bundle.redact_tree)
    assert callable(Bundle.add_json)


def test_each_panel_has_a_picture_of_its_own() -> None:
    """Every outcome, an empty one too, becomes one picture that is named after its place."""
    place, values = SAMPLES["stat"]
    outcomes = [
        outcome_of(committed(*place), values),
        outcome_of(committed(HEALTH, "Last Run Age"), fault=PanelFault.NO_ROWS),
    ]
    door = _Door()

    names = save_all(outcomes, door, STANDIN)

    assert names == (
        "d77_system_health/2-preflight-last-success.svg",
        "d77_system_health/8-last-run-age.svg",
    )
    assert tuple(door.files) == ("panels.json", "pictures.json")
    assert door.picture(names[0]) == panel_picture(outcomes[0], source=STANDIN.label).decode()
    assert "NO DATA" in door.picture(names[1])
    record, empty = json.loads(door.files["panels.json"])["panels"]
    assert (record["picture"], [value["value"] for value in record["values"]]) == (names[0], [1.0])
    assert (record["problems"], empty["values"], len(empty["problems"])) == ([], [], 1)


def test_a_secret_is_taken_out_before_it_is_drawn() -> None:
    """A secret in a label, title, description or fault is in no part of the picture; letters as outlines hide none."""
    place, _ = SAMPLES["timeseries"]
    panel = committed(*place)
    panel = replace(panel, title=f"T {SECRET}", raw={**panel.raw, "description": f"D {SECRET}"})
    outcome = outcome_of(panel, [shown("A", f"L {SECRET}", [1.0, 2.0])], fault=PanelFault.STALE)
    outcome = replace(outcome, faults=tuple(replace(fault, detail=SECRET) for fault in outcome.faults))
    door = _Door()

    (name,) = save_all([outcome], door, STANDIN)

    assert SECRET not in name
    assert SECRET not in "".join(door.files.values())
    assert "L [REDACTED]" in door.picture(name)


def test_letters_that_pictures_share_are_there_once() -> None:
    """Each glyph is defined once for all pictures: they are nine tenths of each."""
    outcomes = [outcome_of(committed(*place), values) for place, values in SAMPLES.values()]
    door = _Door()

    names = save_all(outcomes, door, STANDIN)

    assert len(names) > 5
    for letter in ("NanumGothic-35", "NanumGothicBold-48"):
        assert door.files["pictures.json"].count(f'<path id=\\"{letter}\\" d=') == 1


@pytest.mark.parametrize("title", ["../../etc/passwd", "한국어", "", "A" * 300, "a/b\\c\0"])
def test_a_title_cannot_lead_out_of_the_folder(title: str) -> None:
    """Whatever a title holds, the name is a plain one below the dashboard's folder."""
    panel = replace(committed(HEALTH, "Last Run Age"), title=title, dashboard="../x")

    folder, _, name = picture_name(outcome_of(panel)).partition("/")

    assert set(folder) <= set("-x")
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.")
    assert len(name) < 80


def _snapshot(*outcomes: PanelOutcome) -> PanelSnapshot:
    served = ServedDashboard(
        uid=HEALTH, title="D77 System Health", folder="", provisioned=True, url="", dashboard={}, raw={}
    )
    return PanelSnapshot(served=(served,), outcomes=outcomes)


def _stat() -> PanelOutcome:
    place, values = SAMPLES["stat"]
    return outcome_of(committed(*place), values)


def test_the_command_writes_panels_and_sheets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One file per panel, one sheet per dashboard, the folder on stdout, and 0."""
    monkeypatch.setattr(command, "_ours", lambda _: _snapshot(_stat()))
    monkeypatch.setattr(command, "README_PICTURE", tmp_path / "docs" / "row.png")

    assert command.main(["--output", str(tmp_path / "out"), "--readme"]) == 0

    written = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert written == ["docs/row.png", f"out/{HEALTH}.png", f"out/{HEALTH}/2-preflight-last-success.svg"]
    assert (tmp_path / "docs" / "row.png").stat().st_size < 100_000
    assert capsys.readouterr().out == f"{tmp_path / 'out'}\n"


def test_the_command_is_not_green_when_a_panel_is_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pictures are written all the same, and the panel is named."""
    lines: list[str] = []
    empty = outcome_of(committed(HEALTH, "Last Run Age"), fault=PanelFault.NO_ROWS)
    monkeypatch.setattr(command, "_ours", lambda _: _snapshot(empty))
    monkeypatch.setattr(command, "say", lines.append)

    assert command.main(["--output", str(tmp_path)]) == 1

    assert (tmp_path / HEALTH / "8-last-run-age.svg").is_file()
    assert "Last Run Age" in lines[0]


def test_the_command_says_what_is_wrong_with_its_options(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Grafana without a login is a usage error, and nothing is started."""
    lines: list[str] = []
    monkeypatch.setattr(command, "say", lines.append)

    assert command.main(["--grafana-url", "http://127.0.0.1:3000"]) == 2
    assert "belong together" in lines[0]


def test_the_command_reports_a_stack_that_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What kept the stack from starting is one sentence, and 1."""
    lines: list[str] = []

    def fail(_: object) -> PanelSnapshot:
        raise StackError("prometheus did not answer", service="prometheus")

    monkeypatch.setattr(command, "_ours", fail)
    monkeypatch.setattr(command, "say", lines.append)

    assert command.main(["--output", str(tmp_path)]) == 1
    assert lines == ["pictures: prometheus did not answer"]
