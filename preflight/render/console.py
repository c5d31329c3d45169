"""The report for a person: a table that fills on a terminal, plain lines everywhere else.

Fixed words are said by a `Voice`, as templates, so that another language is another voice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, TextIO

from preflight.model import AlertItem, Report, Result, Status, Verdict, one_line

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
    Verdict.GO: "the bot may go",
    Verdict.NO_GO: "the bot must not go: a check failed",
    Verdict.UNVERIFIED: "the bot must not go: a required check could not tell",
    Verdict.WARNED: "the bot must not go: --strict, and there are warnings",
    Verdict.UNRECORDED: "the bot must not go: the run could not be recorded",
    Verdict.DRY_RUN: "says nothing about going: nothing was asked over the network",
    Verdict.PARTIAL: "says nothing about going: only some checks ran",
}


class Voice(Protocol):
    """The language of the view. What the checks found stays as they said it, in English."""

    def say(self, template: str, *values: object) -> str:
        """Give one of this module's own phrases with its values put in."""
        ...

    def translate(self, text: str) -> str:
        """Give a hint, a reason or a note."""
        ...


class English:
    """The voice that everything is written in."""

    def say(self, template: str, *values: object) -> str:
        """Put the values in."""
        return template.format(*values)

    def translate(self, text: str) -> str:
        """Leave it as it is."""
        return text


ENGLISH = English()
COMMAND = "preflight"  # how it is called where nothing else is set


def voice_of(lang: str) -> Voice:
    """Give the voice of `ko`; English for anything else."""
    if lang != "ko":
        return ENGLISH
    from preflight.render.korean import Korean  # noqa: PLC0415 - only for those who read it

    return Korean()


class ConsoleView(Protocol):
    """What the command line shows a run on."""

    def add(self, result: Result) -> None:
        """Take note of a check that has finished."""
        ...

    def close(self, report: Report | None) -> None:
        """Show the end; `None` where there is no report."""
        ...


class PlainView:
    """Lines without colour or cursor movement, in the order of the registry: for logs and pipes."""

    def __init__(self, stream: TextIO, *, output: str | None, voice: Voice = ENGLISH, command: str = COMMAND) -> None:
        self._stream = stream
        self._command = command
        self._output = output
        self._voice = voice

    def add(self, result: Result) -> None:
        """Say nothing yet: the order in which checks finish is not stable."""

    def close(self, report: Report | None) -> None:
        """Write everything."""
        if report is not None:
            self._stream.write(render_plain(report, output=self._output, voice=self._voice, command=self._command))
            self._stream.flush()


class RichView:
    """A table that fills while checks finish. Refreshed by hand: a refreshing thread must not exist while forking."""

    def __init__(
        self,
        console: Console,
        ids: Sequence[str],
        *,
        output: str | None,
        voice: Voice = ENGLISH,
        command: str = COMMAND,
    ) -> None:
        from rich.live import Live  # noqa: PLC0415 - 53 ms that only a terminal should pay

        self._console = console
        self._command = command
        self._output = output
        self._voice = voice
        self._results: dict[str, Result | None] = dict.fromkeys(ids)
        self._live = Live(_table(self._results, self._voice), console=console, auto_refresh=False, transient=False)
        self._live.start(refresh=True)

    def add(self, result: Result) -> None:
        """Fill the row of a check."""
        self._results[result.id] = result
        self._live.update(_table(self._results, self._voice), refresh=True)

    def close(self, report: Report | None) -> None:
        """Show the final table and the verdict below it."""
        if report is not None:
            for result in report.results:
                self._results[result.id] = result
            self._live.update(_table(self._results, self._voice), refresh=True)
        self._live.stop()
        if report is not None:
            from rich.text import Text  # noqa: PLC0415

            style = "bold green" if report.decision.exit_code == 0 else "bold red"
            head, _, rest = _ending(report, self._output, self._voice, self._command).partition("\n")
            self._console.print(Text(head, style=style))
            if rest:
                self._console.print(Text(rest.rstrip("\n")))


