"""Asks Grafana's HTTP API; gives back what it said, and judges nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from acceptance.probes.errors import AnswerFormatError, QueryError
from acceptance.probes.frames import FrameSeries, series_of_frame
from acceptance.probes.transport import HttpProbe, ProbeClient
from acceptance.world.grafana.identity import is_standin

__all__ = ["Datasource", "GrafanaClient", "GrafanaResult", "Health", "SearchHit", "ServedDashboard", "read_target"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What ``/api/health`` says: only that Grafana's own database answers."""

    database: str  # "ok"
    version: str
    standin: bool  # it is no Grafana, and says so


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedDashboard:
    """A dashboard as Grafana serves it."""

    uid: str
    title: str
    folder: str
    provisioned: bool
    url: str  # path of its page
    dashboard: Mapping[str, Any]  # the dashboard JSON
    raw: Mapping[str, Any]  # the whole answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Datasource:
    """A datasource as Grafana knows it; ``json_data`` holds no secrets."""

    uid: str
    name: str
    type: str
    url: str
    is_default: bool
    read_only: bool
    json_data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchHit:
    """One dashboard that the search found."""

    uid: str
    title: str
    folder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GrafanaResult:
    """The answer to one ``/api/ds/query`` request with all its targets."""

    request: Mapping[str, Any]  # the body as sent
    status: int  # HTTP status: 200, or 207 / 400 where a target failed
    series: Mapping[str, tuple[FrameSeries, ...]]  # refId -> series; () where nothing came
    frame_counts: Mapping[str, int]  # refId -> number of frames, empty ones included
    errors: Mapping[str, str]  # refId -> what Grafana said
    executed: Mapping[str, str]  # refId -> the query as the datasource ran it, where Grafana tells
    raw: Mapping[str, Any]  # the whole answer

    def of(self, ref_id: str) -> tuple[FrameSeries, ...]:
        """Give the series of one target.

        Raises:
            QueryError: Grafana reported an error for it, or did not answer it at all.
        """
        if ref_id in self.errors:
            raise QueryError(f"Grafana reported for target {ref_id}: {self.errors[ref_id]}", asked="POST /api/ds/query")
        if ref_id not in self.series:
            raise QueryError(
                f"Grafana's answer has no result for target {ref_id}, only for {sorted(self.series)}",
                asked="POST /api/ds/query",
            )
        return self.series[ref_id]


