"""A small paper engine: the stand-in for the trading bot that the gate guards.

It reads quotes of two venues, computes net spreads, keeps paper positions in Postgres and a heartbeat in Redis,
and serves the metrics of the engine table in the design on one port. It holds no exchange key and has no code that
could place an exchange order.
"""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "0.1.0"
