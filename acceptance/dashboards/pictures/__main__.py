"""`python -m acceptance.dashboards.pictures`: draws every panel of every dashboard (`make dashboards`).

A Grafana that runs already (`--grafana-url`) and has web pages is also photographed, page by page.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from acceptance.dashboards.pictures.browser import PAGE_SECONDS, serves_pages, take_screenshots
from acceptance.dashboards.pictures.chromium import BrowserError
from acceptance.dashboards.pictures.live import ENV, PanelSnapshot, drive, look, newest_run
from acceptance.dashboards.pictures.picture import panel_picture, sheet_picture
from acceptance.dashboards.pictures.save import picture_name
from acceptance.display import DisplayError
from acceptance.display.installed import installed_library
from acceptance.probes import GrafanaClient, ProbeError, PrometheusClient
from acceptance.stack.binaries.component import ComponentError
from acceptance.stack.choice.choose import CHOICES, StackChoice, open_stack, read_login, say
from acceptance.stack.interface import StackError
from acceptance.stack.wait import WaitTimeoutError

ROOT = Path(__file__).parents[3]
README_PICTURE = ROOT / "docs" / "pictures" / "preflight-health.png"
_README_ROW = ("d77_system_health", "Preflight Health")
_RUNS, _SCRAPES = 3, 24  # the embedded stack scrapes once a second
_STEP = 15.0  # seconds between two scrapes, as in the committed prometheus.yml


def main(argv: Sequence[str] | None = None) -> int:
    """Draw, and say where.

    Returns:
        0 when every panel shows data, 1 when one does not or the stack or the browser fails, 2 for a wrong option.
    """
    args = _parser().parse_args(argv)
    if (args.grafana_url is None) != (args.grafana_login is None):
        say("pictures: --grafana-url and --grafana-login belong together")
        return 2
    stamp = datetime.now(tz=UTC).strftime("%Y%m%dT%H%M%SZ")
    output = args.output or ROOT / "artifacts" / f"dashboards-{stamp}"
    try:
        snapshot = _theirs(args) if args.grafana_url else _ours(args)
        write(snapshot, output)
        if args.readme:
            write_readme_picture(snapshot, README_PICTURE)
        faults = _photographed(args, output / "screenshots") if args.grafana_url else ()
    except (BrowserError, ComponentError, DisplayError, OSError, ProbeError, StackError, WaitTimeoutError) as error:
        say(f"pictures: {error}")
        return 1
    problems = [*(problem for outcome in snapshot.outcomes for problem in outcome.problems()), *faults]
    for problem in problems:
        say(f"pictures: {problem}")
    sys.stdout.write(f"{output}\n")
    return 1 if problems else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m acceptance.dashboards.pictures", description=__doc__)
    parser.add_argument("--stack", choices=[one for one in CHOICES if one != "external"], default="embedded")
    parser.add_argument("--grafana-url", metavar="URL", help="a Grafana that runs already; nothing is started")
    parser.add_argument("--grafana-login", metavar="FILE", type=Path, help="user= and password= lines, or one token")
    parser.add_argument("--env", default=ENV, help="value of the variable env (with --grafana-url)")
    parser.add_argument("--minutes", type=float, default=60.0, help="time range (with --grafana-url; default 60)")
    parser.add_argument("--chromium", metavar="PATH", type=Path, help="the browser for screenshots; else that on PATH")
    parser.add_argument("--no-screenshots", action="store_true", help="only draw (with --grafana-url)")
    parser.add_argument("--output", metavar="DIR", type=Path, help="default artifacts/dashboards-TIME")
    parser.add_argument("--readme", action="store_true", help="also renew docs/pictures/preflight-health.png")
    return parser


def _ours(args: argparse.Namespace) -> PanelSnapshot:
    with open_stack(StackChoice(choice=args.stack), project=ROOT, tell=say) as stack:
        drive(stack, runs=_RUNS, scrapes=_SCRAPES, tell=say)
        with PrometheusClient(stack.urls.prometheus) as prometheus:
            at = newest_run(prometheus)
        login = stack.grafana_auth
        with GrafanaClient(stack.urls.grafana, auth=login) as grafana, installed_library() as display:
            return look(grafana, at=at, span=None, display=display)


def _theirs(args: argparse.Namespace) -> PanelSnapshot:
    url = str(args.grafana_url).rstrip("/")
    with GrafanaClient(url, auth=read_login(args.grafana_login)) as grafana, installed_library() as display:
        return look(grafana, at=time.time(), span=60 * args.minutes, env=args.env, step=_STEP, display=display)


def _photographed(args: argparse.Namespace, folder: Path) -> tuple[str, ...]:
    """Photograph the pages of their Grafana, where it has any; give what is wrong on them."""
    url = str(args.grafana_url).rstrip("/")
    if args.no_screenshots:
        return ()
    if not serves_pages(url):
        say("pictures: this Grafana has no web pages: drawn, and not photographed")
        return ()
    login = read_login(args.grafana_login)
    return take_screenshots(folder, url, login, env=args.env, timeout=PAGE_SECONDS, chromium=args.chromium)


def write(snapshot: PanelSnapshot, folder: Path) -> None:
    """Write one picture per panel and one sheet per dashboard.

    Raises:
        OSError: The folder cannot be written.
    """
    for outcome in snapshot.outcomes:
        path = folder / picture_name(outcome)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(panel_picture(outcome, source=snapshot.grafana))
    for served in snapshot.served:
        (folder / f"{served.uid}.png").write_bytes(
            sheet_picture(served.title, snapshot.of(served.uid), "png", source=snapshot.grafana)
        )


def write_readme_picture(snapshot: PanelSnapshot, path: Path) -> None:
    """Write the row that answers "may we go live?", as the README shows it.

    Raises:
        StackError: The dashboard has no such row.
        OSError: The file cannot be written.
    """
    uid, row = _README_ROW
    outcomes = [outcome for outcome in snapshot.of(uid) if outcome.panel.row == row]
    if not outcomes:
        raise StackError(f"dashboard {uid!r} has no row {row!r} to draw for the README", service="grafana")
    title = next(served.title for served in snapshot.served if served.uid == uid)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(sheet_picture(title, outcomes, "png", source=snapshot.grafana))


if __name__ == "__main__":
    sys.exit(main())
