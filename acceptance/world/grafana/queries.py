"""Answers ``POST /api/ds/query``: each target by itself, at the same time, from the Prometheus it names."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from acceptance.world.grafana.frames import Ask, empty_frame, frames_of
from acceptance.world.grafana.intervals import QueryStep, go_duration
from acceptance.world.grafana.prometheus import AskError, DatasourceClient
from acceptance.world.grafana.provisioning.datasources import PROMETHEUS, ProvisionedDatasource
from acceptance.world.grafana.provisioning.durations import seconds

__all__ = ["Queries", "QueryAnswer", "QueryRefusedError", "instant"]

_AT_ONCE = 16  # questions under way, of all requests together
_MOST_TARGETS = 200
_RELATIVE = re.compile(r"now(?:-(\d+(?:ms|[smhdwy])))?")
_BAD = {"message": "bad request data", "traceID": ""}


class QueryRefusedError(Exception):
    """A request that is refused as a whole, with status and body."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        super().__init__(str(body.get("message", "")))
        self.status = status
        self.body = dict(body)


@dataclass(frozen=True, slots=True)
class QueryAnswer:
    """What is sent back: 200, or 400 where a target failed (recorded; Grafana 10 and later document it alike)."""

    status: int
    body: dict[str, Any]


def instant(text: object, now: float) -> int:
    """Read ``from`` or ``to``, epoch milliseconds or ``now-1h``, as Unix milliseconds.

    Raises:
        RefusedError: It is neither.
    """
    if isinstance(text, str) and re.fullmatch(r"-?\d{1,15}", text):
        return int(text)
    found = _RELATIVE.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise QueryRefusedError(400, _BAD)
    return round((now - (seconds(found[1]) if found[1] else 0)) * 1000)


