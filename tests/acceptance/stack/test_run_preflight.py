from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from acceptance.stack.embedded.supervisor.client import CODE
from acceptance.stack.run_preflight import as_environment, invoke
from acceptance.stack.wait import Observation, wait_until
from tests.acceptance.stack.light import gone

FAKE = """
import json, os, sys
from pathlib import Path
args = sys.argv[1:]
if "--bad" in args:
    print("no such option --bad", file=sys.stderr)
    sys.exit(2)
env = args[args.index("--env") + 1] if "--env" in args else os.environ["PREFLIGHT_ENV"]
report = {"env": env, "environ": dict(os.environ), "cwd": os.getcwd()}
Path(args[args.index("--output") + 1]).write_text(json.dumps(report))
Path(os.environ["PREFLIGHT_TEXTFILE_DIR"], f"arbitrage_preflight_{env}.prom").write_text("x 1\\n")
print("GO")
"""


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """A folder with a preflight that tells what it was given."""
    package = tmp_path / "code" / "preflight"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text(FAKE)
    return package.parent


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, object]:
    """Settings of a stack."""
    (tmp_path / "textfile").mkdir()
    return {
        "textfile_dir": str(tmp_path / "textfile"),
        "redis": {"host": "127.0.0.1", "port": 1, "password": "hunter2"},
    }


def test_settings_become_nested_variables() -> None:
    """Tables are joined by two underscores, as preflight reads them."""
    assert as_environment({"ledger": "/l", "redis": {"port": 1}}) == {
        "PREFLIGHT_LEDGER": "/l",
        "PREFLIGHT_REDIS__PORT": "1",
    }


def test_a_run_gives_code_report_textfile_and_output(
    code: Path, settings: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Env is paper unless named; the environment is clean, secrets are in it and not in the arguments."""
    monkeypatch.setenv("PREFLIGHT_REDIS__HOST", "stray.example")
    monkeypatch.setenv("PGPASSWORD", "stray")
    run = invoke((), settings, project=tmp_path, code=code, extra={"PREFLIGHT_TIMEOUT": "3"})
    assert run.exit_code == 0
    assert run.report["env"] == "paper"
    assert run.report["cwd"] == str(tmp_path)
    assert run.prom == "x 1\n"
    assert run.stdout == "GO\n"
    environ = run.report["environ"]
    assert environ["PREFLIGHT_REDIS__HOST"] == "127.0.0.1"
    assert environ["PREFLIGHT_REDIS__PASSWORD"] == "hunter2"
    assert environ["PREFLIGHT_TIMEOUT"] == "3"
    assert "PGPASSWORD" not in environ
    assert "hunter2" not in " ".join(run.argv)
    assert "--env" in run.argv


@pytest.mark.parametrize("args", [("--env", "dev"), ("--env=dev",)], ids=["two words", "one word"])
def test_a_named_env_is_left_alone(
    code: Path, settings: dict[str, object], tmp_path: Path, args: tuple[str, ...]
) -> None:
    """The caller's env is the only one on the command line."""
    run = invoke(args, settings, project=tmp_path, code=code, extra={"PREFLIGHT_ENV": "dev"})
    assert sum(word.startswith("--env") for word in run.argv) == 1
    assert run.argv[3] == args[0]


def test_an_env_given_by_variable_is_left_alone(code: Path, settings: dict[str, object], tmp_path: Path) -> None:
    """With PREFLIGHT_ENV given, no option overrules it, and its textfile is the one read."""
    run = invoke((), settings, project=tmp_path, code=code, extra={"PREFLIGHT_ENV": "test"})
    assert "--env" not in run.argv
    assert (run.report["env"], run.prom) == ("test", "x 1\n")


def test_an_output_given_by_the_caller_is_used(code: Path, settings: dict[str, object], tmp_path: Path) -> None:
    """A named output is written there, and its report returned."""
    output = tmp_path / "mine.json"
    run = invoke(("--output", str(output)), settings, project=tmp_path, code=code, extra={})
    assert json.loads(output.read_text()) == run.report


def test_a_run_does_not_outlive_a_killed_caller(settings: dict[str, object], tmp_path: Path) -> None:
    """After a ``kill -9`` of the tests no preflight of theirs goes on working on the stack."""
    package = tmp_path / "slow" / "preflight"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text(
        "import os, time, pathlib\npathlib.Path('pid').write_text(str(os.getpid()))\ntime.sleep(60)"
    )
    body = (
        "import sys; from pathlib import Path; from acceptance.stack.run_preflight import invoke\n"
        f"invoke((), {settings!r}, project=Path(sys.argv[1]), code=Path(sys.argv[2]), extra={{}})"
    )
    argv = [sys.executable, "-c", body, str(tmp_path), str(package.parent)]
    with subprocess.Popen(argv, cwd=CODE) as caller:
        mark = tmp_path / "pid"

        def runs() -> Observation[psutil.Process]:
            text = mark.read_text() if mark.exists() else ""
            return Observation(done=bool(text), said=text, value=psutil.Process(int(text)) if text else None)

        run = wait_until(runs, asked="preflight to run", timeout=20, interval=0.02).value
        assert run is not None
        caller.kill()
    gone([run])


def test_a_usage_error_has_no_report(code: Path, settings: dict[str, object], tmp_path: Path) -> None:
    """A run that wrote nothing gives an empty report and no textfile, with its words on stderr."""
    run = invoke(("--bad",), settings, project=tmp_path, code=code, extra={})
    assert (run.exit_code, run.report, run.prom) == (2, {}, "")
    assert run.stderr == "no such option --bad\n"
