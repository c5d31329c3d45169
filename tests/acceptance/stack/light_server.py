"""A server that starts in milliseconds, for the supervisor's tests: ``light_server.py PORT BEHAVIOUR``."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from pathlib import Path


def say(line: str) -> None:
    """Write to the log at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def serve(port: int) -> None:
    """Answer every connection with 200 and the number of times this server was started."""
    starts = Path("starts")
    count = int(starts.read_text()) + 1 if starts.exists() else 1
    starts.write_text(str(count))
    body = f"starts={count}".encode()
    with socket.create_server(("127.0.0.1", port)) as listener:
        say("listening")
        while True:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
                connection.sendall(head.encode() + body)


def main() -> int:
    """Behave as asked."""
    port, behaviour = int(sys.argv[1]), sys.argv[2]
    if behaviour == "die":
        say("cannot open the data file")
        return 3
    if behaviour == "stumble" and not Path("stumbled").exists():  # as a server that is well at the second start
        Path("stumbled").touch()
        say("the data file is locked")
        return 3
    if behaviour == "silent":
        say("thinking")
        threading.Event().wait()
    if behaviour == "stubborn":  # ignores TERM
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if os.fork() == 0:  # and has a child that no signal to the group reaches and no variable betrays
            os.setsid()
            os.execve(sys.executable, [sys.executable, "-I", "-S", "-c", "import signal; signal.pause()"], {})  # noqa: S606 - a fixed program
    serve(port)
    return 0


if __name__ == "__main__":
    sys.exit(main())