class GrafanaClient(ProbeClient):
    """A thin client of ``/api``. Use it as a context manager, or call ``close``."""

    def __init__(
        self,
        base_url: str,
        auth: tuple[str, str] | None = None,
        session: requests.Session | None = None,
        timeout: float = 10.0,
        token: str | None = None,
        *,
        ca: Path | None = None,
    ) -> None:
        """Remember address and login; see ``HttpProbe``.

        Args:
            base_url: E.g. ``http://127.0.0.1:3000``.
            auth: User and password.
            session: A session to share.
            timeout: Seconds.
            token: A service-account token, instead of ``auth``; Viewer is enough.
            ca: File with the certificates that are trusted.
        """
        probe = HttpProbe(
            base_url,
            service="Grafana",
            session=session,
            timeout=timeout,
            auth=auth,
            token=token,
            ca=ca,
        )
        super().__init__(probe)

    def health(self) -> Health:
        """Ask ``/api/health``; a database that is not ok is an answer (503), not an exception."""
        response, asked = self._http.send("GET", "/api/health")
        if response.status_code != 503:
            self._http.fail_unless_ok(response, asked)
        data = self._object(self._http.json(response, asked), asked)
        return Health(
            database=str(data.get("database", "")),
            version=str(data.get("version", "")),
            standin=is_standin(data),
        )

    def dashboard(self, uid: str) -> ServedDashboard:
        """Fetch a dashboard by uid; ``HttpStatusError`` with status 404 where Grafana has not loaded it."""
        data, asked = self._http.get_json(f"/api/dashboards/uid/{uid}")
        raw = self._object(data, asked)
        dashboard, meta = raw.get("dashboard"), raw.get("meta")
        if not isinstance(dashboard, dict) or not isinstance(meta, dict):
            raise AnswerFormatError(f"Grafana's answer to {asked} has no dashboard and meta", asked=asked)
        return ServedDashboard(
            uid=str(dashboard.get("uid", "")),
            title=str(dashboard.get("title", "")),
            folder=str(meta.get("folderTitle", "")),
            provisioned=bool(meta.get("provisioned")),
            url=str(meta.get("url", "")),
            dashboard=dashboard,
            raw=raw,
        )

    def datasources(self) -> tuple[Datasource, ...]:
        """List the datasources by uid. Needs the admin role."""
        data, asked = self._http.get_json("/api/datasources")
        found = [
            Datasource(
                uid=str(item.get("uid", "")),
                name=str(item.get("name", "")),
                type=str(item.get("type", "")),
                url=str(item.get("url", "")),
                is_default=bool(item.get("isDefault")),
                read_only=bool(item.get("readOnly")),
                json_data=dict(item.get("jsonData") or {}),
            )
            for item in self._objects(data, asked)
        ]
        return tuple(sorted(found, key=lambda d: d.uid))

    def search(self, query: str = "") -> tuple[SearchHit, ...]:
        """List the dashboards whose title holds ``query`` (all for the empty string), by uid."""
        data, asked = self._http.get_json("/api/search", params={"query": query, "type": "dash-db", "limit": "1000"})
        found = [
            SearchHit(
                uid=str(item.get("uid", "")),
                title=str(item.get("title", "")),
                folder=str(item.get("folderTitle", "")),
            )
            for item in self._objects(data, asked)
        ]
        return tuple(sorted(found, key=lambda hit: hit.uid))

    def query(self, queries: Sequence[Mapping[str, Any]], from_: float, to: float) -> GrafanaResult:
        """Run several targets in one ``/api/ds/query`` request.

        Args:
            queries: Query objects as ``panels.panel_queries`` makes them; each needs its own ``refId``.
            from_: Start of the range, Unix seconds.
            to: End of the range, Unix seconds; instant targets are evaluated here.

        Returns:
            Series and errors by refId. A target that failed is in ``errors``, since the others are still of
            use; ``GrafanaResult.of`` raises for it.

        Raises:
            QueryError: No query was given, or two share a refId: nothing was sent.
            ProbeError: Any failure of the request as a whole; see ``errors``.
        """
        ref_ids = [str(query.get("refId", "")) for query in queries]
        if not ref_ids or len(set(ref_ids)) != len(ref_ids) or not all(ref_ids):
            raise QueryError(f"a request to /api/ds/query needs one refId for each query, not {ref_ids}")
        body = {
            "queries": [dict(query) for query in queries],
            "from": str(round(from_ * 1000)),
            "to": str(round(to * 1000)),
        }
        response, asked = self._http.send("POST", "/api/ds/query", body=body)
        try:
            raw = self._http.json(response, asked)
        except AnswerFormatError:
            self._http.fail_unless_ok(response, asked)
            raise
        results = raw.get("results") if isinstance(raw, dict) else None
        if not isinstance(results, dict):
            # A target that failed makes it 400 (or 207), with results; anything else is a failure.
            self._http.fail_unless_ok(response, asked)
            raise AnswerFormatError(
                f"Grafana's answer to {asked} has no results: {self._http.head(response)}",
                asked=asked,
                status=response.status_code,
                body_head=self._http.head(response),
            )
        return self._read(body, response, asked, raw)

    def _read(
        self, body: Mapping[str, Any], response: requests.Response, asked: str, raw: Mapping[str, Any]
    ) -> GrafanaResult:
        series: dict[str, tuple[FrameSeries, ...]] = {}
        counts: dict[str, int] = {}
        errors: dict[str, str] = {}
        executed: dict[str, str] = {}
        for ref_id, result in raw["results"].items():
            try:
                series[ref_id], counts[ref_id], said, executed[ref_id] = read_target(ref_id, result)
                if said:
                    errors[ref_id] = self._http.redact(said)
            except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
                head = self._http.redact(str(result))[:300]
                what = f"unreadable frames for target {ref_id} ({error})"
                raise AnswerFormatError(
                    f"Grafana's answer to {asked} has {what}: {head}",
                    asked=asked,
                    status=response.status_code,
                    body_head=head,
                ) from error
        if response.status_code // 100 != 2 and not errors:
            self._http.fail_unless_ok(response, asked)
        return GrafanaResult(
            request=body,
            status=response.status_code,
            series=series,
            frame_counts=counts,
            errors=errors,
            executed=executed,
            raw=raw,
        )

    def _object(self, data: Any, asked: str) -> Mapping[str, Any]:
        if not isinstance(data, dict):
            raise AnswerFormatError(f"Grafana's answer to {asked} is no JSON object: {str(data)[:200]}", asked=asked)
        return data

    def _objects(self, data: Any, asked: str) -> Sequence[Mapping[str, Any]]:
        if not isinstance(data, list) or not all(isinstance(item, dict) for item in data):
            raise AnswerFormatError(f"Grafana's answer to {asked} is no list: {str(data)[:200]}", asked=asked)
        return data


def read_target(ref_id: str, result: Mapping[str, Any]) -> tuple[tuple[FrameSeries, ...], int, str, str]:
    """Read one target's part of an answer to ``/api/ds/query``.

    Returns:
        Its series, the number of its frames, its error or "", and the query as the datasource ran it or "".

    Raises:
        AttributeError, IndexError, KeyError, TypeError, ValueError: It is not of that form.
    """
    frames = result.get("frames") or []
    series = tuple(one for frame in frames for one in series_of_frame(ref_id, frame))
    return series, len(frames), str(result.get("error") or ""), _executed(frames)


def _executed(frames: Sequence[Mapping[str, Any]]) -> str:
    for frame in frames:
        meta = frame.get("schema", {}).get("meta") or {}
        if meta.get("executedQueryString"):
            return str(meta["executedQueryString"])
    return ""
