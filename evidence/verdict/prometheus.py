"""``prometheus_query_result.json`` against its own raw answers and against the run's report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from evidence.verdict.report import LAST_RUN, SEVEN, Labels, Report

_WHERE_SCRAPED = frozenset({"instance", "job"})  # labels that Prometheus adds
_ROUNDED = 0.001  # seconds: Prometheus answers in milliseconds


@dataclass(frozen=True, slots=True)
class _Sample:
    name: str
    labels: Labels  # without __name__
    value: float
    time: float  # Unix seconds


def contradictions(document: Mapping[str, Any], report: Report, window: tuple[float, float]) -> Iterator[str]:
    """Say what in the document does not follow from its raw answers, the report and the time of the run.

    Args:
        document: follows its schema.
        report: of the run that it claims to show.
        window: begin and end of the gate, Unix seconds.
    """
    if document["run_id"] != report.run_id:
        yield f"is of the run {document['run_id']}, the report of {report.run_id}"
    if document["last_run_timestamp"] != report.ended_at:
        yield f"is of a run that ended at {document['last_run_timestamp']}, the report's at {report.ended_at}"
    times = Counter(query["metric"] for query in document["queries"])
    yield from (f"{metric}: is there {count} times" for metric, count in times.items() if count > 1)
    for query in document["queries"]:
        if not query["url"].startswith(f"{document['prometheus'].rstrip('/')}/"):
            yield f"{query['metric']}: was asked at {query['url']}, the Prometheus is {document['prometheus']}"
        try:
            for text in _query(query, report, window):
                yield f"{query['metric']}: {text}"
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            yield f"{query['metric']}: the raw answer is not an answer of Prometheus: {error!r}"


def gaps(document: Mapping[str, Any]) -> Iterator[str]:
    """Say which of the seven metrics were not seen."""
    seen = {query["metric"] for query in document["queries"]}
    yield from (f"{metric} was not seen in Prometheus" for metric in SEVEN if metric not in seen)


def _query(query: Mapping[str, Any], report: Report, window: tuple[float, float]) -> Iterator[str]:
    metric = query["metric"]
    parts = SEVEN.get(metric, (metric,))
    samples = _samples(query["raw"])
    if [_form(sample) for sample in samples] != [
        (one["metric"], one["labels"], one["value"], one["time"]) for one in query["samples"]
    ]:
        yield "its samples are not those of the raw answer"
    if not any(part in query["query"] for part in (metric, *parts)):
        yield f"was asked by a query for something else: {query['query']}"
    if parse_qs(urlsplit(query["url"]).query).get("query") != [query["query"]]:
        yield f"the address that was asked holds another query: {query['url']}"

    at = parse_qs(urlsplit(query["url"]).query).get("time")
    if at is not None and any(abs(float(at[0]) - sample.time) > _ROUNDED for sample in samples):
        yield f"was asked for the time {at[0]}, and answered for another"

    marks = [sample.value for sample in samples if sample.name == LAST_RUN]
    if marks != [report.ended_at] or query["last_run_timestamp"] != report.ended_at:
        yield f"was seen with the timestamp of another run: {marks}, the report's is {report.ended_at}"
    found = {(one.name, _own(one.labels)): one.value for one in samples if one.name != LAST_RUN}
    wanted = {(part, labels): value for part in parts for labels, value in report.samples.get(part, {}).items()}
    if not wanted or found != wanted:
        yield f"the raw answer has other values than the report: {_first_difference(found, wanted)}"

    head = (parts[0], _own(frozenset(query["labels"].items())))
    if not query["value"] == query["expected"] == wanted.get(head) == found.get(head):
        yield (
            f"says {query['value']!r} where {query['expected']!r} was expected; "
            f"the report says {wanted.get(head)!r}, the raw answer {found.get(head)!r}"
        )
    if (query["labels"], query["sample_time"]) not in [(dict(one.labels), one.time) for one in samples]:
        yield "its labels and time are of no sample of the raw answer"
    begin, end = window
    times = {sample.time for sample in samples} | {query["sample_time"]}
    if any(not max(begin, report.ended_at) <= time <= end for time in times):
        yield f"was not asked between this run's end and the gate's: {sorted(times)}"


def _samples(raw: Mapping[str, Any]) -> list[_Sample]:
    if raw["status"] != "success" or raw["data"]["resultType"] != "vector":
        raise ValueError("it is not a successful instant vector")
    return [
        _Sample(
            name=one["metric"].get("__name__", ""),
            labels=frozenset((key, value) for key, value in one["metric"].items() if key != "__name__"),
            value=float(one["value"][1]),
            time=float(one["value"][0]),
        )
        for one in raw["data"]["result"]
    ]


def _form(sample: _Sample) -> tuple[str, dict[str, str], float, float]:
    return sample.name, dict(sample.labels), sample.value, sample.time


def _own(labels: Labels) -> Labels:
    return frozenset(label for label in labels if label[0] not in _WHERE_SCRAPED)


def _first_difference(found: Mapping[Any, float], wanted: Mapping[Any, float]) -> str:
    differing = sorted(key for key in found.keys() | wanted.keys() if found.get(key) != wanted.get(key))
    if not differing:
        return "neither has any"
    name, labels = key = differing[0]
    return f"{name}{dict(sorted(labels))} is {found.get(key)}, the report says {wanted.get(key)}"
