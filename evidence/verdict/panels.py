"""The panels' documents against the frames that Grafana returned and against the run's report."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from evidence.verdict.frames import Newest, frame_count, newest
from evidence.verdict.report import LAST_RUN, Report

_OK: Final = 200
_MARK: Final = "MARKRUN"  # refId of the query for the run's timestamp, which is added to each request
# Prometheus extrapolates every bucket by one factor, which divides out but for rounding.
_TOLERANCE: Final = 1e-6

Numbers = float | Mapping[str, float]


def contradictions(document: Mapping[str, Any], report: Report, window: tuple[float, float]) -> Iterator[str]:
    """Say what in ``grafana_api_result.json`` does not follow from its frames, the report and the time of the run.

    Args:
        document: follows its schema.
        report: of the run that it claims to show.
        window: begin and end of the gate, Unix seconds.
    """
    if document["run_id"] != report.run_id:
        yield f"is of the run {document['run_id']}, the report of {report.run_id}"
    if document["last_run_timestamp"] != report.ended_at:
        yield f"is of a run that ended at {document['last_run_timestamp']}, the report's at {report.ended_at}"
    expected = report.panels()
    times = Counter(panel["title"] for panel in document["panels"])
    yield from (f"{title}: is there {count} times" for title, count in times.items() if count > 1)
    for panel in document["panels"]:
        try:
            for text in _panel(panel, expected.get(panel["title"]), report, window):
                yield f"{panel['title']}: {text}"
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            yield f"{panel['title']}: the raw answer is not an answer of Grafana: {error!r}"


def gaps(document: Mapping[str, Any], report: Report) -> Iterator[str]:
    """Say which of the seed's panels were not seen."""
    seen = {panel["title"] for panel in document["panels"]}
    yield from (f"the panel {title} was not seen" for title in report.panels() if title not in seen)


def all_panels(document: Mapping[str, Any], window: tuple[float, float], pictures: frozenset[str]) -> Iterator[str]:
    """Say what in ``panels.json`` does not follow from its frames.

    Args:
        document: follows its schema.
        window: begin and end of the gate, Unix seconds.
        pictures: names of those in ``pictures.json``.
    """
    for panel in document["panels"]:
        place = f"{panel['dashboard']}, {panel['title']}"
        if panel["picture"] not in pictures:
            yield f"{place}: its picture {panel['picture']} is missing"
        if not panel["picture"].startswith(f"{panel['dashboard']}/{panel['id']}-"):
            yield f"{place}: has the picture of another panel: {panel['picture']}"
        yield from (f"{place}: {text}" for text in _displayed(panel))
        if panel["raw"] is None:
            if panel["values"] or not panel["problems"]:
                yield f"{place}: has values or no problem without an answer"
            continue
        try:
            sent = {query["refId"]: query["expr"] for query in panel["request"]["queries"]}
            shown = {
                (one.ref_id, one.name, one.value, one.time)
                for one in newest(panel["raw"])
                if one.ref_id in panel["targets"]
            }
            mixed = list(_mixed(panel["request"], panel["raw"]))
            asked = float(panel["request"]["to"]) / 1000
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            yield f"{place}: request and raw answer are not Grafana's: {error!r}"
            continue
        yield from (f"{place}: {text}" for text in mixed if not panel["problems"])
        said = {(value["ref_id"], value["name"], value["value"], value["time"]) for value in panel["values"]}
        if said != shown and not panel["problems"]:
            yield f"{place}: shows {sorted(said - shown, key=str)[:3]}, which its frames do not"
        if panel["queries"] != [sent.get(target) for target in panel["targets"]]:
            yield f"{place}: its queries are not those that were sent"
        if not window[0] <= asked <= window[1] + _ROUNDED:
            yield f"{place}: was asked for a time outside of the run"


def _displayed(panel: Mapping[str, Any]) -> Iterator[str]:
    for major, displayed in panel["displayed"].items():
        if displayed["version"].partition(".")[0] != major:
            yield f"says under {major} what Grafana {displayed['version']} displays"


_ROUNDED: Final = 0.001  # seconds: Grafana takes milliseconds


def _mixed(request: Mapping[str, Any], raw: Mapping[str, Any]) -> Iterator[str]:
    """Say which answers are of no query that was sent, or of another one."""
    sent = {query["refId"]: query["expr"] for query in request["queries"]}
    if sent.keys() != raw["results"].keys():
        yield f"was asked {sorted(sent)}, and {sorted(raw['results'])} were answered"
    if LAST_RUN not in sent.get(_MARK, LAST_RUN):
        yield f"the run's timestamp was asked by {sent[_MARK]}"
    for ref_id, result in raw["results"].items():
        others = {frame["schema"].get("refId", ref_id) for frame in result.get("frames") or ()} - {ref_id}
        if others or result.get("status", _OK) != _OK:
            yield f"the answer to {ref_id} has the status {result.get('status')} and frames of {sorted(others)}"


def _panel(
    panel: Mapping[str, Any], wanted: Mapping[str, float] | None, report: Report, window: tuple[float, float]
) -> Iterator[str]:
    request, raw = panel["request"], panel["raw"]
    yield from _mixed(request, raw)
    found = list(newest(raw))
    sent = [query["expr"] for query in request["queries"] if query["refId"] != _MARK]
    if sent != panel["queries"]:
        yield "its queries are not those of the request"
    marks = [one.value for one in found if one.ref_id == _MARK]
    if marks != [report.ended_at] or panel["last_run_timestamp"] != report.ended_at:
        yield f"was seen with the timestamp of another run: {marks}, the report's is {report.ended_at}"
    shown = [one for one in found if one.ref_id != _MARK]
    if not _same(_by_name(panel["last_value"], shown), {one.name: one.value for one in shown}, tolerance=0.0):
        yield f"says {panel['last_value']!r}; its frames say {[(one.name, one.value) for one in shown]!r}"
    if wanted is None:
        yield "is not a panel of the seed"
    elif not _same(_by_name(panel["expected"], shown), wanted, tolerance=_TOLERANCE):
        yield f"says that {panel['expected']!r} was expected; the report gives {dict(wanted)!r}"
    elif not _same({one.name: one.value for one in shown}, wanted, tolerance=_TOLERANCE):
        yield f"its frames say {[(one.name, one.value) for one in shown]!r}; the report gives {dict(wanted)!r}"
    if panel["frames"] != frame_count(raw, without=_MARK):
        yield f"says {panel['frames']} frames, the answer has {frame_count(raw, without=_MARK)}"
    times = [one.time for one in found if one.time is not None] + [float(request["to"]) / 1000]
    begin, end = max(window[0], report.ended_at), window[1]
    if any(not begin - _ROUNDED <= time <= end + _ROUNDED for time in times):
        yield f"was not asked between this run's end and the gate's: {sorted(times)}"


def _by_name(numbers: Numbers | None, shown: list[Newest]) -> Mapping[str, float | None]:
    """A single number is that of the only series."""
    if isinstance(numbers, Mapping):
        return numbers
    return {one.name: numbers for one in shown} if len(shown) == 1 else {}


def _same(one: Mapping[str, float | None], other: Mapping[str, float | None], *, tolerance: float) -> bool:
    return one.keys() == other.keys() and all(_close(one[key], other[key], tolerance) for key in one)


def _close(one: float | None, other: float | None, tolerance: float) -> bool:
    if one is None or other is None:
        return False
    return one == other if tolerance == 0 else math.isclose(one, other, rel_tol=tolerance)
