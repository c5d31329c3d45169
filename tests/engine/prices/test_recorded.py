from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import pytest

from engine.errors import QuoteFileError
from engine.prices import synthetic
from engine.prices.fx import FX_SOURCES
from engine.prices.recorded import RecordedQuotes, drift_bps, read_frames
from engine.prices.spread import VENUES

BOOK = {"upbit": [139_000, 139_100], "binance": [99.9, 100.0]}
FRAME = json.dumps({"quotes": {"BTC": BOOK}, "fx": {"upbit": 1390, "bithumb": 1391, "coinone": 1389}})


class _Clock:
    """A clock that stands where it is put."""

    now = 100.0

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


def write(folder: Path, *lines: str) -> Path:
    path = folder / "quotes.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_the_packaged_file_is_what_its_maker_makes() -> None:
    """The quotes in the package can be made again byte for byte, and are known to be invented."""
    packaged = resources.files("engine").joinpath("quotes", "recorded.jsonl").read_text(encoding="utf-8")
    assert packaged == "".join(f"{line}\n" for line in synthetic.lines())


def test_the_packaged_file_serves_ten_symbols_at_once() -> None:
    """The first frame has every symbol at both venues and every FX source."""
    source = RecordedQuotes(read_frames(None, ("BTC", "ETH", "XRP", "SOL", "DOGE", "ADA", "TRX")), _Clock())
    batch = source.poll()
    assert {(quote.exchange, quote.symbol) for quote in batch.quotes} == {
        (venue, symbol) for venue in VENUES for symbol in ("BTC", "ETH", "XRP", "SOL", "DOGE", "ADA", "TRX")
    }
    assert set(batch.fx) == set(FX_SOURCES)


def test_frames_are_stamped_when_given_out(tmp_path: Path) -> None:
    """A recorded quote is as old as its delivery, not as the recording."""
    source = RecordedQuotes(read_frames(write(tmp_path, FRAME), ("BTC",)), _Clock())
    batch = source.poll()
    assert {quote.received for quote in batch.quotes} == {100.0}
    assert {entry.received for entry in batch.fx.values()} == {100.0}


def test_the_replay_moves_from_round_to_round_and_repeats_exactly(tmp_path: Path) -> None:
    """The same file gives other prices in the next round, and the same prices in another engine."""
    frames = read_frames(write(tmp_path, FRAME), ("BTC",))

    def prices() -> list[float]:
        source = RecordedQuotes(frames, _Clock())
        return [source.poll().quotes[0].price.bid for _ in range(8)]

    assert prices() == prices()
    assert prices()[0] == 139_000
    assert len(set(prices()[:5])) == 5


def test_the_drift_stays_small_and_starts_at_nothing() -> None:
    """However long it runs, prices stay within 40 bps of the file, the premium within 3."""
    assert drift_bps(0) == (0, 0)
    for number in range(100):
        common, premium = drift_bps(number)
        assert abs(common) <= 40
        assert abs(premium) <= 3


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ((FRAME, "{"), "line 2 is no frame"),
        (("[]",), "line 1 is no frame"),
        (('{"quotes": {"BTC": {"upbit": [2, 1]}}}',), "line 1 is no frame .*not crossed"),
        (('{"quotes": {"BTC": {"upbit": [1]}}}',), "line 1 is no frame"),
        (('{"fx": {"upbit": -1}}',), "line 1 is no frame .*not positive"),
        (('{"quotes": {"BTC": {"upbit": [1, 2]}}}',), "no binance quote of BTC"),
        ((json.dumps({"quotes": {"BTC": BOOK}, "fx": {"upbit": 1}}),), "no rate of bithumb"),
        ((), "no upbit quote of BTC"),
    ],
    ids=["cut", "list", "crossed", "short", "negative fx", "one venue", "fx source missing", "empty"],
)
def test_a_damaged_file_is_refused_with_its_place(tmp_path: Path, lines: tuple[str, ...], says: str) -> None:
    """A quote file that cannot be used says where, before anything starts."""
    with pytest.raises(QuoteFileError, match=says):
        read_frames(write(tmp_path, *lines), ("BTC",))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A path that is not there is named with the variable that holds it."""
    with pytest.raises(QuoteFileError, match=r"ENGINE_QUOTES_FILE: .*nowhere.*cannot be read"):
        read_frames(tmp_path / "nowhere", ("BTC",))
