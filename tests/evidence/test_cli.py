from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner

from evidence.attest import keys
from evidence.bundle import Bundle, layout
from evidence.cli import main
from tests.evidence.genuine import CORE, E2E, SHA, Genuine

HERE = Path(__file__).parents[2]


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    """A key pair's private half, made by the verb."""
    assert main(["keygen", str(tmp_path / "key")]) == 0
    return tmp_path / "key"


@pytest.mark.parametrize("verb", ["show", "check"])
def test_a_good_bundle_is_0(verb: str, sealed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both verbs take a folder, or an archive of it, and say result and signature."""
    file = shutil.make_archive(str(sealed), "gztar", sealed.parent, sealed.name)
    for path in (str(sealed), file):
        assert main([verb, path]) == 0
        out = capsys.readouterr().out
        assert "PASSED (all gates)" in out
        assert "SIGNED (key " in out
        assert "compose: Grafana 12.4.4 (official image); embedded: stand-in" in out


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
    (sealed / "fast_gate.log").write_text("x")
    (sealed / "extra").write_text("x")
    assert main(["check", str(sealed)]) == 1
    errors = capsys.readouterr().err
    assert "evidence: invalid: fast_gate.log: size is 1, the manifest says " in errors
    assert "evidence: invalid: extra: " in errors


def test_an_honest_failure_checks_and_does_not_verify(tmp_path: Path) -> None:
    """`check` asks whether it is as it was sealed, `verify` whether it may be relied on."""
    path = Genuine(outcomes={CORE[0]: "failed"}).seal(tmp_path).path
    assert main(["check", str(path)]) == 0
    assert main(["verify", str(path), "--max-age", "any"]) == 3


@pytest.mark.parametrize("verb", ["show", "check"])
def test_an_incomplete_bundle_is_1(verb: str, opened: Bundle, capsys: pytest.CaptureFixture[str]) -> None:
    """A bundle that was never sealed is never good."""
    assert main([verb, str(opened.path)]) == 1
    assert "INCOMPLETE" in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    "argv",
    [
        [], ["no-such-verb"], ["check", "--no-such-option"], ["check", "gone"], ["verify", "gone"], ["seal", "gone"],
        ["verify", "--max-age", "soon"], ["verify", "--max-age", "-1h"], ["keygen"], ["show", "gone"],
        ["verify", ".", "--key", "no-such.pub"],
    ],
)  # fmt: skip
def test_bad_usage_is_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """No verb, an unknown one, an unknown option, a wrong value, no such bundle, no such key."""
    assert main(argv) == 2
    assert capsys.readouterr().err


def test_help_is_0_and_loads_nothing_heavy() -> None:
    """`--help` starts without the libraries for schemas, signatures, tables and tests."""
    program = (
        "import sys; from evidence.cli import main; code = main(['verify', '--help']);"
        "heavy = {'jsonschema', 'rich', 'pytest', 'securesystemslib', 'cryptography'} & set(sys.modules);"
        "sys.exit(f'{heavy}' if heavy else code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60, cwd=HERE
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "exit codes" in done.stdout


def test_q12_a_file_name_draws_no_line_of_its_own(sealed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file whose name holds line ends and escapes is named on one line."""
    (sealed / "x\r\nresult: PASSED\x1b[1A").write_text("x")
    assert main(["check", str(sealed)]) == 1
    errors = capsys.readouterr().err
    assert [line for line in errors.splitlines() if not line.startswith("evidence: ")] == []
    assert "\x1b" not in errors


def test_escapes_inside_evidence_reach_no_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A record that holds terminal escapes shows them as nothing, by every verb."""
    path = Genuine().seal(tmp_path).path
    document = json.loads((path / layout.MANIFEST).read_text())
    document["reasons"] = ["\x1b[2J\x1b]0;PASSED\x07\u202e"]
    document["git"]["branch"] = "main\x1b[1A\r\n"
    (path / layout.MANIFEST).write_text(json.dumps({**document, "result": "FAILED"}))
    for verb in ("show", "check", "verify"):
        main([verb, str(path)])
    said = "".join(capsys.readouterr())
    assert not {"\x1b", "\x07", "\r", "\u202e"} & set(said)


def test_the_exit_codes_of_verify(
    tmp_path: Path, signer: CryptoSigner, pair: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Relied on 0, invalid 1, unsigned 3, stale 4, not passing 5; each says which, on lines of its own."""
    monkeypatch.setenv(keys.KEY_FILE_VARIABLE, str(pair))
    good = Genuine(own_claims=True).write(tmp_path / "good")
    assert main(["seal", str(good)]) == 0
    assert "signature: SIGNED (key " in capsys.readouterr().out
    partial = Genuine(gates=("e2e-embedded",), own_claims=True).write(tmp_path / "partial")
    assert main(["seal", str(partial)]) == 5
    assert "evidence PARTIAL (e2e only); e2e only: fast, core, e2e-compose did not run" in capsys.readouterr().out
    old = Genuine().seal(tmp_path / "old", keys.configured()).path
    unsigned = Genuine().seal(tmp_path / "unsigned").path
    stranger = Genuine().seal(tmp_path / "stranger", signer).path
    public = f"{pair}.pub"
    mine = tmp_path / "expected.txt"
    mine.write_text("\n".join((*CORE, *E2E)))
    for argv, code, sentence in (
        ([str(good), "--key", public, "--commit", SHA], 0, "verified"),
        ([str(old), "--key", public, "--max-age", "any", "--expect-tests", str(mine)], 0, "verified"),
        ([str(good)], 3, "unsigned: statement.dsse.json: was not checked"),
        ([str(good), "--key", public, "--commit", "f" * 40], 1, "is about the commit"),
        ([str(stranger), "--key", public, "--max-age", "any"], 1, "is not signed by the key"),
        ([str(unsigned), "--key", public, "--max-age", "any"], 3, "the bundle is UNSIGNED"),
        ([str(old), "--key", public], 4, "stale: the bundle was sealed at 2026-01-02T03:12:25.250Z"),
        ([str(old), "--key", public, "--max-age", "any"], 0, "verified"),
        ([str(partial), "--key", public], 5, "not passing: the result is PARTIAL"),
    ):
        assert (main(["verify", *argv]), argv) == (code, argv)
        assert sentence in "".join(capsys.readouterr())


def test_a_wrong_key_is_an_error_and_never_unsigned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who configured a key wanted a signature: nothing is sealed, and the key is not quoted."""
    path = Genuine().write(tmp_path)
    monkeypatch.setenv(keys.KEY_VARIABLE, "hunter22")
    assert main(["seal", str(path)]) == 2
    said = "".join(capsys.readouterr())
    assert keys.KEY_VARIABLE in said
    assert "hunter22" not in said
    assert not (path / layout.MANIFEST).exists()


def test_open_prints_the_path_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A script takes what is printed as EVIDENCE_BUNDLE; the command that it names is written down."""
    monkeypatch.chdir(tmp_path)
    assert main(["open", "--root", "artifacts", "make", "test"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads((Path(line) / layout.RUN).read_text())["command"] == ["make", "test"]
    assert (tmp_path / "artifacts/latest").resolve() == Path(line)
    assert main(["seal", line]) == 5  # nothing ran


def test_a_pipe_in_the_folder_does_not_hang(sealed: Path) -> None:
    """Neither verb waits for somebody to write into it."""
    os.mkfifo(sealed / "fast_gate.pipe")
    for verb in ("check", "show"):
        done = subprocess.run(
            [sys.executable, "-m", "evidence", verb, str(sealed)],
            capture_output=True,
            check=False,
            timeout=60,
            cwd=HERE,
        )
        assert done.returncode == (1 if verb == "check" else 0)


def test_a_reader_that_has_gone_is_no_traceback(tmp_path: Path) -> None:
    """`evidence show | head` says nothing on stderr, and does not end with 0."""
    bundle = Genuine().seal(tmp_path).path
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "evidence", "show", str(bundle)], stdout=writing, stderr=subprocess.PIPE, check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (-signal.SIGPIPE, b"")
