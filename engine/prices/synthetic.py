"""Makes ``quotes/recorded.jsonl``: invented quotes with a fixed seed, in the shape of real ones.

``python -m engine.prices.synthetic > engine/quotes/recorded.jsonl``. No exchange's data is in it; a test asserts that
the packaged file is exactly what this module makes. Only ``random.Random`` and plain arithmetic are used, which give
the same bytes on every machine.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from typing import Final

__all__ = ["FRAMES", "lines"]

FRAMES: Final = 240
_SEED: Final = 986
_RATE: Final = 1392.0  # KRW for one USDT

# symbol -> (USDT price, half-width of a book in bps, premium amplitude in bps, period of the premium in frames).
# Periods divide FRAMES, so the end of the file meets its beginning.
_SYMBOLS: Final = {
    "BTC": (68_250.0, 0.4, 46.0, 48),
    "ETH": (3_420.0, 0.6, 50.0, 40),
    "XRP": (2.31, 1.2, 56.0, 60),
    "SOL": (171.4, 0.9, 52.0, 30),
    "DOGE": (0.1842, 1.5, 60.0, 80),
    "ADA": (0.642, 1.5, 48.0, 48),
    "AVAX": (28.9, 1.4, 50.0, 40),
    "LINK": (15.8, 1.3, 47.0, 60),
    "DOT": (4.91, 1.7, 51.0, 30),
    "TRX": (0.2874, 1.0, 49.0, 80),
}


def _triangle(frame: int, period: int, phase: float) -> float:
    """Return a triangle wave between -1 and 1."""
    position = (frame / period + phase) % 1.0
    return 4.0 * position - 1.0 if position < 0.5 else 3.0 - 4.0 * position


def _book(mid: float, half_width_bps: float) -> list[float]:
    """Return [bid, ask] with seven significant digits."""
    half = mid * half_width_bps / 10_000.0
    return [float(f"{mid - half:.7g}"), float(f"{mid + half:.7g}")]


def lines(seed: int = _SEED) -> Iterator[str]:
    """Yield the file's lines, without line ends.

    The USDT price follows slow waves and noise; Upbit's is that price times the rate times a premium that swings
    between rich and cheap, with a rare jump. About one tick in five is left out, as quiet books do.
    """
    rng = random.Random(seed)  # noqa: S311 (made-up quotes, not secrets)
    for frame in range(FRAMES):
        quotes: dict[str, dict[str, list[float]]] = {}
        rate = _RATE * (1.0 + 12.0 * _triangle(frame, 120, 0.2) / 10_000.0)
        for number, (symbol, (price, half_width, amplitude, period)) in enumerate(_SYMBOLS.items()):
            phase = number * 0.37
            trend = 30.0 * _triangle(frame, FRAMES, phase) + rng.gauss(0.0, 1.5)
            jump = rng.choice((-1.0, 1.0)) * 25.0 if rng.random() < 0.02 else 0.0
            premium = amplitude * _triangle(frame, period, phase) + rng.gauss(0.0, 3.0) + jump
            binance = price * (1.0 + trend / 10_000.0)
            upbit = binance * rate * (1.0 + premium / 10_000.0)
            venues = {}
            # The first frame has everything, so that a fresh engine can value every symbol at once.
            if frame == 0 or rng.random() < 0.8:
                venues["upbit"] = _book(upbit, half_width * 1.5)
            if frame == 0 or rng.random() < 0.85:
                venues["binance"] = _book(binance, half_width)
            if venues:
                quotes[symbol] = venues
        fx = {}
        for source, every, offset in (("upbit", 1, 0.0), ("bithumb", 3, 0.6), ("coinone", 5, -0.9)):
            noise = rng.gauss(0.0, 0.4)
            if frame % every == 0:
                fx[source] = float(f"{rate * (1.0 + (offset + noise) / 10_000.0):.6g}")
        yield json.dumps({"quotes": quotes, "fx": fx}, separators=(",", ":"))


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in lines())
