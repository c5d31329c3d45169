from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import psutil
import pytest

from preflight import __version__, model
from preflight.check import Check, Context
from preflight.cli import main
from preflight.message import Message
from preflight.model import Outcome, Status
from preflight.registry import Registry
from preflight.system.streams import ENDING
from tests import program_server
from tests.modes import bound

MakeCheck = Callable[..., Check]
IDS = ("environment", "redis", "postgres", "storage")
CANARY = "hunter2-Canary"
OLD = "# yesterday's\n"


@pytest.fixture(autouse=True)
def clean_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Start each test in an empty directory without settings of the developer's own, and restore the signals."""
    for name in list(os.environ):
        if name.startswith("PREFLIGHT_"):
            monkeypatch.delenv(name)
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    before = {number: signal.getsignal(number) for number in ENDING}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def prom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The `.prom` file that an earlier run left; its directory is configured."""
    directory = tmp_path / "textfile"
    directory.mkdir()
    directory.chmod(0o755)
    monkeypatch.setenv("PREFLIGHT_TEXTFILE_DIR", str(directory))
    path = directory / "arbitrage_preflight_paper.prom"
    path.write_text(OLD, encoding="utf-8")
    return path


@pytest.fixture
def fake_checks(make_check: MakeCheck, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Replace the checks: `fake_checks(redis=Status.FAIL)`; what is not named passes."""

    def replace(**given: Status) -> None:
        def says(status: Status) -> Callable[[Context], Outcome]:
            return lambda _: Outcome(status=status, summary=Message(f"it is {status.value}"), hint=Message("h"))

        checks = tuple(make_check(i, says(given.get(i, Status.PASS)), network=i == "redis") for i in IDS)
        monkeypatch.setattr("preflight.registry.default_registry", lambda _=None: Registry(checks))

    replace()
    return replace


def without_alerts(text: str) -> str:
    """Leave out what became of the alerts, which have nowhere to go in these tests and say so."""
    return "".join(
        line
        for line in text.splitlines(keepends=True)
        if not line.startswith(("preflight: alert: ", "preflight: 알림: "))
    )


# ---- exit codes and what is printed


