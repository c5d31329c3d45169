"""What a real Grafana 10.0.0 answered, case by case, held against what another server answers.

Where Grafana 11 to 13 differ by their own documentation, ``NEWER`` says so beside the case. Against a real Grafana
(``python -m tests.acceptance.world.grafana.contract URL LOGIN_FILE``) other data stands in Prometheus, so there the
questions are asked of now, and labels, counts, settings and messages are compared by their kind. The stand-in stands in
front of the recorded series at the recorded time: there all but the samples' values has to be equal.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import requests

from acceptance.stack.choice.choose import read_login
from acceptance.stack.interface import StackError

RECORDED = Path(__file__).parent / "recorded"
_CUT = 4  # points of a column that the recording kept
_AS_IN_FILE = "(as in the file)"
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LENGTH = re.compile(r"\[\d+m?[smh]\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Newer:
    """How later versions differ, by their documentation."""

    says: str
    statuses: frozenset[int] = frozenset()  # allowed besides the recorded one
    keys: frozenset[str] = frozenset()  # that may be missing


_PARTIAL = Newer(
    says="feature toggle datasourceQueryMultiStatus: 207 Multi-Status where a target failed",
    statuses=frozenset({207}),
    keys=frozenset({"frames"}),
)
_IDS = Newer(
    says="HTTP API of folders and search: id, folderId are deprecated, use uid, folderUid",
    keys=frozenset({"folderId", "id"}),
)
NEWER: Mapping[str, Newer] = {
    "parse_error": _PARTIAL,
    "one_bad_of_two": _PARTIAL,
    "exec_error": _PARTIAL,
    "/api/health": Newer(
        says="setting auth.anonymous.hide_version: neither version nor commit without a login",
        keys=frozenset({"commit", "version"}),
    ),
    "/api/dashboards/uid/d77_system_health": _IDS,
    "/api/folders": _IDS,
    "/api/search?type=dash-db&query=&limit=1000": _IDS,
    "/api/search?query=Health": _IDS,
}


def queries() -> dict[str, dict[str, Any]]:
    """Give the recorded cases of ``POST /api/ds/query``."""
    return dict(json.loads((RECORDED / "ds_query.json").read_text(encoding="utf-8")))


def gets() -> dict[str, dict[str, Any]]:
    """Give the recorded cases of the other paths."""
    return dict(json.loads((RECORDED / "get.json").read_text(encoding="utf-8")))


def dashboards() -> Iterator[dict[str, Any]]:
    """Give files that a server has to have been provisioned with to answer as recorded."""
    recorded = gets()
    whole = recorded["/api/dashboards/uid/d77_system_health"]["answer"]["dashboard"]
    for hit in recorded["/api/search?type=dash-db&query=&limit=1000"]["answer"]:
        own = {**whole, "panels": []} if hit["uid"] == whole["uid"] else {"panels": [], "tags": hit["tags"]}
        yield {**own, "id": None, "uid": hit["uid"], "title": hit["title"]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Whom to ask."""

    url: str
    auth: tuple[str, str]
    exact: bool  # it stands in front of the recorded series

    def query(self, recorded: Mapping[str, Any]) -> tuple[int, Any]:
        """Ask a recorded question; of now, where the recorded time has no data."""
        body = dict(recorded["request"])
        if not self.exact:
            now = time.time()
            body |= {"from": str(round(now - 120) * 1000), "to": str(round(now) * 1000)}
        return self._read(requests.post(f"{self.url}/api/ds/query", json=body, auth=self.auth, timeout=60))

    def get(self, case: str) -> tuple[int, Any]:
        """Ask for the path of a case, with the login that its name says."""
        if case.startswith("POST "):
            path = case.split()[1]
            head = {"Content-Type": "application/json"}
            malformed = requests.post(f"{self.url}{path}", data="{", headers=head, auth=self.auth, timeout=60)
            return self._read(malformed)
        path, _, login = case.partition(" ")
        user, password = self.auth
        auth: tuple[str, str] | None = {"no_login": None, "wrong_password": (user, f"not {password}")}.get(
            login, self.auth
        )
        headers = {"Authorization": "Bearer no-such-token"} if login == "bad_token" else {}
        with requests.Session() as session:
            session.trust_env = False
            session.auth = None if headers else auth
            answer = session.get(f"{self.url}{path}", headers=headers, timeout=60, allow_redirects=False)
        return self._read(answer)

    @staticmethod
    def _read(response: requests.Response) -> tuple[int, Any]:
        try:
            return response.status_code, response.json()
        except ValueError:
            return response.status_code, response.text


