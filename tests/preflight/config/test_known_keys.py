from __future__ import annotations

from pathlib import Path

import pytest

from preflight.config.known_keys import known_keys, nearest_key
from preflight.config.sources import load
from preflight.errors import UsageError


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        (("redis", "hots"), ("redis", "host")),
        (("rediss",), ("redis",)),
        (("exchanges", "binance", "symbol"), ("exchanges", "binance", "symbols")),
        (("redis", "qqqq"), None),
        (("nowhere", "host"), None),
        (("redis", "host", "name"), None),
        (("exchanges", "binance"), None),
    ],
)
def test_the_key_that_was_meant(wrong: tuple[str, ...], meant: tuple[str, ...] | None) -> None:
    """A slip of the fingers is recognised in its table; what is like nothing gets no suggestion."""
    assert nearest_key(wrong) == meant


def test_every_suggestion_is_a_key() -> None:
    """Each known key with a letter too many leads back to it."""
    for key in known_keys():
        if "<id>" not in key.loc:
            assert nearest_key((*key.loc[:-1], f"{key.loc[-1]}x")) == key.loc


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        (
            {"PREFLIGHT_REDIS__HOTS": "x"},
            (
                "variable PREFLIGHT_REDIS__HOTS: unknown key; did you mean PREFLIGHT_REDIS__HOST? "
                "`preflight config --keys` lists the known ones"
            ),
        ),
        (
            {"PREFLIGHT_QQQQ": "x"},
            "variable PREFLIGHT_QQQQ: unknown key; `preflight config --keys` lists the known ones",
        ),
    ],
)
def test_a_wrong_key_says_what_was_meant(environ: dict[str, str], told: str, tmp_path: Path) -> None:
    """In the spelling of the place where it stood."""
    with pytest.raises(UsageError) as refused:
        load({"env": "test"}, environ=environ, cwd=tmp_path)
    assert str(refused.value) == told