@pytest.mark.parametrize(
    ("argv", "found", "code", "verdict"),
    [
        ([], {}, 0, "GO"),
        (["run"], {}, 0, "GO"),
        (["--real-check"], {}, 0, "GO"),
        (["--no-alerts"], {}, 0, "GO"),
        (["--no-metrics"], {}, 0, "GO"),
        ([], {"redis": Status.WARN}, 0, "GO"),
        (["--strict"], {"redis": Status.WARN}, 4, "WARNED"),
        ([], {"redis": Status.FAIL}, 1, "NO_GO"),
        (["--waive", "redis=known=bad"], {"redis": Status.FAIL}, 0, "GO"),
        (["--waive", "redis=known"], {"redis": Status.ERROR}, 3, "UNVERIFIED"),
        ([], {"redis": Status.ERROR}, 3, "UNVERIFIED"),
        ([], {"redis": Status.SKIP}, 3, "UNVERIFIED"),
        (["--only", "redis"], {}, 3, "PARTIAL"),
        (["--only", "redis,storage", "--only", "postgres"], {"postgres": Status.FAIL}, 1, "PARTIAL"),
        (["--dry-run"], {}, 6, "DRY_RUN"),
        (["--dry-run"], {"redis": Status.FAIL}, 6, "DRY_RUN"),
        (["--dry-run"], {"storage": Status.FAIL}, 1, "DRY_RUN"),
    ],
    ids=str,
)
@pytest.mark.usefixtures("prom")
def test_exit_codes(
    *,
    argv: list[str],
    found: dict[str, Status],
    code: int,
    verdict: str,
    fake_checks: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each verdict ends with its exit code and says its name."""
    fake_checks(**found)
    assert main([*argv, "--env", "paper"]) == code
    out, err = capsys.readouterr()
    assert f"\n{verdict}: " in out
    assert f"(exit {code}, " in out
    assert without_alerts(err) == ""


@pytest.mark.usefixtures("fake_checks")
def test_real_run_writes_everything(prom: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A real run replaces the `.prom`, fills the ledger, and writes a report that fits the schema."""
    output = tmp_path / "report.json"
    assert main(["--env", "paper", "--output", str(output)]) == 0
    assert f"  report: {output}\n" in capsys.readouterr().out
    report = json.loads(output.read_text(encoding="utf-8"))
    schema = json.loads(Path(model.__file__).with_name("report.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(report, schema)
    assert (report["verdict"], report["recorded"], report["textfile"]) == ("GO", True, str(prom))
    text = prom.read_text(encoding="utf-8")
    assert 'arbitrage_preflight_runs_total{env="paper"} 1.0' in text
    assert 'arbitrage_preflight_last_success{env="paper"} 1.0' in text
    values = {(m["name"], *sorted(m["labels"].items())): m["value"] for m in report["metrics"]}
    assert values["arbitrage_preflight_last_run_timestamp_seconds", ("env", "paper")] == report["ended_at"]
    assert [path.name for path in tmp_path.glob("*report*")] == ["report.json"]
    assert main(["--env", "paper"]) == 0
    assert 'arbitrage_preflight_runs_total{env="paper"} 2.0' in prom.read_text(encoding="utf-8")


@pytest.mark.parametrize("argv", [["--dry-run"], ["--only", "redis"]])
@pytest.mark.usefixtures("fake_checks")
def test_unfinished_runs_leave_no_trace(argv: list[str], prom: Path, tmp_path: Path) -> None:
    """A dry run and a part leave the `.prom` as it was and make no ledger."""
    main(["--env", "paper", *argv])
    assert prom.read_text(encoding="utf-8") == OLD
    assert not (tmp_path / "state").exists()


@pytest.mark.usefixtures("fake_checks")
def test_no_metrics_leaves_the_prom(prom: Path, tmp_path: Path) -> None:
    """`--no-metrics` skips the `.prom` only: the ledger still counts the run."""
    assert main(["--env", "paper", "--no-metrics"]) == 0
    assert prom.read_text(encoding="utf-8") == OLD
    assert (tmp_path / "state" / "arbitrage-preflight" / "ledger.sqlite").stat().st_size > 0


@pytest.mark.usefixtures("fake_checks")
def test_metrics_output_is_the_directory(prom: Path, tmp_path: Path) -> None:
    """`--metrics-output` wins over the variable."""
    other = tmp_path / "other"
    other.mkdir()
    assert main(["--env", "paper", "--metrics-output", str(other)]) == 0
    assert [path.name for path in other.iterdir()] == ["arbitrage_preflight_paper.prom"]
    assert prom.read_text(encoding="utf-8") == OLD


@pytest.mark.parametrize(("status", "code"), [(Status.PASS, 0), (Status.FAIL, 1)])
@pytest.mark.usefixtures("prom")
def test_machine_readable_output(
    status: Status, code: int, fake_checks: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    """`--format json` and `junit` print one document and nothing else, with the same exit codes."""
    fake_checks(redis=status)
    assert main(["--env", "paper", "--format", "json"]) == code
    assert json.loads(capsys.readouterr().out)["exit_code"] == code
    assert main(["--env", "paper", "--format", "junit"]) == code
    suite = ET.fromstring(capsys.readouterr().out)  # noqa: S314 - our own text
    assert suite.get("failures") == str(2 * code)


@pytest.mark.usefixtures("fake_checks")
def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    """`preflight list` shows every check, without an env, in live and as JSON."""
    assert main(["list"]) == 0
    assert [line.split()[:2] for line in capsys.readouterr().out.splitlines()[1:]] == [[i, "?"] for i in IDS]
    assert main(["list", "--env", "live"]) == 0
    assert {line.split()[1] for line in capsys.readouterr().out.splitlines()[1:]} == {"yes"}
    assert main(["list", "--env", "paper", "--format", "json"]) == 0
    assert [check["required"] for check in json.loads(capsys.readouterr().out)] == [True] * 4
    assert main(["list", "--env", "prod"]) == 2
    assert "--env: 'prod' is not an env" in capsys.readouterr().err


def test_list_shows_what_is_configured(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Exchanges that are configured, and the env that a variable names, are those of a run here and now."""
    Path("preflight.toml").write_text('[exchanges.okx]\nsymbols = ["BTC/USDT"]\n', encoding="utf-8")
    monkeypatch.setenv("PREFLIGHT_ENV", "live")
    assert main(["list"]) == 0
    rows = {line.split()[0]: line.split()[1] for line in capsys.readouterr().out.splitlines()[1:]}
    assert {"exchange_okx", "clock_okx", "api_key_okx", "exchange_upbit"} <= rows.keys()
    assert set(rows.values()) == {"yes"}
    monkeypatch.setenv("PREFLIGHT_EXCHANGES__UPBIT__ENABLED", "false")
    assert main(["list", "--env", "paper"]) == 0
    assert "exchange_upbit" not in capsys.readouterr().out
    Path("preflight.toml").write_text("nonsense = 1\n", encoding="utf-8")
    assert main(["list"]) == 2


@pytest.mark.parametrize(("argv", "told"), [(["--help"], "exit codes:"), (["--version"], f"preflight {__version__}")])
def test_help_and_version(argv: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Help and version answer without an env."""
    assert main(argv) == 0
    assert told in capsys.readouterr().out


# ---- bad input: exit 2, one sentence, nothing ran


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        ([], r"^preflight: env: not set"),
        (["--env", "prod"], r"^preflight: flag --env: 'prod' is not an env; it is one of live, paper, dev, test$"),
        (["--env", ""], r"^preflight: flag --env: '' is not an env"),
        (["--env", "paper", "--only", "redsi"], r"^preflight: --only: there is no check 'redsi'; .*redis"),
        (["--env", "paper", "--only", ""], r"^preflight: --only: an id is empty"),
        (["--env", "paper", "--only", "redis,"], r"^preflight: --only: an id is empty"),
        (["--env", "paper", "--waive", "redis"], r"^preflight: --waive redis: give it as ID=REASON"),
        (["--env", "paper", "--waive", "redis= "], r"^preflight: --waive redis= : give it as ID=REASON"),
        (["--env", "paper", "--waive", "redsi=x"], r"^preflight: --waive: there is no check 'redsi'"),
        (["--env", "paper", "--dry-run", "--only", "redis"], r"^preflight: --only and --dry-run: "),
        (["--env", "paper", "--dry-run", "--real-check"], r"not allowed with argument"),
        (["--env", "paper", "--timeout", "soon"], r"^preflight: flag --timeout: should be a valid number"),
        (["--env", "paper", "--timeout", "-1"], r"^preflight: flag --timeout: should be greater than 0"),
        (["--env", "paper", "--timeout", "0"], r"^preflight: flag --timeout: should be greater than 0"),
        (["--env", "paper", "--timeout", "nan"], r"^preflight: flag --timeout: "),
        (["--env", "paper", "--metrics-output", ""], r"^preflight: flag --metrics-output: .*not a path"),
        (["--env", "paper", "--format", "yaml"], r"argument --format: invalid choice: 'yaml'"),
        (["--env", "paper", "--nonsense"], r"unrecognized arguments: --nonsense"),
        (["--env", "paper", "--dry"], r"unrecognized arguments: --dry"),
        (["--env"], r"argument --env: expected one argument"),
        (["--env", "paper", "surprise"], r"unrecognized arguments: surprise"),
        (["--env", "live", "--no-metrics"], r"^preflight: --no-metrics: not in live"),
        (["--env", "live", "--no-alerts"], r"^preflight: --no-alerts: not in live"),
        (["--env", "live", "--no-alerts", "--dry-run"], r"^preflight: --no-alerts: not in live"),
        (["--env", "paper", "--config", "gone.toml"], r"^preflight: gone\.toml: cannot be read: No such file"),
        (["--env", "paper", "--output", "."], r"^preflight: --output \.: is a directory; name a file"),
        (["--env", "paper", "--output", "gone/r.json"], r"^preflight: --output gone/r\.json: its directory does not"),
        (["--env", "paper", "--output", "x" * 5000], r"^preflight: --output x+: cannot be reached: File name too long"),
        (["list", "--nonsense"], r"unrecognized arguments: --nonsense"),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, list) else "",
)
@pytest.mark.usefixtures("fake_checks")
def test_bad_options(
    argv: list[str], told: str, prom: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bad option or value is exit 2 and one sentence; nothing ran and nothing was touched."""
    assert main(argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.search(told, err.strip().splitlines()[-1])
    assert prom.read_text(encoding="utf-8") == OLD
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("preflight.toml", b"run_timeout = \n", r"preflight\.toml: is not TOML: .*line 1"),
        ("preflight.toml", b"\xff\n", r"preflight\.toml: is not UTF-8 text"),
        ("preflight.toml", None, r"preflight\.toml: cannot be read: Is a directory$"),
        ("preflight.toml", b"nonsense = 1\n", r"^preflight: preflight\.toml nonsense: unknown key"),
        (
            "preflight.toml",
            b"[redis]\nport = 'many'\n",
            r"^preflight: preflight\.toml redis\.port: should be a valid int",
        ),
        (".env.paper", b"PREFLIGHT_REDIS__PORT=many\n", r"^preflight: \.env\.paper PREFLIGHT_REDIS__PORT: should be"),
        (".env.paper", b"PREFLIGHT_ENV=live\n", r"^preflight: \.env\.paper: PREFLIGHT_ENV=live contradicts"),
    ],
    ids=lambda value: repr(value)[:40],
)
@pytest.mark.usefixtures("fake_checks")
def test_bad_files(name: str, content: bytes | None, told: str, prom: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A bad settings file is exit 2 and one sentence with file and key, or line."""
    path = Path(name)
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    assert main(["--env", "paper"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert re.search(told, err.strip())
    assert prom.read_text(encoding="utf-8") == OLD


# ---- what cannot be written: exit 5


@pytest.mark.usefixtures("fake_checks")
def test_textfile_directory_missing(prom: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without its textfile directory the run is UNRECORDED, names the path and makes no directory."""
    gone = prom.parent / "gone"
    assert main(["--env", "paper", "--metrics-output", str(gone)]) == 5
    assert f"cannot write the metrics file {gone}" in capsys.readouterr().out
    assert not gone.exists()


@pytest.mark.usefixtures("fake_checks", "prom")
def test_no_textfile_directory(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A run without any textfile directory is UNRECORDED and says which setting is missing."""
    monkeypatch.delenv("PREFLIGHT_TEXTFILE_DIR")
    assert main(["--env", "paper"]) == 5
    assert "because textfile_dir is not set" in capsys.readouterr().out


@pytest.mark.usefixtures("fake_checks", "prom")
def test_ledger_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A ledger that another program holds beyond the deadline is UNRECORDED and named."""
    monkeypatch.setenv("PREFLIGHT_LEDGER_TIMEOUT", "0.2")
    assert main(["--env", "paper"]) == 0
    ledger = tmp_path / "state" / "arbitrage-preflight" / "ledger.sqlite"
    with closing(sqlite3.connect(ledger, isolation_level=None)) as db:
        db.execute("BEGIN EXCLUSIVE")
        capsys.readouterr()
        assert main(["--env", "paper"]) == 5
    assert str(ledger) in capsys.readouterr().out


@pytest.mark.usefixtures("fake_checks")
def test_ledger_damaged(prom: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A damaged ledger is set aside as it is, counted, and a WARN: GO, but not under --strict."""
    ledger = tmp_path / "state" / "arbitrage-preflight" / "ledger.sqlite"
    for argv, code, resets in (([], 0, "1.0"), (["--strict"], 4, "2.0")):
        ledger.parent.mkdir(parents=True, exist_ok=True)
        ledger.write_bytes(b"this is no database, but it was once " * 100)
        assert main(["--env", "paper", *argv]) == code
        assert "the ledger was damaged and has been set aside as " in capsys.readouterr().out
        assert f'arbitrage_preflight_ledger_resets_total{{env="paper"}} {resets}' in prom.read_text(encoding="utf-8")
    aside = [path.read_bytes()[:20] for path in ledger.parent.glob("ledger.sqlite.damaged-*")]
    assert aside == [b"this is no database,"] * 2


@pytest.mark.usefixtures("fake_checks")
def test_report_cannot_be_written(
    prom: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A report that cannot be written at the end is exit 5; the success is taken back and no half file stays."""
    output = tmp_path / "out" / "report.json"
    output.parent.mkdir()
    output.write_text("the last one", encoding="utf-8")

    replace = os.replace

    def full(*names: Any, **folders: Any) -> None:
        if names[1] == output.name:
            raise OSError(28, "No space left on device")
        replace(*names, **folders)

    monkeypatch.setattr(os, "replace", full)
    assert main(["--env", "paper", "--output", str(output)]) == 5
    assert "--output: the report cannot be written: No space left on device" in capsys.readouterr().out
    assert 'arbitrage_preflight_last_success{env="paper"} 0.0' in prom.read_text(encoding="utf-8")
    assert [path.name for path in output.parent.iterdir()] == ["report.json"]
    assert output.read_text(encoding="utf-8") == "the last one"


@pytest.mark.usefixtures("fake_checks", "prom")
def test_report_through_a_link(tmp_path: Path) -> None:
    """A symbolic link stays one: the report goes where it points, whether or not something is there yet."""
    target, link = tmp_path / "reports" / "last.json", tmp_path / "link.json"
    target.parent.mkdir()
    link.symlink_to(target)
    for _ in range(2):
        assert main(["--env", "paper", "--output", str(link)]) == 0
        assert link.is_symlink()
        assert json.loads(target.read_text(encoding="utf-8"))["exit_code"] == 0


@pytest.mark.parametrize("kind", ["pipe", "socket", "loop"])
@pytest.mark.usefixtures("fake_checks")
def test_report_is_no_regular_file(kind: str, prom: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is no regular file is refused before anything runs, and stays what it is: `/dev/null` is one of these."""
    output = tmp_path / "special"
    with socket.socket(socket.AF_UNIX) as server:
        match kind:
            case "pipe":
                os.mkfifo(output)
            case "socket":
                server.bind(str(output))
            case "loop":
                output.symlink_to(output)
        mode = output.lstat().st_mode
        assert main(["--env", "paper", "--output", str(output)]) == 2
    assert re.match(rf"preflight: --output {output}: (is no regular file|cannot be reached)", capsys.readouterr().err)
    assert output.lstat().st_mode == mode
    assert prom.read_text(encoding="utf-8") == OLD


# ---- the process as a script sees it

PRELUDE = """
import ctypes, os, signal, sys
from types import SimpleNamespace
from preflight import cli, gate, registry
from preflight.config import sources
from preflight.model import Outcome, Status
from preflight.render import console, json, junit
from preflight.record import ledgerfile, textfile

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts background jobs with it ignored

def passes(ctx):
    return Outcome(status=Status.PASS, summary="fine")

def fake(**does):
    def make(id):
        return SimpleNamespace(id=id, proves="", requires=(), timeout=20.0, network=False, imports=(),
                               run=does.get(id, passes))
    checks = tuple(make(id) for id in ("environment", "secrets", "read_only_guard", "redis", "postgres", "storage"))
    registry.default_registry = lambda settings: registry.Registry(checks)
fake()
"""


def program(body: str) -> list[str]:
    return [sys.executable, "-c", PRELUDE + textwrap.dedent(body)]


def run_program(body: str, *argv: str, **given: Any) -> subprocess.CompletedProcess[str]:
    return program_server.run(PRELUDE + textwrap.dedent(body), "--env", "paper", *argv, **given)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("gate.Gate.run = lambda self: 1 / 0", "ZeroDivisionError at <string>:"),
        ("gate.Gate.run = lambda self: sys.exit(0)", "SystemExit at <string>:"),
        ("gate.Gate.run = lambda self: exec('raise KeyboardInterrupt')", "KeyboardInterrupt at <string>:"),
        ("gate.Gate.run = lambda self: os.kill(os.getpid(), signal.SIGTERM)", "Interrupted at streams.py:"),
        ("registry.default_registry = lambda settings: sys.exit(0)", "SystemExit at <string>:"),
        ("sources.load_with_sources = lambda *a, **k: exec('raise MemoryError')", "MemoryError at <string>:"),
        ("cli.main = lambda: exec('raise RuntimeError(\"hunter2\")')", "RuntimeError at <string>:"),
    ],
)
@pytest.mark.usefixtures("prom")
def test_crash_of_the_gate_is_3(body: str, told: str) -> None:
    """A bug anywhere in the gate ends with 3, one line and no traceback: neither Python's 1 nor a library's 0."""
    done = run_program(f"{body}\ncli.entry()")
    assert done.returncode == 3
    assert told in done.stderr
    assert "this is not a verdict" in done.stderr
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stderr  # an exception's text may hold a secret


def test_nothing_changes_the_code_at_the_end(prom: Path) -> None:
    """What a library registered for the end of the process is not run: the code stays."""
    done = run_program("import atexit\natexit.register(lambda: os._exit(0))\ncli.entry()", "--only", "redis")
    assert (done.returncode, prom.read_text(encoding="utf-8")) == (3, OLD)


def must_not_count_as_success(prom: Path, output: Path) -> None:
    """See that nothing calls the run a success: neither the `.prom`, nor the report, nor the alerts."""
    text = prom.read_text(encoding="utf-8")
    assert 'arbitrage_preflight_runs_total{env="paper"} 1.0' in text
    assert 'arbitrage_preflight_last_success{env="paper"} 0.0' in text
    assert 'arbitrage_preflight_alerts_total{env="paper",outcome="spooled",severity="P0"} 1.0' in text
    assert json.loads(output.read_text(encoding="utf-8"))["exit_code"] != 0


@pytest.mark.parametrize("form", ["console", "json", "junit"])
@pytest.mark.parametrize("closed", ["stdout", "stdout and stderr"])
def test_broken_pipe_is_not_go(closed: str, form: str, prom: Path, tmp_path: Path) -> None:
    """A run whose reader went away is not 0, and not NO_GO either; and nothing that was published says otherwise."""
    ours, theirs = socket.socketpair()
    output = tmp_path / "report.json"
    with ours, theirs:
        ours.close()
        done = run_program(
            "cli.entry()",
            *("--format", form, "--output", str(output)),
            stdout=theirs.fileno(),
            stderr=theirs.fileno() if "stderr" in closed else subprocess.DEVNULL,
        )
    assert done.returncode == 3
    must_not_count_as_success(prom, output)


@pytest.mark.parametrize("form", ["console", "json", "junit"])
def test_full_disk_is_not_go(form: str, prom: Path, tmp_path: Path) -> None:
    """A run whose output did not fit on the disk is 3, says so on stderr, and takes its success back."""
    output = tmp_path / "report.json"
    with Path("/dev/full").open("w") as full:
        done = run_program(
            *("cli.entry()", "--format", form, "--output", str(output)),
            stdout=full,
            stderr=subprocess.PIPE,
        )
    assert done.returncode == 3
    assert "preflight: UNVERIFIED: the gate itself broke: the run could not be shown: OSError: " in done.stderr
    must_not_count_as_success(prom, output)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
@pytest.mark.parametrize(
    ("place", "code"),
    [
        ("from preflight.record.ledger import Ledger as holder; method = 'record'", 5),
        ("from preflight.commands import run as holder; method = '_write_report'", 5),
        ("from preflight.render.console import PlainView as holder; method = 'close'", 3),
    ],
    ids=["record", "report", "show"],
)
def test_signal_after_the_checks(name: str, place: str, code: int, prom: Path, tmp_path: Path) -> None:
    """A gate that is told to stop when the run is on record already, or is being shown, takes the success back."""
    body = f"""
    {place}
    original = getattr(holder, method)
    def told_to_stop(*given, **more):
        setattr(holder, method, original)
        kept = original(*given, **more)
        os.kill(os.getpid(), signal.{name})
        return kept

    setattr(holder, method, told_to_stop)
    cli.entry()
    """
    output = tmp_path / "report.json"
    done = run_program(body, "--output", str(output))
    assert done.returncode == code
    must_not_count_as_success(prom, output)


@pytest.mark.parametrize(
    ("number", "told"), [(signal.SIGTERM, "Interrupted: SIGTERM"), (signal.SIGINT, "KeyboardInterr")]
)
def test_signal_in_the_middle(number: signal.Signals, told: str, prom: Path) -> None:
    """A gate that is told to stop records UNVERIFIED, says so, exits 3, and its hung check is gone with it."""
    body = """
    def hang(ctx):
        os.write(note, b"%d\\n" % os.getpid())
        ctypes.PyDLL(None).sleep(60)

    from preflight.system import fork
    note = os.dup(2)
    close = fork.close_all_but
    fork.close_all_but = lambda *kept: close(note, *kept)
    fake(redis=hang)
    cli.entry()
    """
    with subprocess.Popen(
        [*program(body), "--env", "paper"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as gate:
        assert gate.stderr is not None
        hung = int(gate.stderr.readline())
        gate.send_signal(number)
        out, _ = gate.communicate(timeout=20)
    assert gate.returncode == 3
    assert f"because the gate itself broke: {told}" in out
    assert "\nUNVERIFIED: " in out
    text = prom.read_text(encoding="utf-8")
    assert 'arbitrage_preflight_runs_total{env="paper"} 1.0' in text
    assert 'arbitrage_preflight_last_success{env="paper"} 0.0' in text
    assert not psutil.pid_exists(hung) or psutil.Process(hung).status() == psutil.STATUS_ZOMBIE


def test_killed_gate_leaves_no_yesterday(prom: Path) -> None:
    """`kill -9` in the middle of a run leaves a `.prom` that says a run began and that the bot is not ready."""
    body = """
    def kill_the_gate(ctx):
        os.kill(os.getppid(), signal.SIGKILL)

    fake(redis=kill_the_gate)
    cli.entry()
    """
    assert run_program(body).returncode == -signal.SIGKILL
    text = prom.read_text(encoding="utf-8")
    assert "arbitrage_preflight_last_start_timestamp_seconds{" in text
    assert 'arbitrage_preflight_ready_for_live{env="paper"} 0.0' in text
    assert 'arbitrage_preflight_runs_total{env="paper"} 0.0' in text


def test_old_prom_stays_where_it_may_not_be_written(tmp_path: Path) -> None:
    """For a user who may not write the textfile directory the run is UNRECORDED, and the old `.prom` is untouched."""
    directory = tmp_path / "textfile"
    directory.mkdir()
    prom = directory / "arbitrage_preflight_paper.prom"
    prom.write_text(OLD, encoding="utf-8")
    prom.chmod(0o644)
    directory.chmod(0o555)
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
    command = bound([*program("cli.entry()"), "--env", "paper", "--metrics-output", str(directory)])
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30, env=environ)
    assert (done.returncode, without_alerts(done.stderr)) == (5, "")
    assert f"cannot write the metrics file {prom}: Permission denied" in done.stdout
    assert prom.read_text(encoding="utf-8") == OLD


@pytest.mark.usefixtures("prom")
def test_secrets_are_never_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A password does not appear in any output or file, even where a check's own exception holds it."""
    monkeypatch.setenv("PREFLIGHT_REDIS__PASSWORD", CANARY)
    body = """
    def leak(ctx):
        raise RuntimeError("redis://:" + ctx.settings.redis.password.get_secret_value() + "@h")

    fake(redis=leak)
    cli.entry()
    """
    output = tmp_path / "report.json"
    done = run_program(body, "--output", str(output))
    assert done.returncode == 3
    assert "redis://:[secret]@h" in done.stdout
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert CANARY not in done.stdout + done.stderr
    assert CANARY.encode() not in written


HEAVY = (
    "pydantic",
    "pydantic_settings",
    "redis",
    "psycopg2",
    "prometheus_client",
    "rich",
    "requests",
    "sqlite3",
    "ccxt",
)


@pytest.mark.parametrize("argv", [["--help"], ["--version"], ["--nonsense"]])
def test_quick_answers_import_nothing_heavy(argv: Sequence[str]) -> None:
    """Help, version and a typing error answer without loading any library that takes time."""
    body = (
        "import sys\nfrom preflight.cli import main\n"
        f"main({list(argv)!r})\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", body], capture_output=True, text=True, check=True, timeout=30)
    assert done.stderr.splitlines()[-1] == "[]"


NOBODY = {f"PREFLIGHT_EXCHANGES__{name}__URL": "http://127.0.0.1:1" for name in ("UPBIT", "BINANCE")}


@pytest.mark.parametrize(("lang", "words"), [("en", "[a-z]{3}"), ("ko", "[가-힣]{2}")])
@pytest.mark.parametrize("env", ["live", "paper"])
def test_an_empty_machine_is_told_what_to_do(env: str, lang: str, words: str, tmp_path: Path) -> None:
    """`python -m preflight` with nothing configured is no GO, and each line that is not PASS has its next step."""
    variables = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONUTF8": "1", **NOBODY}
    done = program_server.run(program_server.PREFLIGHT, "--env", env, "--lang", lang, env=variables, timeout=60)
    assert (done.returncode, without_alerts(done.stderr)) == (1, "")
    lines = done.stdout.splitlines()
    bad = [n for n, line in enumerate(lines) if re.match(r"  (FAIL|ERROR|WARN|SKIP) ", line)]
    assert len(bad) >= 8
    hints = [lines[n + 1] for n in bad]
    assert [lines[n] for n, hint in zip(bad, hints, strict=True) if not re.search(f"-> .*{words}", hint)] == []
    assert ("make up" in done.stdout) == (env == "paper")  # a local stack never serves live


PEAK_MB = 90  # of the gate and its largest check together; ccxt alone would take 75 more

MEASURED = """
import pathlib, re, resource, sys
from preflight import cli
cli.main(["--env", "paper"])
# Not ru_maxrss, which begins with what the process that started this one had.
own = int(re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1])
print((own + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024, file=sys.stderr)
"""


def test_memory_of_a_run_without_exchanges(prom: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that asks Redis, Postgres and Telegram but no exchange is small: it lives beside a bot."""
    for name in ("UPBIT", "BINANCE"):
        monkeypatch.setenv(f"PREFLIGHT_EXCHANGES__{name}__ENABLED", "false")
    for name in ("REDIS", "POSTGRES"):
        monkeypatch.setenv(f"PREFLIGHT_{name}__HOST", "127.0.0.1")
        monkeypatch.setenv(f"PREFLIGHT_{name}__PORT", "1")
    for name, value in (("USER", "bot"), ("DATABASE", "bot")):
        monkeypatch.setenv(f"PREFLIGHT_POSTGRES__{name}", value)
    done = subprocess.run([sys.executable, "-c", MEASURED], capture_output=True, text=True, check=True, timeout=60)
    assert "Redis at 127.0.0.1:1 refuses connections" in done.stdout  # it did ask
    assert float(done.stderr.splitlines()[-1]) < PEAK_MB
    assert prom.read_text(encoding="utf-8") != OLD


def test_module_is_the_command(prom: Path) -> None:
    """`python -m preflight` with the real checks and nothing to ask is NO_GO, and every line says what to do."""
    command = [sys.executable, "-m", "preflight", "--env", "paper"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert (done.returncode, without_alerts(done.stderr)) == (1, "")
    lines = done.stdout.splitlines()
    bad = [n for n, line in enumerate(lines) if re.match(r"  (FAIL|ERROR|WARN) ", line)]
    assert len(bad) >= 3
    assert all("-> " in lines[n + 1] for n in bad)
    assert 'arbitrage_preflight_last_success{env="paper"} 0.0' in prom.read_text(encoding="utf-8")


@pytest.mark.parametrize("argv", [["config", "--keys"], ["list"], ["config", "--env", "test"]])
def test_a_page_whose_reader_has_gone_ends_quietly(argv: list[str], tmp_path: Path) -> None:
    """`preflight config | head` says nothing on stderr, and ends as a shell shows a program whose pipe broke."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-c", "from preflight.cli import entry; entry()", *argv],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "HOME": str(tmp_path)},
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")