def differences(case: str, recorded: Mapping[str, Any], status: int, answer: Any, *, exact: bool) -> list[str]:
    """Say where an answer differs from the recorded one, in a line each; none where it agrees."""
    newer = None if exact else NEWER.get(case)
    wanted = {recorded["status"]} | (newer.statuses if newer else frozenset())
    if status not in wanted:
        return [f"status {status}, not {sorted(wanted)}"]
    comparison = _Comparison(exact=exact, newer=newer)
    return list(comparison.of(recorded["answer"], answer))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Comparison:
    exact: bool
    newer: Newer | None

    def of(self, recorded: Any, answer: Any) -> Iterator[str]:
        if isinstance(recorded, dict) and "results" in recorded:
            yield from self._results(recorded["results"], answer)
        else:
            yield from self._json("answer", _plain(recorded), _plain(answer))

    def _results(self, recorded: Mapping[str, Any], answer: Any) -> Iterator[str]:
        given = answer.get("results") if isinstance(answer, dict) else None
        if not isinstance(given, dict) or set(given) != set(recorded):
            yield f"results {sorted(given or {})}, not {sorted(recorded)}"
            return
        for ref, result in recorded.items():
            rest = {key: value for key, value in result.items() if key != "frames"}
            yield from self._json(f"result {ref}", _kind_of_error(rest), _kind_of_error(_without_frames(given[ref])))
            yield from self._frames(f"result {ref}", result["frames"], given[ref].get("frames") or [])

    def _frames(self, where: str, recorded: Sequence[Any], given: Sequence[Any]) -> Iterator[str]:
        kept = [frame for frame in recorded if isinstance(frame, dict)]
        count = len(kept) + sum(int(text.split()[1]) for text in recorded if isinstance(text, str))
        if self.exact and len(given) != count:
            yield f"{where}: {len(given)} frames, not {count}"
        shapes = [self._shape(frame) for frame in given]
        if not given and not (self.newer and "frames" in self.newer.keys):
            yield f"{where}: no frame"
        for frame in kept if given else ():
            wanted = self._shape(frame)
            if not any(self._fits(wanted, shape) for shape in shapes):
                nearest = min(shapes, key=lambda shape: sum(1 for _ in _unlike("", wanted, shape)))
                yield from (f"{where}: {line}" for line in _unlike("frame", wanted, nearest))

    def _fits(self, wanted: Any, shape: Any) -> bool:
        return not list(_unlike("", wanted, shape))

    def _shape(self, frame: Mapping[str, Any]) -> dict[str, Any]:
        """Give a frame without its samples' values; against other data, without what labels say."""
        schema, data = frame["schema"], frame["data"]
        columns = [
            _column(field or {}, column or (), self.exact)
            for field, column in zip_longest(schema["fields"], data["values"])
        ]
        odd = [
            {kind: rows if self.exact else "rows" for kind, rows in each.items()} if isinstance(each, dict) else each
            for each in data.get("entities", [])
        ]
        shape = {"schema": schema, "columns": columns, "entities": odd, "keys": sorted(data)}
        return shape if self.exact else dict(_general(shape))

    def _json(self, where: str, recorded: Any, given: Any) -> Iterator[str]:
        if self.exact:
            yield from _unlike(where, recorded, given)
        else:
            yield from self._alike(where, recorded, given)

    def _alike(self, where: str, recorded: Any, given: Any) -> Iterator[str]:
        """Compare by kind: every recorded key is there with a value of its kind; more keys are allowed."""
        if isinstance(recorded, dict) and isinstance(given, dict):
            for key, value in recorded.items():
                if key in given:
                    yield from self._alike(f"{where}.{key}", value, given[key])
                elif not (self.newer and key in self.newer.keys) and not key.startswith("traceID"):
                    yield f"{where}: no {key}"
        elif isinstance(recorded, list) and isinstance(given, list):
            if recorded and given:
                yield from self._alike(f"{where}[0]", recorded[0], given[0])
        elif type(recorded) is not type(given):
            yield f"{where} is {given!r}, not like {recorded!r}"


def _without_frames(result: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in result.items() if key != "frames"}


