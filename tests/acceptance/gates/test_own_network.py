"""A program in a network of its own meets itself and nobody else."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from acceptance.gates import own_network

PROGRAM = """
import socket, sys
with socket.create_server(("127.0.0.1", 0)) as here, socket.create_connection(here.getsockname(), timeout=5):
    print("itself")
print(len(open("/proc/net/route").readlines()) - 1)  # below the heading
print(socket.socket().connect_ex(("127.0.0.1", int(sys.argv[1]))) != 0)
"""


def test_it_has_itself_and_nothing_else() -> None:
    """Its servers answer it; of the machine's networks and servers it sees none. Or it does not begin, and says why."""
    with socket.create_server(("127.0.0.1", 0)) as outside:
        done = subprocess.run(
            (*own_network.WRAPPER, sys.executable, "-c", PROGRAM, str(outside.getsockname()[1])),
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
    if own_network.possible():
        assert (done.returncode, done.stdout.split()) == (0, ["itself", "0", "True"]), done.stderr
    else:
        assert (done.returncode, done.stdout) == (own_network.REFUSED, "")
        assert "in a network of its own" in done.stderr


def test_who_may_not_have_one_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """One sentence, a code of its own, and the program is not begun in the machine's network instead."""
    monkeypatch.setattr(own_network, "_NEWNET", 1)  # no namespace has this number
    assert own_network.main(["false"]) == own_network.REFUSED
    assert capsys.readouterr().err == "own_network: false in a network of its own: [Errno 22] Invalid argument\n"


def test_a_program_that_is_not_there_is_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """The code says that nothing ran."""
    monkeypatch.setattr(own_network, "enter", lambda: None)
    assert own_network.main(["/no/such/program"]) == own_network.REFUSED
