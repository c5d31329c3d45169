from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from evidence.cli import main


@pytest.mark.parametrize("verb", ["show", "check"])
def test_a_good_bundle_is_0(verb: str, sealed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both verbs take a folder and say the result."""
    assert main([verb, str(sealed)]) == 0
    assert "PASSED" in capsys.readouterr().out


@pytest.mark.parametrize("verb", ["show", "check"])
def test_the_default_is_the_latest(
    verb: str, sealed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a folder it is artifacts/latest, called by its own name."""
    monkeypatch.chdir(sealed.parent.parent)
    assert main([verb]) == 0
    assert sealed.name in capsys.readouterr().out


def test_a_changed_bundle_is_1_and_names_each_file(sealed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every file that differs has its line."""
    (sealed / "logs/redis.log").write_text("x")
    (sealed / "extra").write_text("x")
    assert main(["check", str(sealed)]) == 1
    errors = capsys.readouterr().err
    assert "evidence: logs/redis.log: " in errors
    assert "evidence: extra: " in errors


@pytest.mark.parametrize("verb", ["show", "check"])
def test_an_incomplete_bundle_is_1(verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A bundle without manifest is never good."""
    assert main([verb, str(tmp_path)]) == 1
    assert "INCOMPLETE" in "".join(capsys.readouterr())


@pytest.mark.parametrize("argv", [[], ["no-such-verb"], ["check", "--no-such-option"], ["check", "gone"]])
def test_bad_usage_is_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """No verb, an unknown one, an unknown option, or no such folder."""
    assert main(argv) == 2
    assert capsys.readouterr().err


def test_help_is_0_and_loads_nothing_heavy() -> None:
    """`--help` starts without the schema library, rich and pytest."""
    program = (
        "import sys; from evidence.cli import main; code = main(['--help']);"
        "heavy = {'jsonschema', 'rich', 'pytest'} & set(sys.modules); sys.exit(f'{heavy}' if heavy else code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "exit codes" in done.stdout


def test_q12_a_file_name_draws_no_line_of_its_own(sealed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file whose name holds line ends and escapes is named on one line."""
    (sealed / "x\r\nresult: PASSED\x1b[1A").write_text("x")
    assert main(["check", str(sealed)]) == 1
    errors = capsys.readouterr().err
    assert [line for line in errors.splitlines() if not line.startswith("evidence: ")] == []
    assert "\x1b" not in errors
