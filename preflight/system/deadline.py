"""A deadline that holds: for calls into libraries whose own timeouts leave gaps (name lookup, a server that drips)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

_T = TypeVar("_T")


class LateError(Exception):
    """The call did not end in time. It goes on in its thread; what becomes of it is not known."""


class _Call(Generic[_T]):
    """A call on a thread of its own, and what it gave."""

    def __init__(self, work: Callable[[], _T]) -> None:
        self._work = work
        self._given: list[_T] = []
        self._raised: list[BaseException] = []
        self._done = threading.Event()

    def run(self) -> None:
        try:
            self._given.append(self._work())
        except BaseException as e:  # noqa: BLE001 - raised again where it is waited for
            self._raised.append(e)
        finally:
            self._done.set()

    def wait(self, seconds: float) -> _T:
        if not self._done.wait(max(0.0, seconds)):
            raise LateError
        if self._raised:
            raise self._raised[0]
        return self._given[0]


def within(seconds: float, work: Callable[[], _T]) -> _T:
    """Return what `work` gives, or stop waiting for it.

    Args:
        seconds: How long to wait.
        work: Runs on a daemon thread, which nobody waits for at the end of the process.

    Raises:
        LateError: It did not end in time.
    """
    call = _Call(work)
    threading.Thread(target=call.run, daemon=True, name="preflight-within").start()
    return call.wait(seconds)
