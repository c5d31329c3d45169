from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from acceptance.stack.processes import CommandError, StoppedError, ask, run

ENV = {"PATH": "/usr/bin:/bin"}


def shell(tmp_path: Path, text: str, stop: threading.Event | None = None) -> str:
    """Run a shell script as a build would."""
    log = tmp_path / "log"
    return run(["sh", "-c", text], cwd=tmp_path, env=ENV, log=log, stop=stop or threading.Event())


def test_output_and_log(tmp_path: Path) -> None:
    """A command's output is returned, and the log holds every command and its output in order."""
    assert shell(tmp_path, "echo one; echo two >&2") == "one\ntwo\n"
    assert shell(tmp_path, "echo three") == "three\n"
    text = (tmp_path / "log").read_text()
    assert text.index("one") < text.index("two") < text.index("$ sh -c echo three")


@pytest.mark.parametrize(("line", "full"), [("write x: No space left on device", True), ("syntax error", False)])
def test_failure(tmp_path: Path, line: str, *, full: bool) -> None:
    """A failing command raises with its code and output, and a full disk is told apart."""
    with pytest.raises(CommandError, match="sh ended with 3") as caught:
        shell(tmp_path, f"echo '{line}'; exit 3")
    assert caught.value.disk_full is full
    assert line in caught.value.output


def test_killed_command_is_a_failure(tmp_path: Path) -> None:
    """A command that a signal ended is a failure, with the shell's code for it."""
    with pytest.raises(CommandError, match="ended with 137"):
        shell(tmp_path, "kill -9 $$")


def test_stop(tmp_path: Path) -> None:
    """Setting `stop` ends a running command at once."""
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    begin = time.monotonic()
    with pytest.raises(StoppedError):
        shell(tmp_path, "sleep 60", stop)
    assert time.monotonic() - begin < 20


def test_ask_both_streams() -> None:
    """A question's answer is taken from either stream."""
    assert ask(["sh", "-c", "echo a; echo b >&2"]) == "a\nb\n"


@pytest.mark.parametrize(
    "argv", [["sh", "-c", "exit 1"], ["/does/not/exist"], ["/etc/passwd"]], ids=["fails", "absent", "no program"]
)
def test_no_answer(argv: list[str]) -> None:
    """A program that fails or cannot be run gives no answer."""
    assert ask(argv) is None


def test_hanging_program_is_given_up() -> None:
    """A program that hangs, and whose child holds its output open, is given up in time."""
    begin = time.monotonic()
    assert ask(["sh", "-c", "sleep 60 & sleep 60"], seconds=0.3) is None
    assert time.monotonic() - begin < 10
