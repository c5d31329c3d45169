from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from preflight.model import AlertSummary, Decision, Env, Mode, Report, Result, Verdict
from preflight.render.console import PlainView, RichView, make_view, render_plain

MakeReport = Callable[..., Report]

GOLDEN = """\
preflight paper, run 20270115T080000Z-1a2b3c4d

  PASS   environment     environment says pass
  FAIL   redis           redis says fail
                         -> mend redis
  ERROR  postgres        postgres says error
                         -> mend postgres
  WARN   storage         storage says warn [FAIL waived: new disk on Monday]
                         -> mend storage
  SKIP   open_positions  open_positions says skip
                         -> mend open_positions
  WARN   clock           clock says warn [advisory ERROR]
                         -> mend clock
  PASS   git             git says pass [advisory]

NO_GO: the bot must not go: a check failed (exit 1, 1.50 s)
  because redis: redis says fail
  note: the ledger was new
  metrics: /metrics/arbitrage_preflight_paper.prom
  report: /tmp/report.json
"""


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def without_escapes(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)


def test_plain_text_of_every_kind_of_result(make_report: MakeReport) -> None:
    """The plain report is exactly this text: every status, waiver, advisory origin, reason, note and path."""
    report = make_report(notes=("the ledger was new",))
    assert render_plain(report, output="/tmp/report.json") == GOLDEN


def test_k9_the_hint_about_waiting_alerts_is_a_line_that_works(make_report: MakeReport) -> None:
    """With its env, and called as it is called here."""
    report = make_report(alerts=AlertSummary(enabled=True, pending=2))
    for command in ("preflight", "docker compose run --rm preflight"):
        assert f"2; `{command} alerts list --env paper` shows them\n" in render_plain(report, command=command)


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_has_its_sentence(verdict: Verdict, make_report: MakeReport) -> None:
    """Each verdict stands at the beginning of a line with what it means; only GO lets the bot go."""
    code = {"GO": 0, "NO_GO": 1, "UNVERIFIED": 3, "WARNED": 4, "UNRECORDED": 5, "DRY_RUN": 6, "PARTIAL": 3}[verdict]
    decision = Decision(verdict=verdict, exit_code=code, reasons=("it rains",), ready_for_live=False)
    text = render_plain(make_report(decision=decision, results=(), textfile=None))
    # Where the bot may go, the reasons are warnings: it goes in spite of them, not because of them.
    assert f"  {'despite' if verdict is Verdict.GO else 'because'} it rains\n" in text
    (line,) = [line for line in text.splitlines() if line.startswith(f"{verdict.value}: ")]
    assert f"(exit {code}, " in line
    assert ("the bot may go" in line) is (verdict is Verdict.GO)


@pytest.mark.parametrize(
    ("env", "ready", "said"), [(Env.LIVE, False, True), (Env.LIVE, True, False), (Env.PAPER, False, False)]
)
def test_go_that_is_not_ready(env: Env, ready: bool, said: bool, make_report: MakeReport) -> None:
    """A GO in live that does not make the bot ready says so."""
    decision = Decision(verdict=Verdict.GO, exit_code=0, reasons=(), ready_for_live=ready)
    assert ("ready_for_live stays 0" in render_plain(make_report(env=env, decision=decision))) is said


def test_plain_view_is_stable(make_report: MakeReport) -> None:
    """The plain view says everything at the end, in registered order, whatever finished first."""
    report = make_report()
    stream = io.StringIO()
    view = PlainView(stream, output=None)
    for result in reversed(report.results):
        view.add(result)
    assert stream.getvalue() == ""
    view.close(report)
    assert stream.getvalue() == render_plain(report)


@pytest.mark.parametrize(
    ("stream", "environ", "kind"),
    [
        (io.StringIO(), {}, PlainView),
        (Terminal(), {"TERM": "dumb"}, PlainView),
        (Terminal(), {"TERM": "xterm"}, RichView),
    ],
    ids=["pipe", "dumb-terminal", "terminal"],
)
def test_choice_of_view(stream: io.StringIO, environ: Mapping[str, str], kind: type) -> None:
    """A terminal that can take it gets the filling table, everything else plain lines."""
    view = make_view(stream, environ, ["redis"], output=None)
    assert type(view) is kind
    view.close(None)


def show(report: Report, monkeypatch: pytest.MonkeyPatch, **environ: str) -> str:
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM", "COLUMNS", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    variables = {"TERM": "xterm-256color", "COLUMNS": "120", **environ}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    stream = Terminal()
    view = make_view(stream, variables, [result.id for result in report.results], output="/tmp/report.json")
    for result in report.results:
        view.add(result)
    view.close(report)
    return stream.getvalue()


def test_terminal_shows_every_result(make_report: MakeReport, monkeypatch: pytest.MonkeyPatch) -> None:
    """The filled table holds every status, id, finding and hint, and the verdict stands below it, in colour."""
    report = make_report()
    shown = show(report, monkeypatch)
    assert "\x1b[1;31mFAIL" in shown
    assert "\x1b[32mPASS" in shown
    final = without_escapes(shown).rpartition("status")[2]
    for result in report.results:
        row = next(line for line in final.splitlines() if f" {result.id} " in line)
        assert row.startswith(result.status.upper())
        assert result.outcome.summary in row
    assert final.count("-> mend") == 5
    assert "[FAIL waived: new disk on Monday]" in final
    assert "NO_GO: the bot must not go: a check failed (exit 1, 1.50 s)" in final
    assert "because redis: redis says fail" in final


def test_terminal_fills_row_by_row(make_report: MakeReport, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before a check has finished its row holds dots; the table is drawn anew for each that has."""
    frames = without_escapes(show(make_report(), monkeypatch)).split("status")[1:]
    dots = [frame.count("...") for frame in frames]
    assert dots[0] == 7
    assert sorted(set(dots), reverse=True) == list(range(7, -1, -1))


def test_no_color_is_honoured(make_report: MakeReport, monkeypatch: pytest.MonkeyPatch) -> None:
    """With NO_COLOR no colour code is written, even on a terminal; the words are all there."""
    shown = show(make_report(), monkeypatch, NO_COLOR="1")
    styles = {number for code in re.findall(r"\x1b\[([0-9;]*)m", shown) for number in code.split(";")}
    assert not {number for number in styles if number.isdigit() and 30 <= int(number) <= 107}
    assert "NO_GO" in shown


def test_markup_in_a_finding_is_only_text(make_report: MakeReport, monkeypatch: pytest.MonkeyPatch) -> None:
    """Square brackets in what a server said are shown, not taken for styles."""
    report = make_report()
    redis = next(result for result in report.results if result.id == "redis")
    nasty = "[green]PASS[/green] [link=http://x]y[/]"
    changed: tuple[Result, ...] = (replace(redis, outcome=replace(redis.outcome, summary=nasty, hint=nasty)),)
    shown = without_escapes(show(make_report(results=changed), monkeypatch))
    assert shown.count(nasty) >= 2


def test_table_is_closed_without_a_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the gate broke, the terminal is given back: the cursor shows again."""
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    view = make_view(stream, {"TERM": "xterm"}, ["redis"], output=None)
    view.close(None)
    assert stream.getvalue().rfind("\x1b[?25h") > stream.getvalue().rfind("\x1b[?25l")


def test_modes_are_plain_words(make_report: MakeReport) -> None:
    """No enum's own form reaches the reader."""
    text = render_plain(make_report(mode=Mode.DRY_RUN))
    assert not re.search(r"Status\.|Env\.|Mode\.|Verdict\.", text)
