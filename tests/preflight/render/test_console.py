from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from preflight.language import Say, english, speaker
from preflight.message import Message, message
from preflight.model import AlertSummary, Decision, Env, Mode, Report, Result, Verdict
from preflight.render.console import PlainView, Reader, RichView, make_view, render_plain
from preflight.render.wrapping import columns, wrap

MakeReport = Callable[..., Report]

GOLDEN = """\
preflight paper, run 20270115T080000Z-1a2b3c4d

  FAIL   redis           redis says fail
                         -> fix redis
  ERROR  postgres        postgres says error
                         -> fix postgres
  SKIP   open_positions  open_positions says skip
                         -> fix open_positions

  PASS   environment     environment says pass
  WARN   storage         storage says warn [FAIL waived: new disk on Monday]
                         -> fix storage
  WARN   clock           clock says warn [advisory ERROR]
                         -> fix clock
  PASS   git             git says pass [advisory]

NO_GO: the bot must not go: a check failed (exit 1, 1.50 s)
  2 pass, 2 warn, 1 fail, 1 error, 1 skip
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
    assert render_plain(report, Reader(output="/tmp/report.json")) == GOLDEN


def test_k9_the_hint_about_waiting_alerts_is_a_line_that_works(make_report: MakeReport) -> None:
    """With its env, and called as it is called here."""
    report = make_report(alerts=AlertSummary(enabled=True, pending=2))
    for command in ("preflight", "docker compose run --rm preflight"):
        assert f"2; `{command} alerts list --env paper` shows them\n" in render_plain(report, Reader(command=command))


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
    """The plain view says everything at the end, whatever finished first."""
    report = make_report()
    stream = io.StringIO()
    view = PlainView(stream, Reader())
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
    view = make_view(stream, environ, ["redis"], Reader())
    assert type(view) is kind
    view.close(None)


def show(report: Report, monkeypatch: pytest.MonkeyPatch, *, say: Say = english, **environ: str) -> str:
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM", "COLUMNS", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    variables = {"TERM": "xterm-256color", "COLUMNS": "120", **environ}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    stream = Terminal()
    view = make_view(
        stream, variables, [result.id for result in report.results], Reader(say=say, output="/tmp/report.json")
    )
    for result in report.results:
        view.add(result)
    view.close(report)
    return stream.getvalue()


def test_terminal_shows_every_result(make_report: MakeReport, monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes the place of the table holds every status, id, finding and hint, and the verdict, in colour."""
    report = make_report()
    shown = show(report, monkeypatch)
    assert "\x1b[1;31m  FAIL" in shown
    assert "\x1b[32m  PASS" in shown
    final = without_escapes(shown).rpartition("preflight paper, run ")[2]
    for result in report.results:
        row = next(line for line in final.splitlines() if f" {result.id} " in line)
        assert row.startswith(f"  {result.status.upper()}")
        assert result.outcome.summary in row
    assert final.count("-> fix") == 5
    assert "[FAIL waived: new disk on Monday]" in final
    assert "NO_GO: the bot must not go: a check failed (exit 1, 1.50 s)" in final
    assert "because" not in final


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
    changed: tuple[Result, ...] = (
        replace(redis, outcome=replace(redis.outcome, summary=Message(nasty), hint=Message(nasty))),
    )
    shown = without_escapes(show(make_report(results=changed), monkeypatch))
    assert shown.count(nasty) >= 2


def test_table_is_closed_without_a_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the gate broke, the terminal is given back: the cursor shows again."""
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    view = make_view(stream, {"TERM": "xterm"}, ["redis"], Reader())
    view.close(None)
    assert stream.getvalue().rfind("\x1b[?25h") > stream.getvalue().rfind("\x1b[?25l")


def test_modes_are_plain_words(make_report: MakeReport) -> None:
    """No enum's own form reaches the reader."""
    text = render_plain(make_report(mode=Mode.DRY_RUN))
    assert not re.search(r"Status\.|Env\.|Mode\.|Verdict\.", text)


def test_what_the_table_has_said_is_not_said_again(make_report: MakeReport) -> None:
    """A reason that repeats a line of the table is left out; one that the table does not hold is given."""
    reasons = ("redis: redis says fail", "the run could not be recorded")
    decision = Decision(verdict=Verdict.NO_GO, exit_code=1, reasons=reasons, ready_for_live=False)
    text = render_plain(make_report(decision=decision))
    assert re.findall(" because .*", text) == [" because the run could not be recorded"]


@pytest.mark.parametrize("verdict", Verdict)
def test_what_blocks_comes_first(verdict: Verdict, make_report: MakeReport) -> None:
    """FAIL and ERROR stand on top; SKIP too where a check keeps the bot from going: a dry run skips by itself."""
    decision = Decision(verdict=verdict, exit_code=1, reasons=(), ready_for_live=False)
    report = make_report(decision=decision)
    ids = re.findall(r"(?m)^  [A-Z]{4,5} +(\S+)", render_plain(report))
    if verdict in {Verdict.NO_GO, Verdict.UNVERIFIED}:
        assert ids == ["redis", "postgres", "open_positions", "environment", "storage", "clock", "git"]
    else:
        first = ["redis", "postgres"]
        assert ids == first + [result.id for result in report.results if result.id not in first]


LONG = message(
    "Redis at {where} is slow: {slowest} took {ms:.0f} ms",
    where="redis.internal.example.com:6379",
    slowest="GET",
    ms=80,
)
HINT = Message(
    "set PREFLIGHT_EXCHANGES__BINANCE__API_KEY_FILE and PREFLIGHT_EXCHANGES__BINANCE__SECRET_FILE, then look at "
    "`redis-cli --latency` and SLOWLOG on the server"
)


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("term", ["dumb", "xterm-256color"])
def test_terminal_of_any_width(
    lang: str, width: int, term: str, make_report: MakeReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No line is wider than the terminal, unless it is one word, and no word is broken in two."""
    redis = make_report().results[1]
    results = (replace(redis, outcome=replace(redis.outcome, summary=LONG, hint=HINT, said="NOAUTH " * 30)),)
    say = speaker(lang)
    shown = show(make_report(results=results), monkeypatch, say=say, TERM=term, COLUMNS=str(width))
    final = without_escapes(shown).rpartition("preflight paper, ")[2].replace("\r", "")
    assert [line for line in final.splitlines() if columns(line) > width and len(line.split()) > 2] == []
    for text in (say(LONG), say(HINT)):
        assert [word for word in text.split() if word not in final.split()] == []


def test_a_command_is_not_broken_in_two() -> None:
    """What stands in backticks can be copied from one line, unless no line can hold it."""
    assert wrap("run `make up` now", 12) == ["run", "`make up`", "now"]
    assert wrap("set `a b`은 now", 9) == ["set", "`a b`은", "now"]
    assert wrap("`a command of many words`", 10) == ["`a command", "of many", "words`"]
    assert wrap("one ` two three", 9) == ["one ` two", "three"]
    assert wrap("", 9) == [""]
