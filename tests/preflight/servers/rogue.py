"""Servers of somebody else on the ports of Redis and Postgres: they let everybody in and write down what they hear."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

HOST = "127.0.0.1"
STRANGER = 1  # `daemon`: neither root, nor a Redis, nor whoever runs the tests

Serve = Callable[[socket.socket, Callable[[bytes], None]], None]


@dataclass(slots=True)
class Rogue:
    """A rogue that serves."""

    port: int
    record: Path

    @property
    def heard(self) -> bytes:
        """Everything that it was sent."""
        return self.record.read_bytes()


def redis(client: socket.socket, note: Callable[[bytes], None]) -> None:
    """Be a Redis that asks for a password, takes any, reads back what was written, and knows of no kill switch."""
    kept: dict[bytes, bytes] = {}
    known = False
    while data := client.recv(65536):
        note(data)
        words = data.split(b"\r\n")
        commands = [words[i + 2 :: 2] for i, word in enumerate(words) if word.startswith(b"*")]
        for given in commands:
            known = known or given[0].upper() == b"AUTH"
            client.sendall(_redis_answer(given, kept) if known else b"-NOAUTH Authentication required.\r\n")


def _redis_answer(words: list[bytes], kept: dict[bytes, bytes]) -> bytes:
    match words[0].upper():
        case b"PING":
            return b"+PONG\r\n"
        case b"SET":
            kept[words[1]] = words[2]
        case b"GET":
            value = kept.get(words[1])
            return b"$-1\r\n" if value is None else b"$%d\r\n%s\r\n" % (len(value), value)
        case b"DEL":
            return b":1\r\n"
        case b"INFO":
            return b"$22\r\nredis_version:7.2.4\r\n\r\n"
        case b"ROLE":
            return b"*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n"
    return b"+OK\r\n"


def postgres(asks: int) -> Serve:
    """Give a Postgres that asks for a login of that kind (0 none, 3 cleartext, 5 MD5) and is content with any."""

    def serve(client: socket.socket, note: Callable[[bytes], None]) -> None:
        while (head := client.recv(8)) and struct.unpack("!ii", head)[1] in {80877103, 80877104}:
            client.sendall(b"N")
        note(head + client.recv(65536))
        salt = b"salt" if asks == 5 else b""
        client.sendall(b"R" + struct.pack("!ii", 8 + len(salt), asks) + salt)
        if asks:
            note(client.recv(65536))
            client.sendall(b"R" + struct.pack("!ii", 8, 0))
        client.sendall(b"Z" + struct.pack("!i", 5) + b"I")
        while data := client.recv(65536):
            note(data)
            client.sendall(_ONE_ROW)

    return serve


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


_ONE_ROW = (
    _message(b"T", struct.pack("!h", 1) + b"one\0" + struct.pack("!ihihih", 0, 0, 23, 4, -1, 0))
    + _message(b"D", struct.pack("!hi", 1, 1) + b"1")
    + _message(b"C", b"SELECT 1\0")
    + _message(b"Z", b"I")
)


@contextlib.contextmanager
def thread(serve: Serve, record: Path, host: str = HOST) -> Iterator[Rogue]:
    """Serve in a thread, as whoever runs the tests."""
    record.touch()
    with socket.create_server((host, 0)) as listener:
        listener.settimeout(0.05)
        over = threading.Event()
        worker = threading.Thread(target=_accept, args=(listener, serve, record, over))
        worker.start()
        try:
            yield Rogue(port=listener.getsockname()[1], record=record)
        finally:
            over.set()
            worker.join()


@contextlib.contextmanager
def stranger(serve: Serve, record: Path) -> Iterator[Rogue]:
    """Serve in a process of another local user; takes root."""
    record.touch()
    record.chmod(0o666)
    told, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            descriptor = os.open(record, os.O_WRONLY | os.O_APPEND)
            os.setgroups([])
            os.setgid(STRANGER)
            os.setuid(STRANGER)
            with socket.create_server((HOST, 0)) as listener:
                os.write(tell, f"{listener.getsockname()[1]}\n".encode())
                while True:
                    client, _ = listener.accept()
                    threading.Thread(target=_serve, args=(client, serve, partial(_write, descriptor))).start()
        finally:
            os._exit(0)
    os.close(tell)
    try:
        with os.fdopen(told) as lines:
            yield Rogue(port=int(lines.readline()), record=record)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _write(descriptor: int, data: bytes) -> None:
    os.write(descriptor, data)


def _accept(listener: socket.socket, serve: Serve, record: Path, over: threading.Event) -> None:
    while not over.is_set():
        with contextlib.suppress(TimeoutError):
            client, _ = listener.accept()
            threading.Thread(target=_serve, args=(client, serve, partial(_append, record)), daemon=True).start()


def _serve(client: socket.socket, serve: Serve, note: Callable[[bytes], None]) -> None:
    client.settimeout(5)
    with client, contextlib.suppress(OSError):
        serve(client, note)


def _append(record: Path, data: bytes) -> None:
    with record.open("ab") as file:
        file.write(data)
