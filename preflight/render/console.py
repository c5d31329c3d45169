"""The report for a person: what blocks and what to do about it first, then the other checks, then the verdict."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, TextIO

from preflight.language import Say, english
from preflight.message import joined, message, template
from preflight.model import AlertItem, Report, Result, Status, Verdict, one_line
from preflight.render.wrapping import columns, wrap

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_STYLE = {
    Status.PASS: "green",
    Status.WARN: "yellow",
    Status.FAIL: "bold red",
    Status.ERROR: "bold magenta",
    Status.SKIP: "dim",
}
_MEANING = {
    Verdict.GO: message("the bot may go"),
    Verdict.NO_GO: message("the bot must not go: a check failed"),
    Verdict.UNVERIFIED: message("the bot must not go: a required check could not tell"),
    Verdict.WARNED: message("the bot must not go: --strict, and there are warnings"),
    Verdict.UNRECORDED: message("the bot must not go: the run could not be recorded"),
    Verdict.DRY_RUN: message("says nothing about going: nothing was asked over the network"),
    Verdict.PARTIAL: message("says nothing about going: only some checks ran"),
}
_COUNT = {
    Status.PASS: template("{count} pass"),
    Status.WARN: template("{count} warn"),
    Status.FAIL: template("{count} fail"),
    Status.ERROR: template("{count} error"),
    Status.SKIP: template("{count} skip"),
}
_OUTCOME = {
    "sent": message("sent"),
    "throttled": message("throttled"),
    "spooled": message("spooled"),
    "failed": message("failed"),
}
_BLOCKED = frozenset({Verdict.NO_GO, Verdict.UNVERIFIED})  # verdicts under which a person has something to do first
_WEIGHT = (Status.FAIL, Status.ERROR, Status.SKIP)  # what is to be looked at first
_MARGIN = 9  # columns before the id of a check
_LEAST = 30  # columns that a summary needs beside the id
COMMAND = "preflight"  # how it is called where nothing else is set


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """For whom the report is written."""

    say: Say = english
    command: str = COMMAND  # how preflight is called here
    output: str | None = None  # where the report was written as well
    width: int | None = None  # columns of the terminal; None: not a terminal, so that lines are as long as they are


class ConsoleView(Protocol):
    """What the command line shows a run on."""

    def add(self, result: Result) -> None:
        """Take note of a check that has finished."""
        ...

    def close(self, report: Report | None) -> None:
        """Show the end; `None` where there is no report."""
        ...


class PlainView:
    """Lines without colour or cursor movement: for logs and pipes."""

    def __init__(self, stream: TextIO, reader: Reader) -> None:
        self._stream = stream
        self._reader = reader

    def add(self, result: Result) -> None:
        """Say nothing yet: the order in which checks finish is not stable."""

    def close(self, report: Report | None) -> None:
        """Write everything."""
        if report is not None:
            self._stream.write(render_plain(report, self._reader))
            self._stream.flush()


class RichView:
    """A table that fills while checks finish, and makes room for the report at the end.

    Refreshed by hand: a refreshing thread must not exist while forking.
    """

    def __init__(self, console: Console, ids: Sequence[str], reader: Reader) -> None:
        from rich.live import Live  # noqa: PLC0415 - 53 ms that only a terminal should pay

        self._console = console
        self._reader = reader
        self._results: dict[str, Result | None] = dict.fromkeys(ids)
        self._live = Live(_table(self._results, reader.say), console=console, auto_refresh=False, transient=True)
        self._live.start(refresh=True)

    def add(self, result: Result) -> None:
        """Fill the row of a check."""
        self._results[result.id] = result
        self._live.update(_table(self._results, self._reader.say), refresh=True)

    def close(self, report: Report | None) -> None:
        """Put the report in the place of the table; without one leave the table as it is."""
        self._live.transient = report is not None
        self._live.stop()
        if report is not None:
            from rich.text import Text  # noqa: PLC0415

            for line, style in _lines(report, self._reader):
                self._console.print(Text(line, style=style), soft_wrap=True)


def make_view(stream: TextIO, environ: Mapping[str, str], ids: Sequence[str], reader: Reader) -> ConsoleView:
    """Choose the view: rich on a terminal that can take it, plain lines elsewhere. `reader.width` is found here."""
    if not stream.isatty():
        return PlainView(stream, reader)
    if environ.get("TERM") == "dumb":
        return PlainView(stream, replace(reader, width=shutil.get_terminal_size().columns))
    from rich.console import Console  # noqa: PLC0415

    console = Console(file=stream, highlight=False)
    return RichView(console, ids, replace(reader, width=console.width))


def render_plain(report: Report, reader: Reader = Reader()) -> str:
    """Return the whole report as plain text that ends with a newline."""
    return "".join(f"{line}\n" for line, _ in _lines(report, reader))


def _lines(report: Report, reader: Reader) -> Iterator[tuple[str, str]]:
    """Return the lines of the report, each with its style."""
    say = reader.say
    yield say(message("preflight {env}, run {run}", env=report.env, run=report.run_id)), ""
    yield "", ""
    skips = report.decision.verdict in _BLOCKED  # a dry run skips by itself what asks over the network
    first = [result for result in report.results if _blocks(result, skips=skips)]
    first.sort(key=lambda result: _WEIGHT.index(result.status))
    rest = [result for result in report.results if result not in first]
    widest = max((len(result.id) for result in report.results), default=0)
    for group in (first, rest):
        for result in group:
            yield from _check(result, widest, reader)
        if group:
            yield "", ""
    style = "bold green" if report.decision.exit_code == 0 else "bold red"
    head, *below = _ending(report, reader)
    yield from ((line, style) for line in wrap(one_line(head), reader.width, rest="  "))
    for text in below:
        yield from ((line, "") for line in wrap(one_line(text), reader.width, first="  ", rest="    "))


def _blocks(result: Result, *, skips: bool) -> bool:
    status = result.status
    return status is Status.FAIL or (result.required and (status is Status.ERROR or (skips and status is Status.SKIP)))


def _check(result: Result, widest: int, reader: Reader) -> Iterator[tuple[str, str]]:
    outcome, say, style = result.outcome, reader.say, _STYLE[result.status]
    summary = one_line(f"{say(outcome.summary)}{_aside(result, say)}")
    head = f"  {result.status.upper():5}  {result.id:{widest}}  "
    beside = reader.width is None or reader.width - columns(head) >= _LEAST
    if not beside:
        yield head.rstrip(), style
    indent = head if beside else " " * 4
    for line in wrap(summary, reader.width, first=indent, rest=" " * columns(indent)):
        yield line, style
    if outcome.hint and result.status is not Status.PASS:
        margin = " " * (columns(indent) if reader.width is None else min(columns(indent), _MARGIN))
        for line in wrap(one_line(say(outcome.hint)), reader.width, first=f"{margin}-> ", rest=f"{margin}   "):
            yield line, "bold"
        if outcome.said:
            words = one_line(say(message("it said: {words}", words=outcome.said)))
            for line in wrap(words, reader.width, first=f"{margin}   ", rest=f"{margin}   "):
                yield line, "dim"


def _aside(result: Result, say: Say) -> str:
    if result.waiver is not None:
        return " " + say(message("[FAIL waived: {reason}]", reason=result.waiver))
    if result.origin is not None:
        return " " + say(message("[advisory {status}]", status=result.origin.upper()))
    return "" if result.required else " " + say(message("[advisory]"))


def _ending(report: Report, reader: Reader) -> Iterator[str]:
    """Return the verdict, the counts, and what no line above has said."""
    decision, say = report.decision, reader.say
    meaning, seconds = _MEANING[decision.verdict], f"{report.duration_seconds:.2f}"
    yield say(
        message(
            "{verdict}: {meaning} (exit {code}, {seconds} s)",
            verdict=decision.verdict,
            meaning=meaning,
            code=decision.exit_code,
            seconds=seconds,
        )
    )
    if report.results:
        yield say(joined(_counts(report.results), ", "))
    above = {f"{result.id}: {result.outcome.summary}" for result in report.results}
    go = decision.verdict is Verdict.GO  # whose reasons are its warnings
    for reason in decision.reasons:
        if reason not in above:
            yield say(message("despite {reason}", reason=reason) if go else message("because {reason}", reason=reason))
    for note in report.notes:
        yield say(message("note: {note}", note=note))
    if report.env == "live" and go and not decision.ready_for_live:
        yield say(message("ready_for_live stays 0: something was waived or overridden"))
    for item in report.alerts.items:
        yield _alert(item, say)
    if report.alerts.pending:
        shows = f"{reader.command} alerts list --env {report.env}"
        yield say(
            message(
                "alerts waiting in the spool: {count}; `{command}` shows them",
                count=report.alerts.pending,
                command=shows,
            )
        )
    if report.textfile is not None:
        yield say(message("metrics: {path}", path=report.textfile))
    if reader.output is not None:
        yield say(message("report: {path}", path=reader.output))


def _counts(results: Sequence[Result]) -> Iterator[str]:
    for status, counted in _COUNT.items():
        count = sum(result.status is status for result in results)
        if count:
            yield message(counted, count=count)


def _alert(item: AlertItem, say: Say) -> str:
    late = message(", from an earlier run") if item.replayed else ""
    reason = message(" ({reason})", reason=item.reason) if item.reason else ""
    became = _OUTCOME.get(item.outcome, item.outcome)
    return say(
        message(
            "alert: {severity} {became}{late}{reason}", severity=item.severity, became=became, late=late, reason=reason
        )
    )


def _table(results: Mapping[str, Result | None], say: Say) -> Table:
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, pad_edge=False)
    table.add_column(say(message("status")), width=6)
    table.add_column(say(message("check")), no_wrap=True)
    table.add_column(say(message("found")), no_wrap=True, overflow="ellipsis")
    table.add_column("ms", justify="right")
    for check_id, result in results.items():
        if result is None:
            table.add_row(Text("...", style="dim"), check_id, "", "")
            continue
        table.add_row(
            Text(result.status.upper(), style=_STYLE[result.status]),
            check_id,
            Text(one_line(say(result.outcome.summary) + _aside(result, say))),
            f"{result.duration_seconds * 1000:.0f}",
        )
    return table
