"""`python -m acceptance.proof DIR --grafana-url URL` (`make panels`): what the panels of a user's dashboards display.

Each dashboard's JSON is held to the types of each supported Grafana; each panel's own queries are sent to the Grafana
that is named, and Grafana's own library says what would be seen.
"""

from __future__ import annotations

import argparse
import io
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from acceptance.dashboards.lint.dashboards import load_folder
from acceptance.dashboards.lint.grafana_schema import lint_schema, load_schemas
from acceptance.dashboards.template import Value, Window
from acceptance.dashboards.time_range import seconds
from acceptance.display import DisplayError
from acceptance.display.installed import installed_library
from acceptance.probes import GrafanaClient, ProbeError
from acceptance.probes.grafana import Datasource
from acceptance.proof.user_dashboards import BroughtPanel, OpenGrafana, look_at
from acceptance.stack.binaries.component import ComponentError
from acceptance.stack.choice.choose import read_login, say
from acceptance.stack.interface import StackError

_SCRAPE = 15.0  # seconds: what Grafana takes where its datasource says nothing


def main(argv: Sequence[str] | None = None) -> int:
    """Print what each panel displays, and what is wrong with it.

    Returns:
        0 if nothing is wrong, 1 if something is or the Grafana cannot be asked, 2 for a wrong option.
    """
    args = _parser().parse_args(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a title may hold what no encoding has
    if not args.folder.is_dir():
        say(f"panels: {args.folder} is not a folder; name one that holds dashboards (*.json)")
        return 2
    try:
        values = _values(args.var)
        login = read_login(args.grafana_login) if args.grafana_login else None
        with GrafanaClient(args.grafana_url.rstrip("/"), auth=login) as grafana:
            return _report(args, grafana, values)
    except ValueError as error:
        say(f"panels: {error}")
        return 2
    except (ComponentError, DisplayError, ProbeError, StackError) as error:
        say(f"panels: {error}")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make panels", description=__doc__)
    parser.add_argument("folder", metavar="DIR", type=Path, help="holds dashboards as JSON files")
    parser.add_argument("--grafana-url", metavar="URL", required=True, help="a Grafana with a Prometheus datasource")
    parser.add_argument("--grafana-login", metavar="FILE", type=Path, help="user= and password= lines, or one token")
    parser.add_argument("--datasource", metavar="UID", help="the Prometheus to ask, where listing them is not allowed")
    parser.add_argument("--minutes", type=float, default=60.0, help="time range (default 60)")
    parser.add_argument("--var", metavar="NAME=VALUE", action="append", default=[], help="a variable to choose")
    return parser


def _values(given: Sequence[str]) -> dict[str, Value]:
    pairs = [one.partition("=") for one in given]
    if wrong := [name for name, sign, _ in pairs if not sign or not name]:
        raise ValueError(f"--var {wrong[0]!r} is not NAME=VALUE")
    return {name: value for name, _, value in pairs}


def _report(args: argparse.Namespace, grafana: GrafanaClient, values: Mapping[str, Value]) -> int:
    sources = _sources(grafana, args.datasource)
    step = next((seconds(str(one.json_data.get("timeInterval") or "")) for one in sources if one.is_default), None)
    now = time.time()
    window = Window(start=now - 60 * args.minutes, end=now, scrape_interval=step or _SCRAPE)
    opened = OpenGrafana(client=grafana, sources=sources, window=window)
    loaded, findings = load_folder(args.folder)
    problems = [str(finding) for finding in findings]
    with installed_library() as library:
        schemas = load_schemas(library.folder)
        for file, dashboard in loaded.items():
            panels, own = look_at(file, dashboard, opened, library, values=values)
            inner = dashboard.get("dashboard")
            typed = lint_schema(file, inner if isinstance(inner, dict) else dashboard, schemas)
            problems += [str(finding) for finding in (*own, *typed)]
            for panel in panels:
                problems += _print(panel)
    for problem in problems:
        sys.stdout.write(f"WRONG  {problem}\n")
    return 1 if problems else 0


def _sources(grafana: GrafanaClient, uid: str | None) -> tuple[Datasource, ...]:
    if uid:
        only = Datasource(uid=uid, name=uid, type="prometheus", url="", is_default=True, read_only=True, json_data={})
        return (only,)
    try:
        return grafana.datasources()
    except ProbeError as error:
        raise StackError(
            f"the datasources cannot be listed ({error}); name the Prometheus: --datasource UID"
        ) from error


def _print(panel: BroughtPanel) -> list[str]:
    """Write what a panel displays; return what is wrong with it."""
    outcome = panel.outcome
    place = f"{panel.file}, {panel.title!r}"
    for major, shown in outcome.displayed.items() if outcome is not None else ():
        sys.stdout.write(f"{place}: Grafana {major} displays {shown.instead()}\n")
    notes = {note for shown in outcome.displayed.values() for note in shown.notes} if outcome is not None else set()
    for note in [*panel.notes, *sorted(notes)]:
        sys.stdout.write(f"{place}: {note}\n")
    return [*map(str, panel.findings), *(outcome.problems() if outcome is not None else ())]


if __name__ == "__main__":
    sys.exit(main())
