"""`preflight [run]`: run the gate once and show what it found."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from preflight import __version__
from preflight.commands.outfile import open_output
from preflight.errors import UsageError
from preflight.message import joined, message
from preflight.model import NEVER_WAIVED, Env, Mode, is_one_line, one_line
from preflight.system.streams import raise_on_ending

if TYPE_CHECKING:
    from preflight.commands.outfile import OutputFile
    from preflight.conclusion import RunOptions
    from preflight.config.settings import Settings
    from preflight.gate import Gate
    from preflight.language import Say
    from preflight.model import Report
    from preflight.render.console import ConsoleView

_EPILOG = """\
commands (each has its own --help):
  preflight [run] [options]   run the gate (this page)
  preflight list              the checks: what each proves, requires, and whether it blocks
  preflight config            the effective settings and where each comes from, secrets masked
  preflight init              write a commented preflight.toml to start from
  preflight alerts            what waits to be delivered; deliver it; send a test message
  preflight db migrate        make the tables that preflight writes to, or bring them up to date
  preflight doctor            what of this machine is in the gate's way, without asking a server
  preflight exec -- COMMAND   run the gate and, on GO only, become COMMAND: the safe way to start the bot

exit codes:
  0  GO           a real, recorded run; every required check PASS or WARN (a FAIL that was
                  waived is a WARN); nothing else is 0
  1  NO_GO        a check failed
  2  (usage)      bad option or configuration; nothing ran
  3  UNVERIFIED   a required check could not tell, the gate itself broke, or the run could not
                  be shown; also PARTIAL (--only)
  4  WARNED       as GO, but there is a warning and --strict was given
  5  UNRECORDED   the run could not be written to the ledger, the textfile or --output
  6  DRY_RUN      nothing was asked over the network

settings, strongest first:
  flags; PREFLIGHT_* variables (PREFLIGHT_REDIS__HOST is redis.host); .env.<env>;
  .stack/preflight.toml of a running local stack (never for live); preflight.toml;
  REDIS_URL and DATABASE_URL, where nothing else says where that server is
