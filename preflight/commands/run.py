"""`preflight [run]`: run the gate once and show what it found."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from preflight import __version__
from preflight.commands.options import Parser, parse
from preflight.commands.outfile import open_output
from preflight.errors import UsageError
from preflight.language import read_in, say, takes_korean
from preflight.message import joined, message
from preflight.model import NEVER_WAIVED, Env, Mode, is_one_line
from preflight.said import complain
from preflight.system.streams import raise_on_ending

if TYPE_CHECKING:
    from preflight.commands.outfile import OutputFile
    from preflight.conclusion import RunOptions
    from preflight.gate import Gate
    from preflight.model import Report
    from preflight.render.console import ConsoleView

_EPILOG = message("""\
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
""")


def main(argv: Sequence[str]) -> int:
    """Run the gate and give the exit code of its verdict.

    Raises:
        UsageError: A bad option or configuration; nothing ran.
    """
    return run_gate(parse(parser, argv)).decision.exit_code


def parser() -> Parser:
    """Return the parser of a run's options; `exec` takes the same ones."""
    parser = Parser(
        prog="preflight",
        description=say(
            message("Decide whether the arbitrage bot may go live. Fail-closed: GO is exit 0 and nothing else is.")
        ),
        epilog=say(_EPILOG),
    )
    parser.add_argument(
        "--version",
        action="version",
        version=f"preflight {__version__}",
        help=say(message("show program's version number and exit")),
    )
    parser.add_env(message("{envs}; there is no default", envs=", ".join(Env)))
    parser.add_config()
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--real-check", action="store_true", help=say(message("ask the real servers (the default)")))
    mode.add_argument("--dry-run", action="store_true", help=say(message("ask nothing over the network; never GO")))
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="ID[,ID]",
        help=say(message("run only these checks; never GO")),
    )
    parser.add_argument(
        "--waive",
        action="append",
        default=[],
        metavar="ID=REASON",
        help=say(message("let this check's FAIL count as WARN, with the reason on record")),
    )
    parser.add_argument("--strict", action="store_true", help=say(message("let a WARN hold the run back (exit 4)")))
    parser.add_argument("--timeout", metavar="SECONDS", help=say(message("for all checks together (default 30)")))
    parser.add_argument(
        "--format", choices=("console", "json", "junit"), default="console", help=say(message("what stdout shows"))
    )
    parser.add_lang(
        message(
            "language of the console (default: ko where alerts.lang is ko, else en); JSON and JUnit are always in "
            "English"
        )
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help=say(message("write the report as JSON to FILE")))
    parser.add_argument("--metrics-output", metavar="DIR", help=say(message("node_exporter's textfile directory")))
    parser.add_argument("--no-metrics", action="store_true", help=say(message("write no .prom file (not in live)")))
    parser.add_argument("--no-alerts", action="store_true", help=say(message("send no alerts (not in live)")))
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
    read_in(parsed.lang or settings.alerts.lang, sys.stdout)
    if links := service_links(os.environ):
        complain(
            message(
                "ignored, since Kubernetes sets them for a Service and they are not settings: {names}",
                names=" ".join(links),
            )
        )
    if settings.env is Env.LIVE and (parsed.no_metrics or parsed.no_alerts):
        flag = "--no-metrics" if parsed.no_metrics else "--no-alerts"
        raise UsageError(message("{flag}: not in live: a live run is always recorded and always speaks up", flag=flag))
    registry = with_plugins(default_registry(settings), find_plugins(secrets=settings.secret_values()))
    registry.must_know(options.waivers, "--waive")
    registry.must_know(settings.check_timeouts, "check_timeouts")
    ids = [check.id for check in registry.select(options.only)]

    raise_on_ending()
    output = None if parsed.output is None else str(parsed.output)
    view: ConsoleView | None = None
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
        warn=lambda line: complain(message("alert: {line}", line=line)),
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
        complain(message("{verdict}: {reasons}", verdict=report.decision.verdict, reasons=reasons))
    return report


def _options(parsed: argparse.Namespace) -> RunOptions:
    from preflight.conclusion import RunOptions  # noqa: PLC0415 - heavy: see `run_gate`
    from preflight.redaction import scrub  # noqa: PLC0415

    only = tuple(part.strip() for given in parsed.only for part in given.split(","))
    if "" in only:
        raise UsageError(message("--only: an id is empty; `preflight list` names them"))
    if only and parsed.dry_run:
        raise UsageError(message("--only and --dry-run: give one of them; neither can give GO"))
    waivers: dict[str, str] = {}
    for given in parsed.waive:
        check_id, _, reason = given.partition("=")
        if not reason.strip():
            raise UsageError(
                message("--waive {given}: give it as ID=REASON; a waiver without a reason is not one", given=given)
            )
        if not is_one_line(given):
            raise UsageError(
                message(
                    "--waive {check_id}: the reason holds control characters; write it as plain text on one line",
                    check_id=check_id,
                )
            )
        if check_id in NEVER_WAIVED:
            raise UsageError(
                message("--waive {check_id}: this check cannot be waived: do what it says instead", check_id=check_id)
            )
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
    if parsed.lang == "ko" and parsed.format == "console" and not takes_korean(sys.stdout):
        raise UsageError(
            message(
                "--lang ko: this output cannot show Korean, its encoding is {encoding}: set PYTHONUTF8=1",
                encoding=sys.stdout.encoding,
            )
        )


def _write_report(report: Report, output: OutputFile | None) -> None:
    if output is None:
        return
    from preflight.render.json import render_json  # noqa: PLC0415

    output.write(render_json(report))


def _machine_readable(report: Report, form: str) -> str:
    from preflight.render.json import render_json  # noqa: PLC0415
    from preflight.render.junit import render_junit  # noqa: PLC0415 - xml.etree is needed by nobody else

    return render_json(report) if form == "json" else render_junit(report)
