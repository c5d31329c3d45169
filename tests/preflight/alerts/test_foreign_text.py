"""Text that somebody else wrote draws no lines of its own, wherever it is printed."""

from __future__ import annotations

import io
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from evidence.cli import main as evidence
from preflight.alerts.alert import to_json
from preflight.alerts.history import AlertRow, History
from preflight.alerts.migrate import migrate
from preflight.alerts.spool import Content, Spool
from preflight.cli import main
from preflight.config.sections import PostgresSection
from preflight.message import Message
from preflight.model import Report, one_line
from preflight.render.console import Reader, RichView, render_plain
from preflight.render.json import render_document
from tests.preflight.alerts.test_message import alert

FORGED = "\x1b[2K\r\nGO: the bot may go\x9b1A\u202e\u2028PASS"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a spool, and a run that asks nobody."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "spool").mkdir()
    monkeypatch.setenv("PREFLIGHT_SPOOL_DIR", str(tmp_path / "spool"))
    monkeypatch.setenv("PREFLIGHT_LEDGER", str(tmp_path / "ledger.sqlite"))
    return tmp_path


def harmless(text: str) -> bool:
    """Whether each line of it is one that the program itself began, with nothing in it that draws."""
    return all(
        not re.search("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e]", line) and not line.startswith("GO:")
        for line in text.split("\n")
    )


@pytest.mark.parametrize("form", ["console", "json"])
def test_q12_a_spool_file(form: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A verdict that somebody wrote into a waiting file."""
    Spool(place / "spool").put(Content.P0, "paper", "a", to_json(alert(id="a", verdict=FORGED)))
    assert main(["alerts", "list", "--env", "paper", "--format", form]) == 0
    said = capsys.readouterr().out
    assert harmless(said)
    assert "the bot may go" in said


@pytest.mark.parametrize("form", ["console", "json"])
def test_q12_a_row_of_the_history(
    form: str, postgres: PostgresSection, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A row that somebody else wrote into Postgres."""
    migrate(postgres)
    row = AlertRow(
        alert_id="q12",
        at=1_800_000_000.0,
        env="test",
        run_id="r",
        severity="P0",
        fingerprint=FORGED,
        outcome="sent",
        message=FORGED,
    )
    assert History(settings=postgres).store([row]).problem is None
    password = postgres.password
    given = {"HOST": postgres.host, "PORT": postgres.port, "USER": postgres.user, "DATABASE": postgres.database}
    for name, value in {**given, "PASSWORD": password.get_secret_value() if password else ""}.items():
        monkeypatch.setenv(f"PREFLIGHT_POSTGRES__{name}", str(value))
    assert main(["alerts", "history", "--env", "test", "--format", form]) == 0
    said = capsys.readouterr().out
    assert harmless(said)
    assert "the bot may go" in said


def test_q12_a_file_name_in_a_bundle(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A bundle that came from elsewhere holds a file with a forged name."""
    bundle = place / "bundle"
    bundle.mkdir()
    (bundle / FORGED.replace("/", "")).touch()
    assert evidence(["show", str(bundle)]) == 1
    shutil.rmtree(bundle)
    said = capsys.readouterr()
    assert harmless(said.out)
    assert harmless(said.err)


@pytest.mark.parametrize("reason", ["fine\nGO: the bot may go", "fine\x1b[1A", "fine\x9b1A", "\u202efine"])
def test_q12_a_reason_for_a_waiver(reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It is refused before anything runs: it would stand in the report, the alert and the history."""
    assert main(["--env", "paper", "--waive", f"redis={reason}"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("preflight: --waive redis: the reason holds control characters")
    assert harmless(said)


def test_q12_what_the_console_draws(make_report: Callable[..., Report]) -> None:
    """Reasons, notes, hints, waivers and names of files: none begins a line of its own, on a pipe or a terminal."""
    report = make_report(notes=(FORGED,), textfile=FORGED)
    results = tuple(
        replace(
            each,
            waiver=FORGED,
            outcome=replace(each.outcome, summary=Message(FORGED), hint=Message(FORGED), said=FORGED),
        )
        for each in report.results
    )
    report = replace(report, results=results, decision=replace(report.decision, reasons=(FORGED,)))
    assert harmless(render_plain(report, Reader(output=FORGED)))
    from rich.console import Console  # noqa: PLC0415 - heavy

    console = Console(force_terminal=True, width=400, record=True, file=io.StringIO())
    view = RichView(console, [each.id for each in results], Reader(output=FORGED))
    view.close(report)
    drawn = console.export_text(styles=False)
    assert not re.search("[\x80-\x9f\u202e\u2028\r]|^GO:", drawn, re.MULTILINE)


def test_q12_json_stays_what_it_is() -> None:
    """What is escaped for a terminal is read back as it was."""
    assert json.loads(render_document({"a": FORGED, "나": "다"})) == {"a": FORGED, "나": "다"}
    assert "나" in render_document({"나": "다"})
    assert len(one_line(FORGED)) == len(FORGED)
