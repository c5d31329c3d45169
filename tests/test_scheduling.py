"""The units and cron lines of docs/scheduling.md are what systemd, cron and the gate take."""

from __future__ import annotations

import configparser
import re
import shlex
from pathlib import Path

import pytest

from preflight.commands.exec import _parser as exec_parser
from preflight.commands.run import parser as run_parser

PAGE = (Path(__file__).parents[1] / "docs" / "scheduling.md").read_text(encoding="utf-8")
# Of systemd.unit(5), systemd.service(5), systemd.exec(5) and systemd.timer(5), what is used here.
KEYS = {
    "Unit": {"Description", "Wants", "After"},
    "Service": {
        "Type",
        "User",
        "WorkingDirectory",
        "Environment",
        "ExecStart",
        "Restart",
        "RestartSec",
        "RestartPreventExitStatus",
        "TimeoutStartSec",
    },
    "Timer": {"OnBootSec", "OnUnitActiveSec", "AccuracySec"},
    "Install": {"WantedBy"},
}
NAMES = ["arbitrage-bot.service", "arbitrage-preflight.service", "arbitrage-preflight.timer"]
CRON = re.search(r"## cron.*?```\n(.*?)```", PAGE, re.DOTALL)


def units() -> dict[str, configparser.ConfigParser]:
    """Give the units of the page by name."""
    text = "\n".join(re.findall(r"```ini\n(.*?)```", PAGE, re.DOTALL))
    found = {}
    for name, body in re.findall(r"# /etc/systemd/system/(\S+)\n(.*?)(?=# /etc/systemd|\Z)", text, re.DOTALL):
        unit = configparser.ConfigParser(delimiters="=", comment_prefixes="#", interpolation=None)
        unit.optionxform = str  # type: ignore[assignment,method-assign]
        unit.read_string(body)
        found[name] = unit
    return found


def must_be_taken(command: str) -> list[str]:
    """Have the gate's own parser take a command line; give the words of the command that it starts."""
    program, *words = shlex.split(command)
    assert program.endswith(".venv/bin/preflight")
    if words[0] == "exec":
        split = words.index("--")
        exec_parser().parse_args(words[1:split])
        return words[split + 1 :]
    run_parser().parse_args(words)
    return []


def test_every_unit_is_there() -> None:
    """The page has the bot's unit, and the timer with the service that it starts."""
    assert list(units()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_units_hold_known_keys(name: str) -> None:
    """Each section and key is one that systemd knows there; each line belongs to a section."""
    unit = units()[name]
    assert {(section, key) for section in unit.sections() for key in unit[section] if key not in KEYS[section]} == set()
    assert "Unit" in unit


def test_the_bot_is_started_by_exec_and_restarted_for_its_own_failures_only() -> None:
    """The gate's refusal has a code of its own, which the unit knows, and which no verdict and hardly a bot has."""
    service = units()["arbitrage-bot.service"]["Service"]
    assert must_be_taken(service["ExecStart"]) == ["/srv/arbitrage/bin/bot"]
    options = exec_parser().parse_args(shlex.split(service["ExecStart"].partition(" -- ")[0])[2:])
    assert service["RestartPreventExitStatus"] == str(options.refusal_exit)
    assert service["Restart"] == "on-failure"


def test_the_timer_bears_a_bot_that_runs() -> None:
    """Beside a running bot open positions are no P0; and a run that hangs comes to an end."""
    service = units()["arbitrage-preflight.service"]["Service"]
    must_be_taken(service["ExecStart"])
    assert service["Environment"] == "PREFLIGHT_POSITIONS__POLICY=warn"
    assert int(service["TimeoutStartSec"]) > 30
    assert units()["arbitrage-preflight.timer"]["Timer"]["OnUnitActiveSec"] == "5min"


def test_cron_lines() -> None:
    """One line starts the bot through exec, the other asks again; both are times and a command that the gate takes."""
    assert CRON is not None
    lines = CRON[1].splitlines()
    times, commands = zip(*(re.split(r" cd /srv/arbitrage && ", line) for line in lines), strict=True)
    assert times == ("@reboot", "*/5 * * * *")
    plain = [command.partition(" >> ")[0] for command in commands]
    assert must_be_taken(plain[0]) == ["bin/bot"]
    policy, _, asks = plain[1].partition(" ")
    assert policy == "PREFLIGHT_POSITIONS__POLICY=warn"
    assert must_be_taken(asks) == []