def make_view(
    stream: TextIO,
    environ: Mapping[str, str],
    ids: Sequence[str],
    *,
    output: str | None,
    voice: Voice = ENGLISH,
    command: str = COMMAND,
) -> ConsoleView:
    """Choose the view: rich on a terminal that can take it, plain lines elsewhere."""
    if not stream.isatty() or environ.get("TERM") == "dumb":
        return PlainView(stream, output=output, voice=voice, command=command)
    from rich.console import Console  # noqa: PLC0415

    return RichView(Console(file=stream, highlight=False), ids, output=output, voice=voice, command=command)


def render_plain(report: Report, *, output: str | None = None, voice: Voice = ENGLISH, command: str = COMMAND) -> str:
    """Give the whole report as plain text that ends with a newline."""
    width = max((len(result.id) for result in report.results), default=0)
    lines = [voice.say("preflight {}, run {}", report.env, report.run_id), ""]
    for result in report.results:
        summary = f"{result.outcome.summary}{_aside(result, voice)}"
        lines.append(f"  {result.status.upper():5}  {result.id:{width}}  {summary}")
        if result.outcome.hint and result.status is not Status.PASS:
            lines.append(f"         {'':{width}}  -> {voice.translate(result.outcome.hint)}")
            if result.outcome.said:
                lines.append(f"         {'':{width}}     {voice.say('it said: {}', result.outcome.said)}")
    return "\n".join([*map(one_line, lines), "", _ending(report, output, voice, command)])


def _aside(result: Result, voice: Voice) -> str:
    if result.waiver is not None:
        return " " + voice.say("[FAIL waived: {}]", result.waiver)
    if result.origin is not None:
        return " " + voice.say("[advisory {}]", result.origin.upper())
    return "" if result.required else " " + voice.say("[advisory]")


def _ending(report: Report, output: str | None, voice: Voice, command: str) -> str:
    decision, say = report.decision, voice.say
    meaning, seconds = say(_MEANING[decision.verdict]), f"{report.duration_seconds:.2f}"
    lines = [say("{}: {} (exit {}, {} s)", decision.verdict, meaning, decision.exit_code, seconds)]
    reasons = [voice.translate(reason) for reason in decision.reasons]
    go = decision.verdict is Verdict.GO  # whose reasons are its warnings
    below = [say("despite {}", reason) if go else say("because {}", reason) for reason in reasons]
    below += [say("note: {}", voice.translate(note)) for note in report.notes]
    if report.env == "live" and go and not decision.ready_for_live:
        below.append(say("ready_for_live stays 0: something was waived or overridden"))
    below += [say("alert: {}", _alert(item, voice)) for item in report.alerts.items]
    if report.alerts.pending:
        shows = f"{command} alerts list --env {report.env}"
        below.append(say("alerts waiting in the spool: {}; `{}` shows them", report.alerts.pending, shows))
    if report.textfile is not None:
        below.append(say("metrics: {}", report.textfile))
    if output is not None:
        below.append(say("report: {}", output))
    return "\n".join(map(one_line, [*lines, *(f"  {line}" for line in below)])) + "\n"


def _alert(item: AlertItem, voice: Voice) -> str:
    late = voice.say(", from an earlier run") if item.replayed else ""
    reason = f" ({voice.translate(item.reason)})" if item.reason else ""
    return f"{item.severity} {voice.say(item.outcome)}{late}{reason}"


def _table(results: Mapping[str, Result | None], voice: Voice) -> Table:
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, pad_edge=False)
    table.add_column(voice.say("status"), width=6)
    table.add_column(voice.say("check"), no_wrap=True)
    table.add_column(voice.say("found"), overflow="fold")
    table.add_column("ms", justify="right")
    for check_id, result in results.items():
        if result is None:
            table.add_row(Text("...", style="dim"), check_id, "", "")
            continue
        found = Text(one_line(result.outcome.summary + _aside(result, voice)))
        if result.outcome.hint and result.status is not Status.PASS:
            found.append(f"\n-> {one_line(voice.translate(result.outcome.hint))}", style="bold")
            if result.outcome.said:
                found.append(f"\n   {one_line(voice.say('it said: {}', result.outcome.said))}", style="dim")
        table.add_row(
            Text(result.status.upper(), style=_STYLE[result.status]),
            check_id,
            found,
            f"{result.duration_seconds * 1000:.0f}",
        )
    return table