def _kind_of_error(result: Mapping[str, Any]) -> dict[str, Any]:
    """Keep of an error's text what Grafana put in front of it: the rest is Prometheus' own."""
    return {key: str(value).partition(":")[0] if key == "error" else value for key, value in result.items()}


def _column(field: Mapping[str, Any], column: Sequence[Any], exact: bool) -> Any:
    kinds = sorted({type(cell).__name__ if not isinstance(cell, float) else "int" for cell in column})
    if not exact:
        return kinds if field.get("type") != "number" else "numbers"
    times = column[:_CUT] if field.get("type") == "time" else None
    return {"kinds": kinds, "points": min(len(column), _CUT), "times": times}


def _general(shape: Mapping[str, Any]) -> dict[str, Any]:
    """Put kinds for what labels, steps and intervals say."""
    made = json.loads(json.dumps(shape))
    meta = made["schema"].get("meta") or {}
    if "executedQueryString" in meta:
        meta["executedQueryString"] = _LENGTH.sub("[interval]", meta["executedQueryString"])
    for field in made["schema"]["fields"]:
        name = (field.get("config") or {}).get("displayNameFromDS")
        for key, value in sorted((field.get("labels") or {}).items()):
            field["labels"][key] = key
            if name is not None:
                name = name.replace(f'{key}="{value}"', f"{key}=").replace(f"{value}", f"<{key}>") if value else name
        if name is not None:
            field["config"]["displayNameFromDS"] = name
    return dict(made)


def _plain(answer: Any) -> Any:
    """Take out what is another each time: made ids, times, addresses, and the panels that stand in their file."""
    if isinstance(answer, list):
        return [_plain(each) for each in answer]
    if not isinstance(answer, dict):
        return _UUID.sub("uuid", answer) if isinstance(answer, str) else answer
    own = {"created": "time", "updated": "time", "panels": _AS_IN_FILE}
    if "access" in answer:
        own["url"] = "address"
    if "database" in answer and "commit" in answer:
        return {key: value for key, value in answer.items() if key not in {"version", "standin"}} | {"version": "any"}
    return {key: own.get(key) or _plain(value) for key, value in answer.items()}


def _unlike(where: str, recorded: Any, given: Any) -> Iterator[str]:
    if isinstance(recorded, dict) and isinstance(given, dict):
        for key in [*recorded, *(key for key in given if key not in recorded)]:
            if key not in recorded or key not in given:
                yield f"{where}.{key} is {'missing' if key in recorded else 'too much'}"
            else:
                yield from _unlike(f"{where}.{key}", recorded[key], given[key])
    elif isinstance(recorded, list) and isinstance(given, list) and len(recorded) == len(given):
        for number, (one, other) in enumerate(zip(recorded, given, strict=True)):
            yield from _unlike(f"{where}[{number}]", one, other)
    elif recorded != given or type(recorded) is not type(given):
        yield f"{where} is {given!r}, not {recorded!r}"


def check(server: Server) -> dict[str, list[str]]:
    """Ask every recorded case; give the differences of each."""
    found = {}
    for case, recorded in queries().items():
        found[case] = differences(case, recorded, *server.query(recorded), exact=server.exact)
    for case, recorded in gets().items():
        found[case] = differences(case, recorded, *server.get(case), exact=server.exact)
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Hold a running Grafana that has this project's provisioning against the recording.

    Returns:
        0 where every case agrees, 1 where one does not, 2 where nothing could be asked.
    """
    parser = argparse.ArgumentParser(prog="make grafana-contract", description=main.__doc__)
    parser.add_argument("url", metavar="GRAFANA_URL", help="e.g. http://127.0.0.1:3000")
    parser.add_argument("login", metavar="GRAFANA_LOGIN", type=Path, help="file with user= and password= lines")
    given = parser.parse_args(argv)
    try:
        server = Server(url=given.url.rstrip("/"), auth=read_login(given.login), exact=False)
        health = requests.get(f"{server.url}/api/health", timeout=10).json()
        found = check(server)
    except (StackError, requests.RequestException, ValueError) as error:
        sys.stderr.write(f"nothing could be compared: {error}\n")
        return 2
    differing = {case: lines for case, lines in found.items() if lines}
    for case, lines in differing.items():
        sys.stdout.write("".join(f"{case}: {line}\n" for line in lines))
    sys.stdout.write(
        f"Grafana {health.get('version', 'of a version that it hides')}: {len(found) - len(differing)} of {len(found)} "
        "recorded cases agree\n"
    )
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
