"""Free ports on 127.0.0.1 that stay ours until they are given back.

Binding port 0, reading the number and closing again is a race: by the time the server starts, another stack
or any outgoing connection may have the number. So ports come from below the range that the kernel hands to
outgoing connections, and each is also reserved machine-wide by a socket with an abstract name, which exists
in the same network namespace as the port and vanishes with the process that holds it: no file, no clean-up.
"""

from __future__ import annotations

import random
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from acceptance.stack.interface import StackError

HOST = "127.0.0.1"
_LOWEST = 15_000
_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
_DEFAULT_EPHEMERAL_START = 32_768


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of 127.0.0.1 now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a connection that is only winding down does not make the port taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen(1)
        except PermissionError:  # below 1024: not this user's to bind, though maybe Docker's for him
            return not _is_answered(port)
        except OSError:
            return False
    return True


def _is_answered(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as caller:
        return caller.connect_ex((HOST, port)) == 0


def _reserve(port: int) -> socket.socket | None:
    """Hold the machine-wide name of a port; None when another stack holds it."""
    holder = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        holder.bind(f"\0arbitrage-stack-port-{port}")
    except OSError:
        holder.close()
        return None
    return holder


def _candidates() -> list[int]:
    try:
        top = int(_EPHEMERAL.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        top = _DEFAULT_EPHEMERAL_START
    if top <= _LOWEST + 1_000:  # the machine gives nearly everything to outgoing connections
        top = 65_000
    ports = list(range(_LOWEST, top))
    random.shuffle(ports)
    return ports


class Ports:
    """One port per service, reserved until ``release``.

    Use ``Ports.free(names)`` for any free ones and ``Ports.fixed({name: port})`` for chosen ones.
    """

    def __init__(self, numbers: Mapping[str, int], holders: Sequence[socket.socket]) -> None:
        self._numbers = dict(numbers)
        self._holders = list(holders)

    @classmethod
    def free(cls, names: Sequence[str]) -> Ports:
        """Reserve a free port for each name.

        Raises:
            StackError: The machine has not enough free ports.
        """
        numbers: dict[str, int] = {}
        holders: list[socket.socket] = []
        wanted = list(names)
        for port in _candidates():
            if len(numbers) == len(wanted):
                break
            holder = _reserve(port)
            if holder is None:
                continue
            if not is_free(port):
                holder.close()
                continue
            holders.append(holder)
            numbers[wanted[len(numbers)]] = port
        ports = cls(numbers, holders)
        if len(numbers) < len(wanted):
            ports.release()
            message = f"not enough free ports on {HOST} for {', '.join(wanted)}; stop what else is running"
            raise StackError(message)
        return ports

    @classmethod
    def fixed(cls, numbers: Mapping[str, int]) -> Ports:
        """Reserve exactly these ports.

        Raises:
            StackError: Two services want one port, or one is taken; names the port, the service and how to
                choose another.
        """
        holders: list[socket.socket] = []
        ports = cls(numbers, holders)
        seen: dict[int, str] = {}
        for name, port in numbers.items():
            variable = port_variable(name)
            problem = ""
            if port in seen:
                problem = f"is also wanted by {seen[port]}"
            else:
                holder = _reserve(port)
                if holder is not None:
                    holders.append(holder)
                if holder is None or not is_free(port):
                    problem = f"is taken{by_whom(port)}"
            seen[port] = name
            if problem:
                ports._holders = holders
                ports.release()
                message = (
                    f"port {port} for {name} {problem}; free it, or choose another: "
                    f"{variable}={port + 10_000 if port < 50_000 else port - 10_000} make up"
                )
                raise StackError(message, service=name)
        ports._holders = holders
        return ports

    def __getitem__(self, name: str) -> int:
        """The port of a service."""
        return self._numbers[name]

    def as_dict(self) -> dict[str, int]:
        """Service name -> port."""
        return dict(self._numbers)

    def release(self) -> None:
        """Give the ports back. Calling it twice is fine."""
        for holder in self._holders:
            holder.close()
        self._holders = []

    def __enter__(self) -> Self:
        """Nothing to do: the ports are held since they were made."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the ports back."""
        self.release()


def by_whom(port: int) -> str:
    """Words naming the program that listens on a port, where this user may know it."""
    try:
        for each in psutil.net_connections(kind="tcp"):
            listens = each.status == psutil.CONN_LISTEN and getattr(each.laddr, "port", None) == port
            if listens and each.pid is not None:
                return f" by {psutil.Process(each.pid).name()} (process {each.pid})"
    except (psutil.Error, OSError, AttributeError):
        return ""
    return ""


def port_variable(service: str) -> str:
    """The environment variable that chooses a service's port for ``make up``: ``NODE_EXPORTER_PORT``."""
    return f"{service.upper().replace('-', '_')}_PORT"