"""


def main(argv: Sequence[str]) -> int:
    """Run the gate and give the exit code of its verdict.

    Raises:
        UsageError: A bad option or configuration; nothing ran.
    """
    return run_gate(parser().parse_args(argv)).decision.exit_code


def parser() -> argparse.ArgumentParser:
    """Return the parser of a run's options; `exec` takes the same ones."""
    parser = argparse.ArgumentParser(
        prog="preflight",
        description="Decide whether the arbitrage bot may go live. Fail-closed: GO is exit 0 and nothing else is.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"preflight {__version__}")
    parser.add_argument("--env", metavar="ENV", help=f"{', '.join(Env)}; there is no default")
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings file instead of ./preflight.toml")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--real-check", action="store_true", help="ask the real servers (the default)")
    mode.add_argument("--dry-run", action="store_true", help="ask nothing over the network; never GO")
    parser.add_argument(
        "--only", action="append", default=[], metavar="ID[,ID]", help="run only these checks; never GO"
    )
    parser.add_argument(
        "--waive",
        action="append",
        default=[],
        metavar="ID=REASON",
        help="let this check's FAIL count as WARN, with the reason on record",
    )
    parser.add_argument("--strict", action="store_true", help="let a WARN hold the run back (exit 4)")
    parser.add_argument("--timeout", metavar="SECONDS", help="for all checks together (default 30)")
    parser.add_argument("--format", choices=("console", "json", "junit"), default="console", help="what stdout shows")
    parser.add_argument(
        "--lang",
        choices=("en", "ko"),
        help="language of the console (default: ko where alerts.lang is ko, else en); JSON and JUnit are always in "
        "English",
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the report as JSON to FILE")
    parser.add_argument("--metrics-output", metavar="DIR", help="node_exporter's textfile directory")
    parser.add_argument("--no-metrics", action="store_true", help="write no .prom file (not in live)")
    parser.add_argument("--no-alerts", action="store_true", help="send no alerts (not in live)")
    return parser


def run_gate(parsed: argparse.Namespace, *, before: Callable[[Gate], None] = lambda _: None) -> Report:
    """Run the gate once with the parsed options and show the run as they ask.

    Args:
        parsed: Options of `parser`.
        before: Is given the gate when nothing has been asked yet; what it raises comes out, and nothing ran.

    Raises:
        UsageError: A bad option or configuration; nothing ran.
    """
    from preflight.config.sources import load_with_sources, service_links  # noqa: PLC0415
    from preflight.gate import Gate  # noqa: PLC0415 - heavy: imports the settings
    from preflight.plugins import find_plugins, with_plugins  # noqa: PLC0415
    from preflight.registry import default_registry  # noqa: PLC0415
    from preflight.render.console import Reader, make_view  # noqa: PLC0415 - as in `run_gate`

    options = _options(parsed)
    target = None if parsed.output is None else open_output(parsed.output)  # not only after the run
    _must_be_readable(parsed)
    flags = {"env": parsed.env, "textfile_dir": parsed.metrics_output, "run_timeout": parsed.timeout}
    loaded = load_with_sources(flags, environ=os.environ, cwd=Path.cwd(), config=parsed.config)
    settings = loaded.settings
    if links := service_links(os.environ):
        _complain(f"ignored, since Kubernetes sets them for a Service and they are not settings: {' '.join(links)}")
    if settings.env is Env.LIVE and (parsed.no_metrics or parsed.no_alerts):
        flag = "--no-metrics" if parsed.no_metrics else "--no-alerts"
        raise UsageError(f"{flag}: not in live: a live run is always recorded and always speaks up")
    registry = with_plugins(default_registry(settings), find_plugins(secrets=settings.secret_values()))
    registry.must_know(options.waivers, "--waive")
    registry.must_know(settings.check_timeouts, "check_timeouts")
    ids = [check.id for check in registry.select(options.only)]

    raise_on_ending()
    output = None if parsed.output is None else str(parsed.output)
    view: ConsoleView | None = None
    say = speaker_for(parsed, settings)
    if parsed.format == "console":
        reader = Reader(say=say, command=settings.command, output=output)
        view = make_view(sys.stdout, os.environ, ids, reader)
    shown: list[Report] = []

    def show(report: Report) -> None:
        if view is None:
            sys.stdout.write(_machine_readable(report, parsed.format))
        else:
            view.close(report)
        sys.stdout.flush()  # a disk that is full says so only now
        shown.append(report)

    gate = Gate(
        settings=settings,
        options=options,
        registry=registry,
        environ=dict(os.environ),
        cwd=Path.cwd(),
        on_result=lambda result: None if view is None else view.add(result),
        write_report=lambda report: _write_report(report, target),
        show=show,
        warn=lambda line: _complain(say(message("alert: {line}", line=line))),
        overrides=loaded.overrides,
        notes=loaded.notes,
    )
    try:
        before(gate)
        report = gate.run()
    finally:
        if view is not None and not shown:
            with contextlib.suppress(Exception):  # it gives the terminal back; that it cannot is known by now
                view.close(None)
    if not shown:
        reasons = joined(report.decision.reasons)
        _complain(say(message("{verdict}: {reasons}", verdict=report.decision.verdict, reasons=reasons)))
    return report


def speaker_for(parsed: argparse.Namespace, settings: Settings) -> Say:
    """Choose the language of the console: as asked for, else that of the alerts where the terminal can show it."""
    from preflight.language import speaker  # noqa: PLC0415

    return speaker(parsed.lang or (settings.alerts.lang if _takes_korean(sys.stdout) else "en"))


def _complain(line: str) -> None:
    from preflight.redaction import scrub  # noqa: PLC0415 - only where there is something to say

    with contextlib.suppress(OSError):  # nobody may be left to read it: the spool and the report still say it
        sys.stderr.write(f"preflight: {one_line(scrub(line))}\n")
        sys.stderr.flush()


def _options(parsed: argparse.Namespace) -> RunOptions:
    from preflight.conclusion import RunOptions  # noqa: PLC0415 - heavy: see `run_gate`
    from preflight.redaction import scrub  # noqa: PLC0415

    only = tuple(part.strip() for given in parsed.only for part in given.split(","))
    if "" in only:
        raise UsageError("--only: an id is empty; `preflight list` names them")
    if only and parsed.dry_run:
        raise UsageError("--only and --dry-run: give one of them; neither can give GO")
    waivers: dict[str, str] = {}
    for given in parsed.waive:
        check_id, _, reason = given.partition("=")
        if not reason.strip():
            raise UsageError(f"--waive {given}: give it as ID=REASON; a waiver without a reason is not one")
        if not is_one_line(given):
            raise UsageError(
                f"--waive {check_id}: the reason holds control characters; write it as plain text on one line"
            )
        if check_id in NEVER_WAIVED:
            raise UsageError(f"--waive {check_id}: this check cannot be waived: do what it says instead")
        waivers[check_id] = scrub(reason.strip())  # it goes into the report and every alert
    mode = Mode.PARTIAL if only else Mode.DRY_RUN if parsed.dry_run else Mode.REAL
    return RunOptions(
        mode=mode,
        only=only,
        waivers=waivers,
        strict=parsed.strict,
        metrics=not parsed.no_metrics,
        alerts=not parsed.no_alerts,
        output=None if parsed.output is None else str(parsed.output),
    )


def _must_be_readable(parsed: argparse.Namespace) -> None:
    """Find out before the run, not after it, that the verdict could not be shown."""
    if parsed.lang == "ko" and parsed.format == "console" and not _takes_korean(sys.stdout):
        raise UsageError(
            f"--lang ko: this output cannot show Korean, its encoding is {sys.stdout.encoding}: set PYTHONUTF8=1"
        )


def _takes_korean(stream: TextIO) -> bool:
    try:
        "한국어".encode(stream.encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _write_report(report: Report, output: OutputFile | None) -> None:
    if output is None:
        return
    from preflight.render.json import render_json  # noqa: PLC0415

    output.write(render_json(report))


def _machine_readable(report: Report, form: str) -> str:
    from preflight.render.json import render_json  # noqa: PLC0415
    from preflight.render.junit import render_junit  # noqa: PLC0415 - xml.etree is needed by nobody else

    return render_json(report) if form == "json" else render_junit(report)
