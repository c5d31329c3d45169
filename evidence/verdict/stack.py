"""What one stack's evidence says, and where its documents contradict each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from evidence.bundle import layout
from evidence.bundle.snapshot import Snapshot
from evidence.errors import DocumentError
from evidence.problems import Problem
from evidence.verdict import chat, dashboards, made_with, panels, pictures, prometheus
from evidence.verdict.documents import Documents
from evidence.verdict.exposition import read_samples
from evidence.verdict.report import LAST_RUN, Report, read_report

REPORT: Final = "preflight_report.json"
VERSIONS: Final = "versions.json"
STATUS: Final = "docker_status.txt"
PROMETHEUS: Final = "prometheus_query_result.json"
GRAFANA: Final = "grafana_api_result.json"
PANELS: Final = "panels.json"
DASHBOARDS: Final = "dashboards.json"
CONSOLE: Final = "preflight_console.log"
CHAT: Final = "telegram_chat.json"
PICTURES: Final = "pictures.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class StackFiles:
    """One stack's evidence."""

    run_id: str | None  # of the preflight run that was followed; None: there is no report
    grafana: Mapping[str, str] | None  # which Grafana answered
    services: Mapping[str, Mapping[str, str]]  # service -> version, source
    problems: tuple[Problem, ...]  # contradictions
    gaps: tuple[str, ...]  # what a whole run would have shown besides

    def to_dict(self) -> dict[str, Any]:
        """The manifest's form."""
        return {
            "run_id": self.run_id,
            "grafana": None if self.grafana is None else dict(self.grafana),
            "services": {name: dict(facts) for name, facts in self.services.items()},
        }


def read_stack(snapshot: Snapshot, documents: Documents, stack: str, window: tuple[float, float]) -> StackFiles:
    """Read the evidence of a stack.

    Args:
        snapshot: the bundle.
        documents: its documents.
        stack: such as ``compose``.
        window: begin and end of its gate, Unix seconds.
    """
    reading = _Reading(snapshot, documents, layout.stack_folder(stack), stack, window)
    problems = tuple(reading.problems())
    versions = reading.document(VERSIONS) or {}
    report = reading.report()
    return StackFiles(
        run_id=None if report is None else report.run_id,
        grafana=versions.get("grafana"),
        services=versions.get("services") or {},
        problems=problems,
        gaps=tuple(reading.gaps()),
    )


