"""When a dependency that did not answer may be asked again."""

from __future__ import annotations

import logging
import random

__all__ = ["Link"]

_LOG = logging.getLogger("engine.link")
_FIRST_DELAY = 0.2  # seconds before the second attempt


class Link:
    """One dependency as the loop sees it: up or down, and the time of the next attempt.

    Delays double from 0.2 s up to ``max_delay`` and are then drawn between half and all of it, so that several
    engines do not return to a restarted server at the same instant. A change is logged once, not each attempt.

    Args:
        name: ``redis`` or ``postgres``, as in the metric label.
        max_delay: longest wait between attempts, in seconds.
        rng: source of jitter.
    """

    def __init__(self, name: str, *, max_delay: float, rng: random.Random) -> None:
        self.name = name
        self.up = False
        self._max_delay = max_delay
        self._rng = rng
        self._failures = 0
        self._next_attempt = float("-inf")
        self._last_reason = ""

    def due(self, now: float) -> bool:
        """Return whether the dependency may be asked at monotonic second ``now``."""
        return now >= self._next_attempt

    def succeeded(self) -> None:
        """Note that it answered."""
        if not self.up:
            _LOG.info("%s is up", self.name)
        self.up = True
        self._failures = 0
        self._last_reason = ""
        self._next_attempt = float("-inf")

    def failed(self, now: float, reason: str) -> float:
        """Note that it did not answer at monotonic second ``now``.

        Returns:
            Seconds until the next attempt.
        """
        # 2 ** 10 already exceeds any sensible max_delay; the cap keeps the float finite after days of failures.
        ceiling = min(self._max_delay, _FIRST_DELAY * 2.0 ** min(self._failures, 10))
        delay = ceiling * self._rng.uniform(0.5, 1.0)
        if self.up or reason != self._last_reason:
            _LOG.warning("%s is down, asking again by itself: %s", self.name, reason)
        self.up = False
        self._failures += 1
        self._last_reason = reason
        self._next_attempt = now + delay
        return delay
