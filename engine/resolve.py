"""Host names to addresses, with a deadline.

The C library's resolver has none that can be set from here, and a broken name server would stop the loop for seconds
at each attempt.
"""

from __future__ import annotations

import ipaddress
import socket
import threading

from engine.errors import DependencyDown

__all__ = ["Resolver"]


class Resolver:
    """Finds the address of one host.

    Args:
        host: a name, or an address, which is returned as it is.
        timeout: seconds to wait for an answer. A later one is used by the next call.
    """

    def __init__(self, host: str, *, timeout: float) -> None:
        self._host = host
        self._timeout = timeout
        self._worker: threading.Thread | None = None
        self._answer: str | OSError | None = None

    def address(self) -> str:
        """Return the address, IPv4 before IPv6.

        Raises:
            DependencyDown: if the name is unknown or no answer came in time.
        """
        try:
            return str(ipaddress.ip_address(self._host))
        except ValueError:
            return self._look_up()

    def _look_up(self) -> str:
        if self._worker is None:
            self._answer = None
            self._worker = threading.Thread(target=self._ask, name=f"resolve-{self._host}", daemon=True)
            self._worker.start()
        self._worker.join(self._timeout)
        if self._worker.is_alive():  # keep it: starting one for each attempt would pile threads up
            message = f"the address of {self._host} was not found within {self._timeout:g} s"
            raise DependencyDown(message)
        self._worker = None
        if not isinstance(self._answer, str):
            message = f"the address of {self._host} was not found: {self._answer}"
            raise DependencyDown(message)
        return self._answer

    def _ask(self) -> None:
        try:
            found = socket.getaddrinfo(self._host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            self._answer = error if isinstance(error, OSError) else OSError(str(error))
            return
        found.sort(key=lambda entry: entry[0] != socket.AF_INET)
        self._answer = str(found[0][4][0])
