"""A lock that somebody else has."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

_MOST_SECONDS = 10.0


@contextmanager
def held(hold: Callable[[], AbstractContextManager[object]], seconds: float = _MOST_SECONDS) -> Iterator[None]:
    """Have another thread hold something until the block ends, or for so many seconds if that is less.

    Args:
        hold: Called in that thread, entered and left.
        seconds: After these it is free, whatever the block does.
    """
    entered, leave = threading.Event(), threading.Event()

    def keep() -> None:
        with hold():
            entered.set()
            leave.wait(seconds)

    keeper = threading.Thread(target=keep)
    keeper.start()
    try:
        assert entered.wait(_MOST_SECONDS)
        yield
    finally:
        leave.set()
        keeper.join(_MOST_SECONDS)
        assert not keeper.is_alive()
