"""G21, of exchanges: whatever value stands wherever in an answer: a status, a hint, no exception, no secret."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from preflight.exchange import client
from preflight.model import Status
from tests.preflight.faults.exchange_world import World
from tests.preflight.faults.test_exchange_faults import KINDS, MakeSettings, run
from tests.property_size import examples

pytestmark = pytest.mark.leg("servers")

ODD: tuple[Any, ...] = (
    None,
    True,
    "",
    "x",
    "9" * 400,
    "1e999",
    "\ud800\x1b[2J",
    -1,
    10**400,
    float("nan"),
    float("inf"),
    [],
    [None],
    [[]],
    {},
    {"": [{}]},
    json.loads("[" * 60 + "]" * 60),
)


ANSWERS: dict[str, int] = {}  # check -> how many answers it takes on a good day


def _places(body: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Return the way to every value of a body, the body itself first."""
    yield at
    for name, value in body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ():
        yield from _places(value, (*at, name))


def _with(body: Any, place: tuple[Any, ...], odd: Any) -> Any:
    if not place:
        return odd
    body[place[0]] = _with(body[place[0]], place[1:], odd)
    return body


@pytest.mark.parametrize("check_id", [f"{kind}_{name}" for kind in KINDS for name in ("upbit", "binance")])
@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(nth=st.integers(0, 11), where=st.integers(0, 400), odd=st.sampled_from(ODD))
@example(nth=0, where=0, odd={"code": "9" * 5000, "msg": [{}]})
def test_g21_whatever_value_stands_wherever(  # noqa: PLR0917 - a property
    check_id: str, world: World, make_settings: MakeSettings, tmp_path: Path, nth: int, where: int, odd: Any
) -> None:
    """One answer of a sound exchange has one value that is none of those that belong there."""
    whole: Callable[..., bytes] = client._whole
    made = make_settings(env="live", exchanges=world.exchanges)
    asked = 0

    def counted(response: Any, *, until: float) -> bytes:
        nonlocal asked
        asked, told = asked + 1, whole(response, until=until)
        if asked - 1 != odd_one:
            return told
        body = json.loads(told)
        places = list(_places(body))
        return json.dumps(_with(body, places[where % len(places)], odd)).encode("utf-8", "surrogatepass")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "_whole", counted)
        if check_id not in ANSWERS:
            odd_one = -1
            assert run(check_id, world, made, tmp_path).status is Status.PASS
            ANSWERS[check_id] = asked
        asked, odd_one = 0, nth % ANSWERS[check_id]
        outcome = run(check_id, world, made, tmp_path)
    assert asked > odd_one
    assert outcome.summary
    assert outcome.hint or outcome.status is Status.PASS
