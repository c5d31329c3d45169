from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.world.grafana import contract
from tests.acceptance.world.grafana.running import ADMIN, Running

CASES = {**contract.queries(), **contract.gets()}
# What is another with each server, run or sample, and so is not compared.
FREE = frozenset({"created", "panels", "updated"})


@pytest.fixture(scope="module")
def server(recorded_site: Running) -> contract.Server:
    return contract.Server(url=recorded_site.url, auth=ADMIN, exact=True)


def ask(server: contract.Server, case: str) -> tuple[int, Any]:
    return server.query(CASES[case]) if "request" in CASES[case] else server.get(case)


@pytest.mark.parametrize("case", CASES)
def test_it_is_answered_as_recorded(case: str, server: contract.Server) -> None:
    """Status, frames, fields, labels, names, times, errors and refusals are a real Grafana's; values are the data's."""
    assert contract.differences(case, CASES[case], *ask(server, case), exact=True) == []


def changes(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Give each leaf of a document with another value for it."""
    if path and path[-1] in FREE:
        return
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from changes(inner, (*path, key))
    elif isinstance(value, list) and value:
        for number, inner in enumerate(value):
            yield from changes(inner, (*path, number))
    elif isinstance(value, str):
        yield path, f"... 9{value[4:]}" if value.startswith("... ") else f"x{value}"
    elif isinstance(value, bool) or value is None:
        yield path, not value
    elif isinstance(value, int | float):
        yield path, value + 1
    else:
        yield path, [{}] if isinstance(value, list) else {"more": 1}


def changed(recorded: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    made = copy.deepcopy(recorded)
    place: Any = made
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return made


def is_compared(case: str, path: tuple[Any, ...], recorded: dict[str, Any]) -> bool:
    if case == "/api/health" and path[-1] == "version":
        return False  # nobody is to take the stand-in for a Grafana
    if case.startswith("/api/datasources") and path[-1] == "url":
        return False  # this Prometheus has another address
    if path[-3:-2] != ("values",):
        return True
    frame: Any = recorded
    for step in path[:-4]:
        frame = frame[step]
    return str(frame["schema"]["fields"][path[-2]]["type"]) == "time"  # of a sample, only the time is fixed


@pytest.mark.parametrize("case", CASES)
def test_a_change_of_any_recorded_field_is_seen(case: str, server: contract.Server) -> None:
    """Whatever leaf of whatever case is changed, the contract is red."""
    status, answer = ask(server, case)
    recorded = {key: value for key, value in CASES[case].items() if key in {"answer", "status"}}
    leaves = [(path, value) for path, value in changes(recorded) if is_compared(case, path, recorded)]
    missed = [
        path
        for path, value in leaves
        if not contract.differences(case, changed(recorded, path, value), status, answer, exact=True)
    ]
    assert leaves
    assert missed == []


@pytest.fixture
def login(tmp_path: Path) -> Path:
    file = tmp_path / "login"
    file.write_text("user={}\npassword={}\n".format(*ADMIN), encoding="utf-8")
    return file


def test_the_same_cases_run_against_any_grafana(
    recorded_site: Running, login: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`make grafana-contract` asks of now, compares by kind, and says how many cases agree."""
    code = contract.main([recorded_site.url, str(login)])
    assert (code, capsys.readouterr().out) == (
        0,
        f"Grafana 0.0.0-standin: {len(CASES)} of {len(CASES)} recorded cases agree\n",
    )


def test_a_server_that_differs_is_told_case_by_case(server: contract.Server) -> None:
    """Compared by kind, a missing key, another kind, another status and another frame are differences too."""
    recorded = CASES["/api/folders"]
    assert contract.differences("/api/folders", recorded, 200, [{"uid": "u", "title": 1}], exact=False) == [
        "answer[0].title is 1, not like 'Arbitrage'"
    ]
    assert contract.differences("/api/folders", recorded, 200, [{"title": "t"}], exact=False) == ["answer[0]: no uid"]
    assert contract.differences("/api/folders", recorded, 404, [], exact=False) == ["status 404, not [200]"]
    status, answer = ask(server, "nan")
    del answer["results"]["A"]["frames"][0]["data"]["entities"]
    assert contract.differences("nan", CASES["nan"], status, answer, exact=False) != []


def test_nothing_to_ask_is_told_apart_from_a_difference(tmp_path: Path, login: Path) -> None:
    """No server, or no login: exit 2, not 1."""
    assert contract.main(["http://127.0.0.1:9", str(login)]) == 2
    assert contract.main(["http://127.0.0.1:9", str(tmp_path / "none")]) == 2
