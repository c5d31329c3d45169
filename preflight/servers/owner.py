"""Who owns the other end of a connection on this machine, as the kernel knows it.

A program of another local user can listen on the port of a server that is down, and say whatever it likes. It cannot
choose the user id that the kernel shows for its end of the connection. This is asked before a byte is sent.
"""

from __future__ import annotations

import os
import pwd
import socket
import struct
import sys
import time
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import NamedTuple

from preflight.message import Message, message

_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
_PAUSE = 0.002  # seconds between two looks at a connection that has not been taken yet
_ROOT = 0
_ESTABLISHED = "01"

Address = tuple[str, int]  # numeric address, port


class StrangerError(Exception):
    """The other end is not, or cannot be seen to be, of a user that is trusted; the text says who it is."""


class NotTakenError(Exception):
    """Nobody took the connection in time."""


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine by its loopback address; a name other than `localhost` never is."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def must_be_of(
    connection: socket.socket,
    accounts: Sequence[str],
    seconds: float,
    *,
    tables: Sequence[str] = _TABLES,
    wait: Callable[[float], None] = time.sleep,
) -> None:
    """Return if the other end is root's, this process's own user's, or of one of the accounts.

    Args:
        connection: A connected socket: of Unix, or of TCP over loopback.
        accounts: Names of accounts; those that this machine does not have are left out.
        seconds: How long to wait for the other end to take the connection.
        tables: Where the kernel lists TCP connections.
        wait: What waits.

    Raises:
        StrangerError: It is somebody else's, or nobody can say whose.
        NotTakenError: The other end did not take it in time.
        ConnectionResetError: It hung up.
    """
    uid = (
        _uid_of_unix(connection)
        if connection.family == socket.AF_UNIX
        else _uid_of_tcp(connection, seconds, tables, wait)
    )
    # Ids that this name space does not know are all shown as one, that of `nobody`: it is nobody's own.
    if uid != _unknown_uid() and uid in {_ROOT, os.geteuid()}:
        return
    if uid not in {_uid_of(account) for account in accounts}:
        raise StrangerError(message("it runs as {user}", user=_name_of(uid)))


def _uid_of_unix(connection: socket.socket) -> int:
    """Return the user who called `listen`."""
    _, uid, _ = struct.unpack("iII", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return int(uid)


def _uid_of_tcp(connection: socket.socket, seconds: float, tables: Sequence[str], wait: Callable[[float], None]) -> int:
    """Return the user whose process took the connection: until then the kernel shows no inode, and perhaps root."""
    peer, own = connection.getpeername()[:2], connection.getsockname()[:2]
    if not is_loopback(peer[0]):
        raise StrangerError(
            message("it is reached at {address}, which is not loopback, and without TLS", address=peer[0])
        )
    deadline = time.monotonic() + seconds
    while True:
        found = _row(peer, own, tables)
        if found is not None and found.inode:
            return found.uid
        ours = _row(own, peer, tables)
        if ours is not None and ours.state != _ESTABLISHED:
            raise ConnectionResetError("it hung up at once")
        if found is None:
            raise StrangerError(message("its end of the connection is in another network name space"))
        if time.monotonic() > deadline:
            raise NotTakenError
        wait(_PAUSE)


class _Row(NamedTuple):
    """One end of a connection, as the kernel shows it."""

    state: str
    uid: int
    inode: int  # 0 until a process has taken it, and once it was closed


def _row(local: Address, remote: Address, tables: Sequence[str]) -> _Row | None:
    """Return the end of a connection that has these addresses; None where there is none."""
    wanted = {(_written(each(local)), _written(each(remote))) for each in (lambda a: a, _mapped)}
    for table in tables:
        try:
            text = Path(table).read_text(encoding="ascii")
        except FileNotFoundError:  # as where there is no IPv6
            continue
        except OSError as e:
            raise StrangerError(message("{path}: cannot be read: {strerror}", path=table, strerror=e.strerror)) from e
        for line in text.splitlines()[1:]:
            words = line.split()
            if (words[1], words[2]) in wanted:
                return _Row(state=words[3], uid=int(words[7]), inode=int(words[9]))
    return None


def _mapped(address: Address) -> Address:
    """Write an IPv4 address as a socket of both families shows it."""
    host = ip_address(address[0])
    return (f"::ffff:{host}", address[1]) if isinstance(host, IPv4Address) else address


def _written(address: Address) -> str:
    """Write an address as the kernel's table does: words of 32 bits in the machine's own order."""
    host: IPv4Address | IPv6Address = ip_address(address[0])
    words = (host.packed[i : i + 4] for i in range(0, len(host.packed), 4))
    return "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words) + f":{address[1]:04X}"


def _unknown_uid() -> int:
    try:
        return int(Path("/proc/sys/kernel/overflowuid").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 65534


def _uid_of(account: str) -> int | None:
    try:
        return pwd.getpwnam(account).pw_uid
    except KeyError:
        return None


def _name_of(uid: int) -> Message:
    try:
        return message("user {name}", name=pwd.getpwuid(uid).pw_name)
    except KeyError:
        return message("user id {uid}", uid=uid)
