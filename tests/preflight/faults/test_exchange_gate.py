"""The exchanges' part of the fault matrix, on the whole gate in env live: reports, exit codes, metrics."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

import pytest

from acceptance.live_world import LiveWorld, open_live_world
from acceptance.probes.exposition import parse
from acceptance.stack.invoke import as_environment
from preflight.catalogue import CHECK_STATUS, LAST_SUCCESS, READY_FOR_LIVE, STATUS_CODE
from tests.preflight.faults.exchange_rows import COMMON_ROWS, SPECIAL_ROWS, Row
from tests.preflight.faults.exchange_world import World

UNKNOWN = "upbitt"


def _groups() -> Iterator[tuple[Row, ...]]:
    """Put rows together that one run can show: the same fault everywhere, or one fault of each exchange."""
    for fault in dict.fromkeys(row.fault for row in COMMON_ROWS):
        yield tuple(row for row in COMMON_ROWS if row.fault == fault)
    upbit, binance = ([row for row in SPECIAL_ROWS if row.check.endswith(name)] for name in ("upbit", "binance"))
    for pair in zip_longest(upbit, binance):
        yield tuple(row for row in pair if row is not None)


GROUPS = tuple(_groups())


@pytest.fixture(scope="module")
def live_world() -> Iterator[LiveWorld]:
    """What a run in env live meets."""
    with open_live_world() as world:
        yield world


def test_no_row_is_left_out() -> None:
    """Each row of the matrix is in one of the runs below."""
    assert sorted(row.id for group in GROUPS for row in group) == sorted(row.id for row in COMMON_ROWS + SPECIAL_ROWS)


@pytest.mark.parametrize("rows", GROUPS, ids=lambda rows: "+".join(dict.fromkeys(row.fault for row in rows)))
def test_fault(rows: tuple[Row, ...], live_world: LiveWorld) -> None:
    """The fault is seen by its check for its own reason, and holds the run back as the row says."""
    made = World(standin=live_world.exchanges, proxy=live_world.proxy, exchanges={"upbit": {}, "binance": {}})
    if any(row.check.endswith(UNKNOWN) for row in rows):
        made.exchanges[UNKNOWN] = {"symbols": ("BTC/KRW",), "api_key": "d41d8cd98f" * 4, "secret": "00b204e980" * 4}
    try:
        for row in rows:
            row.arrange(made)
        run = live_world.run(**_variables(made))
    finally:
        live_world.good_day()

    found = {check["id"]: check for check in run.report["checks"]}
    assert {row.check: found[row.check]["status"] for row in rows} == {row.check: row.status.value for row in rows}
    assert [row.says for row in rows if row.says not in found[row.check]["summary"]] == []
    statuses = {check["status"] for check in found.values()}
    assert run.exit_code == (1 if "fail" in statuses else 3 if "error" in statuses else 0)
    page = parse(run.prom, origin="the .prom file")
    for row in rows:
        assert page.value(CHECK_STATUS, env="live", check=row.check) == STATUS_CODE[row.status.value]
    go = float(run.exit_code == 0)
    assert (page.value(LAST_SUCCESS, env="live"), page.value(READY_FOR_LIVE, env="live")) == (go, go)


def _variables(made: World) -> dict[str, str]:
    """Turn what the rows arranged into variables; what they took away becomes an empty one, which counts as unset."""
    variables = dict(made.variables)
    if "https_proxy" in variables:
        variables.setdefault("REQUESTS_CA_BUNDLE", "")
    for name, each in made.exchanges.items():
        if "symbols" in each:
            made.exchanges[name] = {**each, "symbols": ",".join(each["symbols"]) or ","}
    for name, value in as_environment({**made.settings, "exchanges": made.exchanges}).items():
        variables[name] = "" if value == "None" else value
    variables["PREFLIGHT_TELEGRAM__DEADLINE"] = "0.5"
    return variables