@dataclass(frozen=True, slots=True)
class _Reading:
    snapshot: Snapshot
    documents: Documents
    folder: str
    stack: str
    window: tuple[float, float]

    def path(self, name: str) -> str:
        return f"{self.folder}/{name}"

    def document(self, name: str) -> Mapping[str, Any] | None:
        """Return a document that follows its schema; None where it is missing or does not (that is named elsewhere)."""
        return self.documents.get(self.path(name))

    def report(self) -> Report | None:
        document = self.document(REPORT)
        if document is None:
            return None
        try:
            return read_report(document, REPORT)
        except DocumentError:
            return None

    def problems(self) -> Iterator[Problem]:
        report = self.report()
        if report is None and self.path(REPORT) in self.snapshot.files:
            yield Problem(self.path(REPORT), "is not a preflight report of a recorded run")
        if report is not None:
            yield from self._report(report)
        for name, look in ((PROMETHEUS, prometheus), (GRAFANA, panels)):
            document = self.document(name)
            if document is None:
                continue
            if report is None:
                yield Problem(self.path(name), f"has no readable {REPORT} beside it to be compared with")
                continue
            yield from (Problem(self.path(name), text) for text in look.contradictions(document, report, self.window))
        every = self.document(PANELS)
        if every is not None:
            drawn = frozenset((self.document(PICTURES) or {"pictures": ()})["pictures"])
            yield from (Problem(self.path(PANELS), text) for text in panels.all_panels(every, self.window, drawn))
        yield from self._dashboards()
        talk = self.document(CHAT)
        if talk is not None:
            yield from (Problem(self.path(CHAT), text) for text in chat.contradictions(talk, report, self.window))
        if report is not None:
            yield from self._console(report)
        yield from self._identity()

    def _dashboards(self) -> Iterator[Problem]:
        """The panels' documents name the panels that the dashboards have, and each picture is its panel's."""
        every, drawn, served, row = map(self.document, (PANELS, PICTURES, DASHBOARDS, GRAFANA))
        if every is not None and drawn is not None:
            found = pictures.contradictions(drawn, every)
            yield from (Problem(self.path(PICTURES), text) for text in found)
        if served is None:
            return
        try:
            if every is not None:
                said = list(dashboards.of_all_panels(served, every))
                yield from (Problem(self.path(PANELS), text) for text in said)
            if row is not None:
                said = list(dashboards.of_one_row(served, row))
                yield from (Problem(self.path(GRAFANA), text) for text in said)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            yield Problem(self.path(DASHBOARDS), f"holds no dashboards of Grafana: {error!r}")

    def _console(self, report: Report) -> Iterator[Problem]:
        """What the run printed names it, and its verdict."""
        data = self.snapshot.files.get(self.path(CONSOLE))
        text = "" if data is None else data.decode("utf-8", "replace")
        if data is not None and not (report.run_id in text and report.verdict in text):
            yield Problem(self.path(CONSOLE), f"does not name the run {report.run_id} and its verdict {report.verdict}")

    def gaps(self) -> Iterator[str]:
        """Say what of a whole run's evidence is missing."""
        for name in layout.STACK_FILES:
            if self.path(name) not in self.snapshot.names():
                yield f"{self.path(name)} is missing"
        report = self.report()
        asked, shown = self.document(PROMETHEUS), self.document(GRAFANA)
        if asked is not None:
            yield from (f"{self.stack}: {text}" for text in prometheus.gaps(asked))
        if shown is not None and report is not None:
            yield from (f"{self.stack}: {text}" for text in panels.gaps(shown, report))
        versions = self.document(VERSIONS)
        if versions is not None and not (versions["services"] and versions["grafana"]):
            yield f"{self.path(VERSIONS)} names no Grafana or no services"

    def _report(self, report: Report) -> Iterator[Problem]:
        begin, end = self.window
        if not begin <= report.started_at <= report.ended_at <= end:
            yield Problem(self.path(REPORT), "is of a run outside the time of its gate")
        yield from (Problem(self.path(REPORT), text) for text in report.contradictions())
        prom = self.path(f"arbitrage_preflight_{report.env}.prom")
        if prom not in self.snapshot.files:
            yield Problem(prom, f"is missing beside {REPORT}")
            return
        try:
            written = read_samples(self.snapshot.files[prom], prom)
        except DocumentError as error:
            yield Problem(prom, str(error))
            return
        said = {(name, labels): value for name, found in report.samples.items() for labels, value in found.items()}
        if written != said:
            yield Problem(prom, f"has other samples than {REPORT}")
        marks = [value for (name, _), value in written.items() if name == LAST_RUN]
        if marks != [report.ended_at]:
            yield Problem(prom, f"is of a run that ended at {marks}, the report's at {report.ended_at}")

    def _identity(self) -> Iterator[Problem]:
        versions = self.document(VERSIONS)
        if versions is None:
            return
        if versions["stack"] != self.stack:
            yield Problem(self.path(VERSIONS), f"is of the stack {versions['stack']!r}")
        used = versions["grafana"]
        for name in (GRAFANA, PANELS):
            document = self.document(name)
            if document is not None and document["grafana"] != used:
                yield Problem(self.path(name), f"is of {document['grafana']}, {VERSIONS} says {used}")
        yield from (Problem(self.path(VERSIONS), text) for text in made_with.grafana(versions))
        materials = self.documents.get(layout.SBOM)
        if materials is not None:
            yield from (Problem(self.path(VERSIONS), text) for text in made_with.packages(versions, materials))
        status = self.snapshot.files.get(self.path(STATUS))
        if status is not None:
            found = made_with.status(versions, status.decode("utf-8", "replace"))
            yield from (Problem(self.path(STATUS), text) for text in found)
        if status is not None and used is not None:
            lines = status.decode("utf-8", "replace").splitlines()
            for line in (f"stack: {self.stack}", f"grafana: {used['label']}"):
                if line not in lines:
                    yield Problem(self.path(STATUS), f"does not say {line!r}")
