from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from acceptance.stack.wait import Observation, wait_until
from acceptance.world.telegram import FAULTS, TelegramStandin
from tests.preflight.alerts.conftest import CHAT, TOKEN

pytestmark = pytest.mark.leg("system")

AT_DEBUG = (
    "import logging\n"
    "logging.basicConfig(level=logging.DEBUG, format='%(name)s %(message)s')\n"
    "import preflight.cli\n"
    "preflight.cli.entry()\n"
)
ROOT = Path(__file__).parents[3]
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path, telegram: TelegramStandin) -> Iterator[Start]:
    """Start a real preflight process that finds Redis and Postgres down: a NO_GO."""
    started: list[subprocess.Popen[str]] = []
    (tmp_path / "textfile").mkdir(mode=0o755)
    (tmp_path / "spool").mkdir()

    def run(*args: str, program: tuple[str, ...] = ("-m", "preflight"), **changed: str) -> subprocess.Popen[str]:
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "PYTHONPATH": str(ROOT),
            "PREFLIGHT_REDIS__HOST": "127.0.0.1",
            "PREFLIGHT_REDIS__PORT": "1",
            "PREFLIGHT_POSTGRES__HOST": "127.0.0.1",
            "PREFLIGHT_POSTGRES__PORT": "1",
            "PREFLIGHT_TEXTFILE_DIR": str(tmp_path / "textfile"),
            "PREFLIGHT_LEDGER": str(tmp_path / "ledger.sqlite"),
            "PREFLIGHT_SPOOL_DIR": str(tmp_path / "spool"),
            "PREFLIGHT_EXCHANGES__UPBIT__ENABLED": "false",
            "PREFLIGHT_EXCHANGES__BINANCE__ENABLED": "false",
            "PREFLIGHT_TELEGRAM__TOKEN": TOKEN,
            "PREFLIGHT_TELEGRAM__CHAT_ID": CHAT,
            "PREFLIGHT_TELEGRAM__URL": telegram.url,
            "PREFLIGHT_TELEGRAM__PLAIN_HTTP": "true",
            "PREFLIGHT_TELEGRAM__TIMEOUT": "20",
            "PREFLIGHT_TELEGRAM__DEADLINE": "10",
            **changed,
        }
        argv = (sys.executable, *program, *args, "--env", "paper")
        started.append(
            subprocess.Popen(argv, env=env, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        )
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.communicate()


def _accepted(telegram: TelegramStandin, number: int) -> None:
    def probe() -> Observation[None]:
        return Observation(done=len(telegram.texts) >= number, said=f"{len(telegram.texts)} in the chat")

    wait_until(probe, asked="the chat", timeout=30)


def _run_of(text: str) -> str:
    return text.split("실행 / run: ")[1].split("\n", maxsplit=1)[0].removeprefix("<code>").removesuffix("</code>")


def test_killed_between_accepted_and_noted(start: Start, telegram: TelegramStandin, tmp_path: Path) -> None:
    """`kill -9` while Telegram has the P0 and the gate does not know it: a duplicate, never a loss."""
    telegram.fault("timeout-after")
    process = start()
    _accepted(telegram, 1)
    process.send_signal(signal.SIGKILL)
    assert process.wait(10) == -signal.SIGKILL
    assert len(list((tmp_path / "spool").glob("p0-paper-*"))) == 1

    again = start("alerts", "flush")
    again.communicate(timeout=30)

    first, second = telegram.texts
    assert _run_of(first) == _run_of(second)
    assert list((tmp_path / "spool").glob("p0-paper-*")) == []


def test_killed_between_the_record_and_the_sending(start: Start, telegram: TelegramStandin, tmp_path: Path) -> None:
    """`kill -9` right after the run is on record: its P0 waits already, and the next run sends it first."""
    patch = (
        "import os, signal\n"
        "from preflight.alerts.announcer import Announcer\n"
        "Announcer.announce = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)\n"
        "import preflight.cli\n"
        "preflight.cli.entry()\n"
    )
    process = start(program=("-c", patch))
    assert process.wait(30) == -signal.SIGKILL
    assert 'runs_total{env="paper"} 1.0' in (tmp_path / "textfile" / "arbitrage_preflight_paper.prom").read_text()
    assert len(list((tmp_path / "spool").glob("p0-paper-*"))) == 1

    (waiting,) = (tmp_path / "spool").glob("p0-paper-*")
    killed = json.loads(waiting.read_text())["run_id"]
    assert 'alerts_pending{env="paper"} 1.0' in (tmp_path / "textfile" / "arbitrage_preflight_paper.prom").read_text()

    assert start().wait(60) == 1

    first, second = telegram.texts
    assert _run_of(first) == killed != _run_of(second)


def test_runs_at_once_send_each_p0_once(start: Start, telegram: TelegramStandin) -> None:
    """Runs that fail at the same moment see each other's P0s in the spool; none is sent twice, none is called late."""
    runs = [start("--format", "json") for _ in range(4)]
    reports = [json.loads(run.communicate(timeout=60)[0]) for run in runs]

    assert sorted(map(_run_of, telegram.texts)) == sorted(report["run_id"] for report in reports)
    assert [text for text in telegram.texts if "late" in text] == []
    assert {item["outcome"] for report in reports for item in report["alerts"]["items"]} == {"sent"}


def test_killed_before_accepted(start: Start, telegram: TelegramStandin, tmp_path: Path) -> None:
    """`kill -9` before Telegram took it: it waits, and the next run sends it first."""
    telegram.fault("timeout-before")
    process = start()

    def probe() -> Observation[None]:
        return Observation(done="sendMessage" in telegram.asked, said=str(telegram.asked))

    wait_until(probe, asked="what Telegram was asked", timeout=30)
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    (waiting,) = (tmp_path / "spool").glob("p0-paper-*")
    killed = json.loads(waiting.read_text())["run_id"]
    second = start()
    assert second.wait(60) == 1

    first, last = map(_run_of, telegram.texts)
    assert first == killed != last


def test_terminated_while_alerting_is_never_go(start: Start, telegram: TelegramStandin, tmp_path: Path) -> None:
    """SIGTERM during the sending ends the run with a report and its verdict; the P0 is in the spool."""
    telegram.fault("timeout-before")
    process = start("--output", str(tmp_path / "report.json"))

    def probe() -> Observation[None]:
        return Observation(done="sendMessage" in telegram.asked, said=str(telegram.asked))

    wait_until(probe, asked="what Telegram was asked", timeout=30)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 1
    (waiting,) = (tmp_path / "spool").glob("p0-paper-*")
    assert f"waits in {waiting}: alerting was interrupted (Interrupted)" in said
    prom = (tmp_path / "textfile" / "arbitrage_preflight_paper.prom").read_text()
    assert 'alerts_pending{env="paper"} 1.0' in prom
    assert 'alerts_total{env="paper",outcome="spooled",severity="P0"} 1.0' in prom
    alerts = json.loads((tmp_path / "report.json").read_text())["alerts"]
    assert (alerts["enabled"], alerts["reason"], alerts["pending"]) == (True, "", 1)
    assert [(item["severity"], item["outcome"]) for item in alerts["items"]] == [("P0", "spooled")]


@pytest.mark.parametrize("fault", FAULTS)
def test_no_secret_in_any_file(fault: str, start: Start, telegram: TelegramStandin, tmp_path: Path) -> None:
    """Whatever Telegram answers, token and chat id are in no file, no output and no message, with all logs at DEBUG."""
    telegram.fault(fault, times=1000, retry_after=0.1)
    process = start(
        "--output",
        str(tmp_path / "report.json"),
        program=("-c", AT_DEBUG),
        PREFLIGHT_TELEGRAM__TIMEOUT="0.5",
        PREFLIGHT_TELEGRAM__DEADLINE="3",
    )
    written = "".join(process.communicate(timeout=60))
    assert telegram.met(fault) > 0
    assert "urllib3.connectionpool" in written
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    seen = written.encode() + b"".join(path.read_bytes() for path in files) + "".join(telegram.texts).encode()

    assert b"NO_GO" in seen
    for secret in (TOKEN, TOKEN.split(":")[1], CHAT):
        assert secret.encode() not in seen
