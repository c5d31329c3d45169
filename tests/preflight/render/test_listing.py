from __future__ import annotations

import json
from collections.abc import Callable

from preflight.check import Check
from preflight.render.listing import render_list, render_list_json

MakeCheck = Callable[..., Check]


def checks(make_check: MakeCheck) -> list[Check]:
    return [
        make_check("redis", proves="Redis answers", timeout=5.0, network=True),
        make_check("open_positions", proves="none open", requires=("redis", "postgres"), timeout=2.5),
    ]


def test_table(make_check: MakeCheck) -> None:
    """The list is a table of id, whether it blocks, timeout, what it requires and what it proves."""
    assert render_list(checks(make_check), lambda check_id: check_id == "redis") == (
        "ID              BLOCKS  TIMEOUT  REQUIRES         PROVES\n"
        "redis           yes     5 s      -                Redis answers\n"
        "open_positions  no      2.5 s    redis, postgres  none open\n"
    )


def test_without_an_env_nothing_is_claimed(make_check: MakeCheck) -> None:
    """Without an env nobody can say what blocks."""
    assert render_list(checks(make_check), None).splitlines()[1].split()[1] == "?"
    assert json.loads(render_list_json(checks(make_check), None))[0]["required"] is None


def test_json(make_check: MakeCheck) -> None:
    """The same as data."""
    assert json.loads(render_list_json(checks(make_check), lambda check_id: check_id == "redis")) == [
        {
            "id": "redis",
            "proves": "Redis answers",
            "requires": [],
            "required": True,
            "timeout": 5.0,
            "network": True,
        },
        {
            "id": "open_positions",
            "proves": "none open",
            "requires": ["redis", "postgres"],
            "required": False,
            "timeout": 2.5,
            "network": False,
        },
    ]
