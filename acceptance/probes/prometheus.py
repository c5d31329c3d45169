"""Asks Prometheus' HTTP API; gives back what it said, and judges nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import requests

from acceptance.probes.answers import (
    FiringAlert,
    QueryResult,
    RangeResult,
    RangeSeries,
    Rule,
    ScrapeTarget,
    SeriesSample,
)
from acceptance.probes.errors import AnswerFormatError, QueryError
from acceptance.probes.transport import TOKEN_USER, HttpProbe, Login, Params, ProbeClient

__all__ = ["PrometheusClient", "prometheus_probe"]


def prometheus_probe(
    base_url: str,
    *,
    session: requests.Session | None = None,
    timeout: float,
    auth: Login | None,
    ca: Path | None,
) -> HttpProbe:
    """Return what asks a Prometheus; see `PrometheusClient`."""
    user, secret = auth or ("", "")
    return HttpProbe(
        base_url,
        service="Prometheus",
        session=session,
        timeout=timeout,
        auth=None if user == TOKEN_USER else auth,
        token=secret if user == TOKEN_USER else None,
        ca=ca,
    )


class PrometheusClient(ProbeClient):
    """A thin client of ``/api/v1``. Use it as a context manager, or call ``close``."""

    def __init__(
        self,
        base_url: str,
        session: requests.Session | None = None,
        timeout: float = 10.0,
        *,
        auth: Login | None = None,
        ca: Path | None = None,
    ) -> None:
        """Remember the address; see ``HttpProbe``.

        Args:
            base_url: E.g. ``http://127.0.0.1:9090``.
            session: A session to share.
            timeout: Seconds.
            auth: A token is sent as a bearer token.
            ca: File with the certificates that are trusted.
        """
        super().__init__(prometheus_probe(base_url, session=session, timeout=timeout, auth=auth, ca=ca))

    def ready(self) -> bool:
        """Say whether Prometheus is ready for queries (``/-/ready``); raises only when it does not answer."""
        response, _ = self._http.send("GET", "/-/ready")
        return response.status_code == 200

    def query(self, expr: str, time: float | None = None) -> QueryResult:
        """Evaluate ``expr`` at ``time`` (Unix seconds; None is the server's now).

        Raises:
            QueryError: Prometheus refused the expression (``status=error``).
            ProbeError: Any other failure; see ``errors``.
        """
        params = {"query": expr} if time is None else {"query": expr, "time": repr(time)}
        data, raw, asked = self._ask("/api/v1/query", params)
        kind, result = _get(data, "resultType", str, asked), data.get("result")
        try:
            samples = _samples(kind, result)
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise AnswerFormatError(
                f"Prometheus' answer to {asked} has no readable {kind!r} result: {str(result)[:200]}",
                asked=asked,
            ) from error
        return QueryResult(
            url=asked.partition(" ")[2],
            query=expr,
            status="success",
            result_type=kind,
            samples=samples,
            raw=raw,
            warnings=tuple(raw.get("warnings") or ()),
        )

    def query_range(self, expr: str, *, start: float, end: float, step: float) -> RangeResult:
        """Evaluate ``expr`` every ``step`` s from ``start`` to ``end``, Unix seconds; raises as ``query``."""
        params = {"query": expr, "start": repr(start), "end": repr(end), "step": repr(step)}
        data, raw, asked = self._ask("/api/v1/query_range", params)
        try:
            series = tuple(
                RangeSeries(
                    labels=dict(item["metric"]),
                    times=tuple(float(t) for t, _ in item["values"]),
                    values=tuple(float(v) for _, v in item["values"]),
                )
                for item in data["result"]
            )
        except (TypeError, ValueError, KeyError) as error:
            raise AnswerFormatError(
                f"Prometheus' answer to {asked} has no readable matrix: {str(data)[:200]}", asked=asked
            ) from error
        return RangeResult(
            url=asked.partition(" ")[2],
            query=expr,
            series=series,
            raw=raw,
            warnings=tuple(raw.get("warnings") or ()),
        )

    def targets(self) -> tuple[ScrapeTarget, ...]:
        """List the active scrape targets, by job and instance."""
        data, _, asked = self._ask("/api/v1/targets", {"state": "active"})
        found = [
            ScrapeTarget(
                job=item.get("labels", {}).get("job", ""),
                instance=item.get("labels", {}).get("instance", ""),
                scrape_url=item.get("scrapeUrl", ""),
                health=item.get("health", "unknown"),
                last_error=item.get("lastError", ""),
                labels=dict(item.get("labels", {})),
            )
            for item in _get(data, "activeTargets", list, asked)
        ]
        return tuple(sorted(found, key=lambda t: (t.job, t.instance)))

    def alerts(self) -> tuple[FiringAlert, ...]:
        """List the active alerts, by name and labels."""
        data, _, asked = self._ask("/api/v1/alerts", {})
        found = [
            FiringAlert(
                name=item.get("labels", {}).get("alertname", ""),
                state=item.get("state", ""),
                labels=dict(item.get("labels", {})),
                annotations=dict(item.get("annotations", {})),
                active_at=item.get("activeAt", ""),
                value=float(item.get("value", "nan")),
            )
            for item in _get(data, "alerts", list, asked)
        ]
        return tuple(sorted(found, key=lambda a: (a.name, sorted(a.labels.items()))))

    def rules(self) -> tuple[Rule, ...]:
        """List the loaded rules in their order."""
        data, _, asked = self._ask("/api/v1/rules", {})
        return tuple(
            Rule(
                group=group.get("name", ""),
                file=group.get("file", ""),
                name=rule.get("name", ""),
                kind=rule.get("type", ""),
                query=rule.get("query", ""),
                health=rule.get("health", "unknown"),
                last_error=rule.get("lastError", ""),
                state=rule.get("state"),
            )
            for group in _get(data, "groups", list, asked)
            for rule in group.get("rules", ())
        )

    def series(
        self, matches: str | Sequence[str], *, start: float | None = None, end: float | None = None
    ) -> tuple[Mapping[str, str], ...]:
        """List the label sets that match any selector between ``start`` and ``end`` (Unix seconds)."""
        params: dict[str, str | Sequence[str]] = {"match[]": [matches] if isinstance(matches, str) else list(matches)}
        if start is not None:
            params["start"] = repr(start)
        if end is not None:
            params["end"] = repr(end)
        data, _, asked = self._ask("/api/v1/series", params, shape=list)
        if not all(isinstance(item, dict) for item in data):
            raise AnswerFormatError(f"Prometheus' answer to {asked} is no list of label sets", asked=asked)
        return tuple(data)

    def _ask(self, path: str, params: Params, *, shape: type = dict) -> tuple[Any, Mapping[str, Any], str]:
        """GET an API path; give ``data``, the whole answer, and what was asked."""
        response, asked = self._http.send("GET", path, params=params)
        try:
            raw = self._http.json(response, asked)
        except AnswerFormatError:
            self._http.fail_unless_ok(response, asked)  # an error page: its status says more than "not JSON"
            raise
        if isinstance(raw, dict) and raw.get("status") == "error":
            raise QueryError(
                f"Prometheus refused {asked} with HTTP {response.status_code}, "
                f"{raw.get('errorType', 'no error type')}: {self._http.redact(str(raw.get('error', '')))}",
                asked=asked,
                status=response.status_code,
                body_head=self._http.head(response),
            )
        self._http.fail_unless_ok(response, asked)
        if not isinstance(raw, dict) or raw.get("status") != "success" or not isinstance(raw.get("data"), shape):
            raise AnswerFormatError(
                f"Prometheus' answer to {asked} is not of its API's form: {self._http.head(response)}",
                asked=asked,
                status=response.status_code,
                body_head=self._http.head(response),
            )
        return raw["data"], raw, asked


def _get(data: Mapping[str, Any], key: str, shape: type, asked: str) -> Any:
    value = data.get(key)
    if not isinstance(value, shape):
        raise AnswerFormatError(f"Prometheus' answer to {asked} has no {key!r}: {str(data)[:200]}", asked=asked)
    return value


def _samples(kind: str, result: Any) -> tuple[SeriesSample, ...]:
    """Read a vector or a scalar. Values are strings, among them ``NaN``, ``+Inf`` and ``-Inf``."""
    if kind == "scalar":
        when, value = result
        return (SeriesSample(labels={}, value=float(value), timestamp=float(when)),)
    if kind == "vector":
        return tuple(
            SeriesSample(labels=dict(item["metric"]), value=float(item["value"][1]), timestamp=float(item["value"][0]))
            for item in result
        )
    raise ValueError(kind)
