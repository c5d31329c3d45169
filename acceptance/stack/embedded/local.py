"""The stack for a person: ``python -m acceptance.stack.embedded.local up|down|status`` (``make up``, ``make down``).

The same servers as in the tests, on the ports that the README names, under a supervisor that lives on after
``up`` returns. ``down`` ends exactly that supervisor, known by process id and birth.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil
from filelock import FileLock, Timeout
from rich.console import Console
from rich.text import Text

from acceptance.stack import run_folder
from acceptance.stack.embedded.local_files import RunningStack, StateFolder
from acceptance.stack.embedded.programs import available_services
from acceptance.stack.embedded.stack import EmbeddedStack
from acceptance.stack.embedded.supervisor.client import CODE, Event
from acceptance.stack.embedded.supervisor.ownership import kill_all
from acceptance.stack.interface import GRAFANA_CHOICES, GrafanaChoice, StackError
from acceptance.stack.ports import by_whom, is_free, port_variable
from acceptance.stack.readiness import ask
from acceptance.stack.wait import Observation, WaitTimeoutError, wait_until
from evidence.grafana import GrafanaKind
from preflight.system.process_id import is_running

PORTS: Mapping[str, int] = {
    "redis": 6379,
    "postgres": 5432,
    "prometheus": 9090,
    "grafana": 3000,
    "node-exporter": 9101,
    "engine": 9100,
}
"""The ports of the README and of the compose file; ``PROMETHEUS_PORT=...`` and so on choose others."""

_FIRST_DASHBOARD = "d77_system_health"
_SERVED_BY = {GrafanaKind.STANDIN.value: "a stand-in for Grafana, no Grafana (`make grafana` says how to have one)"}
_DOWN_TIMEOUT = 20.0
_INTERRUPTED = 130


def chosen_ports(services: Sequence[str], environment: Mapping[str, str]) -> dict[str, int]:
    """The port of each service: its variable, else the default.

    Raises:
        StackError: A variable holds no port number.
    """
    ports = {}
    for name in (each for each in services if each in PORTS):  # the stack itself refuses unknown names
        variable = port_variable(name)
        text = environment.get(variable, "").strip() or str(PORTS[name])
        if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
            message = f"{variable}={text} is no port; give a number from 1 to 65535"
            raise StackError(message, service=name)
        ports[name] = int(text)
    return ports


def up(
    folder: StateFolder,
    console: Console,
    *,
    services: Sequence[str],
    environment: Mapping[str, str],
    grafana: GrafanaChoice = "auto",
) -> int:
    """Start the stack, write the files that let ``preflight`` and ``down`` find it, and leave it running.

    Returns:
        0; also when it runs already.

    Raises:
        StackError: It cannot start; nothing is left behind.
    """
    running = folder.read()
    if running is not None and running.is_alive():
        _say(console, f"The stack is running already (supervisor {running.supervisor_pid}).", style="bold")
        _describe(console, folder, running)
        return 0
    if running is not None and (left := _bury(running)):
        message = f"the stack that ran before is not gone: {left}"
        raise StackError(message)
    folder.remove()

    def tell(event: Event) -> None:
        if event["event"] == "ready":
            _say(console, f"  {event['service']:<14} ready after {event['seconds']:.1f} s")

    _say(console, f"Starting {', '.join(services)} ...")
    stack = EmbeddedStack(
        services=services,
        ports=chosen_ports(services, environment),
        project=folder.project,
        grafana=grafana,
        tell=tell,
    )
    try:
        stack.start()
        _make_tables(stack, services)
        running = folder.write(stack)
        stack.detach()
    except BaseException as error:  # a full disk or Ctrl-C: no half of a running stack
        stack.stop()
        folder.remove()
        if isinstance(error, KeyboardInterrupt):
            raise KeyboardInterrupt("nothing was left running") from error
        raise
    _say(console, f"Ready after {stack.start_seconds or 0.0:.1f} s.", style="bold green")
    _describe(console, folder, running)
    return 0


def _make_tables(stack: EmbeddedStack, services: Sequence[str]) -> None:
    """Make preflight's own tables, so that the first run's row has a place to go.

    Raises:
        StackError: They cannot be made.
    """
    if "postgres" not in services:
        return
    made = stack.run_preflight("db", "migrate", "--env", "paper")
    if made.exit_code != 0:
        message = f"preflight db migrate: {made.stdout}{made.stderr}".strip()
        raise StackError(message, service="postgres")


def down(folder: StateFolder, console: Console) -> int:
    """End the stack and remove its files.

    Returns:
        0 when nothing of it runs any more, 1 when something would not end.
    """
    running = folder.read()
    if running is None:
        _say(console, "Nothing is running.")
        return 0
    if running.is_alive():
        _say(console, f"Stopping the stack (supervisor {running.supervisor_pid}) ...")
        with contextlib.suppress(ProcessLookupError):
            os.kill(running.supervisor_pid, signal.SIGTERM)

        def gone() -> Observation[None]:
            return Observation(done=not running.is_alive(), said="still running")

        try:
            wait_until(gone, asked="the supervisor to end", timeout=_DOWN_TIMEOUT)
        except WaitTimeoutError:
            _say(console, "The supervisor does not end by itself; killing it.")
    else:
        _say(console, "The stack's supervisor is gone already; clearing up.")
    if left := _bury(running):
        _say(console, f"Not gone: {left}", style="bold red")
        return 1
    folder.remove()
    _say(console, "Stopped; nothing is left running.")
    return 0


def status(folder: StateFolder, console: Console) -> int:
    """List the services.

    Returns:
        0 when all answer, 1 otherwise.
    """
    running = folder.read()
    if running is None:
        _say(console, "Nothing is running.")
        return 1
    if not running.is_alive():
        _say(console, "The stack's supervisor is gone; run 'make down' to clear up.")
        return 1
    well = True
    if running.grafana:
        _say(console, f"grafana: {running.grafana}")
    for each in running.services:
        answer = ask(each.question)
        well = well and answer.done
        word = Text("ready" if answer.done else "DOWN", style="green" if answer.done else "bold red")
        line = Text.assemble(f"{each.name:<14} ", word, f"  127.0.0.1:{each.port}  {each.version}  {answer.said}")
        console.print(line, soft_wrap=True)
    return 0 if well else 1


def _bury(running: RunningStack) -> str:
    """Kill what is left of a stack, by process id and birth, and remove its folder.

    Returns:
        What is still there, and what to do about it; then its data is, too. ``""`` when nothing is.
    """
    victims = []
    for pid, born in running.processes():
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            if is_running(pid, born):
                victims.append(process)
    if left := kill_all(victims):
        pids = ", ".join(str(each.pid) for each in left)
        return f"process {pids} does not end; end it by hand, then 'make down' again"
    taken = [
        f"port {each.port} of {each.name} is still taken{by_whom(each.port)}"
        for each in running.services
        if not is_free(each.port)
    ]
    if taken:
        return f"{'; '.join(taken)}; end that program, then 'make down' again"
    run_folder.remove(Path(running.run_dir))
    return ""


def _describe(console: Console, folder: StateFolder, running: RunningStack) -> None:
    """Say where everything is and what to type next."""
    names = {each.name: each.port for each in running.services}
    if "grafana" in names:
        _say(console, f"Dashboards: http://localhost:{names['grafana']}/d/{_FIRST_DASHBOARD}", style="bold")
        _say(console, f"  by {_SERVED_BY.get(running.grafana, running.grafana)}; the login is in {folder.login}")
    width = max(len(each.name) for each in running.services)
    for each in running.services:
        web = each.name not in {"redis", "postgres"}
        place = f"http://localhost:{each.port}" if web else f"localhost:{each.port}"
        _say(console, f"  {each.name:<{width}}  {place}")
    if "prometheus" in names:
        _say(console, "Prometheus as it is built here serves its API, not its web page.")
        _say(console, "Next, from this folder:")
        _say(console, f"  {_gate(folder.project)}")
        url = f"http://localhost:{names['prometheus']}/api/v1/query?query=arbitrage_preflight_runs_total"
        _say(console, f"  curl '{url}'", style="bold")
    _say(console, "Stop it with: make down")


def _gate(project: Path) -> str:
    """What to type for preflight: it lies beside this Python, which need not be on PATH."""
    program = Path(sys.executable).with_name("preflight")
    return str(program.relative_to(project) if program.is_relative_to(project) else program)


def _say(console: Console, line: str, *, style: str = "") -> None:
    console.print(Text(line, style=style), soft_wrap=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, do, and turn an error into one sentence.

    Returns:
        0 done, 1 could not be done, 2 wrong usage, 130 interrupted.
    """
    parser = argparse.ArgumentParser(prog="python -m acceptance.stack.embedded.local", description=__doc__)
    parser.add_argument("verb", choices=("up", "down", "status"))
    parser.add_argument("--project", type=Path, default=CODE, help="folder that gets .stack (default: checkout)")
    parser.add_argument(
        "--grafana",
        choices=GRAFANA_CHOICES,
        default="auto",
        help="for up: your Grafana where there is one (auto), that or nothing (real), or the stand-in",
    )
    parser.add_argument("--services", default="", help="comma-separated, for up (default: all)")
    options = parser.parse_args(argv)
    console = Console()
    folder = StateFolder(options.project.resolve())
    services = tuple(filter(None, options.services.split(","))) or available_services()
    try:
        with FileLock(folder.lock(), timeout=0.5):
            if options.verb == "up":
                return up(folder, console, services=services, environment=os.environ, grafana=options.grafana)
            return down(folder, console) if options.verb == "down" else status(folder, console)
    except Timeout:
        _complain("another 'make up' or 'make down' is at work in this folder; wait for it")
    except KeyboardInterrupt as interrupt:
        _complain(f"interrupted; {interrupt}" if str(interrupt) else "interrupted; 'make down' ends what runs")
        return _INTERRUPTED
    except (StackError, OSError) as error:
        _complain(str(error))
    return 1


def _complain(sentence: str) -> None:
    Console(stderr=True).print(Text(f"error: {sentence}", style="bold red"), soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