class Queries:
    """The provisioned datasources, ready to be asked. Use from several threads at once."""

    def __init__(self, sources: Sequence[ProvisionedDatasource], clock: Callable[[], float] = time.time) -> None:
        self.sources = tuple(sources)
        self._clock = clock
        self._clients = {source.uid: DatasourceClient(source) for source in sources}
        self._pool = ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="target")

    def close(self) -> None:
        """Wait for no target any more, and let go of the connections."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for client in self._clients.values():
            client.close()

    def by_uid(self, uid: str) -> ProvisionedDatasource | None:
        """Give a datasource, if there is one of this uid."""
        return next((source for source in self.sources if source.uid == uid), None)

    def health(self, source: ProvisionedDatasource) -> QueryAnswer:
        """Answer ``/api/datasources/uid/<uid>/health``: whether its Prometheus answers a query."""
        try:
            if source.type != PROMETHEUS:
                raise AskError(_foreign(source))
            self._clients[source.uid].ask("/api/v1/query", {"query": "1+1"}, time.monotonic())
        except AskError as error:
            return QueryAnswer(400, {"message": str(error), "status": "ERROR"})
        return QueryAnswer(200, {"message": "Successfully queried the Prometheus API.", "status": "OK"})

    def answer(self, request: object) -> QueryAnswer:
        """Answer a request's JSON.

        Raises:
            RefusedError: The request as a whole cannot be served.
        """
        if not isinstance(request, dict) or not isinstance(request.get("queries", []), list):
            raise QueryRefusedError(400, _BAD)
        queries = request.get("queries") or []
        if not queries:
            raise QueryRefusedError(400, _told("No queries found", "query.noQueries"))
        if len(queries) > _MOST_TARGETS or not all(isinstance(query, dict) for query in queries):
            raise QueryRefusedError(400, _BAD)
        now = self._clock()
        start, end = instant(request.get("from"), now), instant(request.get("to"), now)
        targets = [_Target.read(query, self._source_of(query), start, end) for query in queries]
        begun = time.monotonic()
        asked = [(target, self._pool.submit(self._result, target, begun)) for target in targets]
        results = {target.ask.ref_id: future.result() for target, future in asked}
        status = 400 if any("error" in result for result in results.values()) else 200
        return QueryAnswer(status, {"results": results})

    def _source_of(self, query: Mapping[str, Any]) -> ProvisionedDatasource:
        named = query.get("datasource")
        uid = str(named.get("uid") or "") if isinstance(named, dict) else ""
        number = query.get("datasourceId")
        if not uid and not isinstance(number, int):
            raise QueryRefusedError(
                400, _told("Query does not contain a valid data source identifier", "query.invalidDatasourceId")
            )
        found = self.by_uid(uid) if uid else next((each for each in self.sources if each.id == number), None)
        if found is None:
            raise QueryRefusedError(404, {"message": "Data source not found", "traceID": ""})
        return found

    def _result(self, target: _Target, begun: float) -> dict[str, Any]:
        try:
            questions = target.questions()
            frames = [frame for path, params in questions for frame in self._frames(target, path, params, begun)]
        except AskError as error:
            return {"error": str(error), "status": 500, "frames": [empty_frame(target.ask)]}
        return {"status": 200, "frames": frames or [empty_frame(target.ask)]}

    def _frames(self, target: _Target, path: str, params: Mapping[str, str], begun: float) -> list[dict[str, Any]]:
        data = self._clients[target.source.uid].ask(path, params, begun)
        try:
            return frames_of(target.ask, data)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            where = f"datasource {target.source.name} ({target.source.uid})"
            raise AskError(f"{where} answered with data that cannot be read: {error}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    ask: Ask
    source: ProvisionedDatasource
    step: QueryStep | None  # None where it cannot be asked
    problem: str  # why not
    instant: bool
    range: bool

    @classmethod
    def read(cls, query: Mapping[str, Any], source: ProvisionedDatasource, start: int, end: int) -> _Target:
        expr = str(query.get("expr") or "")
        step, problem = None, _foreign(source) if source.type != PROMETHEUS else ""
        try:
            step = QueryStep.of(
                start=start,
                end=end,
                points=_count(query.get("maxDataPoints")),
                wanted=_count(query.get("intervalMs")),
                own=str(query.get("interval") or ""),
                scrape=source.scrape_interval,
            )
        except ValueError as error:
            problem = problem or f"datasource {source.name} ({source.uid}) interval: {error}"
        at_once = bool(query.get("instant"))
        return cls(
            ask=Ask(
                ref_id=str(query.get("refId") or "A"),
                expr=step.fill(expr) if step else expr,
                legend=str(query.get("legendFormat") or ""),
                step=step.step if step else 0,
                shown_step=go_duration(step.step if step else 0),
            ),
            source=source,
            step=step,
            problem=problem,
            instant=at_once,
            range=bool(query.get("range")) or not at_once,
        )

    def questions(self) -> list[tuple[str, dict[str, str]]]:
        """Give what Prometheus is asked: the instant query at the range's end, the range query on whole steps."""
        if self.problem or self.step is None:
            raise AskError(self.problem)
        asked = []
        if self.instant:
            asked.append(("/api/v1/query", {"query": self.ask.expr, "time": _seconds(self.step.end)}))
        if self.range:
            start, end = self.step.floored
            limits = {"start": _seconds(start), "end": _seconds(end), "step": _seconds(self.step.step)}
            asked.append(("/api/v1/query_range", {"query": self.ask.expr, **limits}))
        return asked


def _count(value: object) -> int:
    return round(value) if isinstance(value, int | float) and 0 < value < 1e15 else 0


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.3f}"


def _told(message: str, identifier: str) -> dict[str, Any]:
    return {"message": message, "messageId": identifier, "statusCode": 400, "traceID": ""}


def _foreign(source: ProvisionedDatasource) -> str:
    return f"datasource {source.name} ({source.uid}) is of type {source.type}: this stand-in asks Prometheus only"
