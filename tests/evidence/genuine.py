"""Makes bundles of the shape that `make test` leaves, through the same writing code, in a fraction of a second.

What the servers would have answered is made from one preflight report, so that a fault put into one of the documents
contradicts the others, as in a real bundle.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from xml.sax.saxutils import quoteattr

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from securesystemslib.signer import CryptoSigner

from evidence import claims, gate_record, git, status, versions
from evidence.attest import statement
from evidence.bundle import Bundle, layout, open_run
from evidence.bundle.seal import Sealed, seal
from evidence.bundle.snapshot import Snapshot, read_folder
from evidence.bundle.writer import point_latest
from evidence.claims import table
from evidence.grafana import GrafanaKind, GrafanaUsed
from evidence.results import (
    Dashboard,
    GrafanaApiResult,
    MetricQuery,
    PanelQuery,
    PrometheusQueryResult,
    QuerySample,
)
from evidence.verdict import derive
from evidence.verdict.gate import Step
from evidence.verdict.report import LAST_RUN, SEVEN, read_report

SEEN = {"ref_id": "A", "title": "", "text": "1", "colour": None, "shown": True}
SHA = "0123456789abcdef0123456789abcdef01234567"
START = 1_767_323_045.25  # 2026-01-02T03:04:05.250Z
#: Panels of the seed's row -> how many series each shows.
ROW = {
    "Preflight Last Success": 1,
    "Preflight Duration P95": 1,
    "Check Status Breakdown": 5,
    "Redis/Postgres Latency": 2,
}
#: As Grafana serves them: one panel above the row of the seed's four, and one without data.
DASHBOARDS: list[dict[str, Any]] = [
    {
        "uid": "d77_system_health",
        "title": "System Health",
        "panels": [
            {"id": 1, "title": "Runs", "type": "stat", "targets": [{"refId": "A"}], "gridPos": {"x": 0, "y": 0}},
            {
                "id": 2, "title": "Preflight Health", "type": "row", "gridPos": {"x": 0, "y": 8},
                "panels": [
                    {
                        "id": number, "title": title, "type": "timeseries",
                        "targets": [{"refId": chr(ord("A") + series)} for series in range(count)],
                    }
                    for number, (title, count) in enumerate(ROW.items(), start=3)
                ],
            },
            {"id": 7, "title": "About", "type": "text", "gridPos": {"x": 0, "y": 20}},
        ],
    }
]  # fmt: skip
PANELS: dict[int, str] = {1: "Runs"} | dict(enumerate(ROW, start=3))  # id -> title
PICTURES: dict[str, Any] = {
    "schema_version": 1,
    "parts": [
        "<svg xmlns='http://www.w3.org/2000/svg' xmlns:dc='http://purl.org/dc/elements/1.1/' ",
        "width='614' height='346'>",
        *(
            f"<metadata><dc:title>{title}</dc:title><dc:description>Displayed: 1.</dc:description></metadata></svg>"
            for title in PANELS.values()
        ),
    ],
    "pictures": {
        f"d77_system_health/{number}-{title.split('/')[0].lower().replace(' ', '-')}.svg": [0, 1, part]
        for part, (number, title) in enumerate(PANELS.items(), start=2)
    },
}
CORE = tuple(f"tests/test_{name}.py::test_it[{case}]" for name in ("model", "gate") for case in ("a", "b::c"))
E2E = ("acceptance/test_metrics.py::test_value", "acceptance/test_panels.py::TestPanels::test_shown[x]")
TESTS = {"fast": CORE[:2], "core": CORE, "e2e-embedded": E2E, "e2e-compose": E2E}
SERVICES = {
    "redis": {"version": "7.0.15", "source": "path"},
    "prometheus": {"version": "3.13.5", "source": "built"},
    "node-exporter": {"version": "1.12.1", "source": "built"},
}
#: Claims that these few tests prove.
CLAIMS = table.Table(
    claim=(
        table.Claim(
            id="model", section="Gates", en="The model is tested.", ko="모델을 시험한다.", tests=(CORE[0][:-3],)
        ),
        table.Claim(
            id="value", section="GAP-2", en="The value arrives.", ko="값이 도착한다.", about=("grafana", "prometheus"),
            tests=(E2E[0],), files=("grafana_api_result.json",), gates=("core",),
        ),
    ),
    criterion=(
        table.Criterion(id="AC-1", en="The model is tested.", ko="모델을 시험한다.", claims=("model",)),
        table.Criterion(id="AC-2", en="The value arrives.", ko="값이 도착한다.", claims=("value",)),
    ),
)  # fmt: skip
#: The tests that the project's own claims stand on.
CLAIMED = tuple(dict.fromkeys(test for claim in table.load().claim for test in claim.tests))
GRAFANA = {
    "embedded": GrafanaUsed(kind=GrafanaKind.STANDIN, version="0.0.0-standin"),
    "compose": GrafanaUsed(kind=GrafanaKind.IMAGE, version="12.4.4", image="grafana/grafana:12.4.4"),
}


@dataclass(frozen=True, slots=True)
class State:
    """A service of a stack."""

    name: str = "redis"
    running: bool = True
    healthy: bool = True
    version: str = "7.0.15"
    detail: str = "ready"


@dataclass(frozen=True, slots=True)
class _Written:
    name: str  # of the bundle's folder
    files: dict[Path, bytes]


_WRITTEN: dict[str, _Written] = {}  # by what was to be written


@dataclass(frozen=True, slots=True, kw_only=True)
class Genuine:
    """A run to be written down."""

    start: float = START
    sha: str = SHA
    dirty: bool = False
    run_id: str = "20260102T030500Z-abcdef01"
    runs: int = 1  # what runs_total says: another run has another number
    gates: Sequence[str] = layout.ALL_GATES
    outcomes: dict[str, str] = field(default_factory=dict)  # node id -> failed or skipped; else passed
    cut: frozenset[str] = frozenset()  # gates whose pytest died
    seconds: dict[str, float] = field(default_factory=dict)  # node id -> how long each of its phases took
    own_claims: bool = False  # the project's claims, and a record of each test that they stand on; else `CLAIMS`
    grafana: dict[str, str] = field(default_factory=dict)  # stack -> the stack whose Grafana it has; else its own

    def write(self, root: Path) -> Path:
        """Write the open bundle; return its folder. The same run is made once and then copied: making takes long."""
        known = _WRITTEN.get(repr(self))
        if known is None or (root / known.name).exists():
            path = self._write(root)
            files = {file.relative_to(path): file.read_bytes() for file in path.rglob("*") if file.is_file()}
            _WRITTEN.setdefault(repr(self), _Written(path.name, files))
            return path
        path = root.absolute() / known.name
        for name, content in known.files.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(content)
        point_latest(path)
        return path

    def _write(self, root: Path) -> Path:
        facts = git.Facts(commit=git.Commit(sha=self.sha, dirty=self.dirty), branch="main", pushed=True)
        path = open_run(root, project=root, command=("make", "test"), clock=lambda: self.start, facts=facts)
        with Bundle.join(path) as bundle:
            for number, gate in enumerate(self.gates):
                begin = self.start + 100.0 * (number + 1)
                stack = gate.removeprefix("e2e-") if gate.startswith("e2e-") else None
                if stack is not None:
                    self._stack(bundle.inside(layout.stack_folder(stack)), stack, begin)
                result = self._gate(bundle, gate, stack, begin)
                name = {"fast": layout.FAST_LOG, "core": layout.CORE_LOG}.get(gate, layout.e2e_log(stack or ""))
                bundle.add_text(name, f"03:04:05 gate {gate}: ran\n03:04:06 gate {gate} {result}: 1 passed in 1 s\n")
        return path

    def seal(self, root: Path, signer: CryptoSigner | None = None) -> Sealed:
        """Write it and seal it."""
        rows = None if self.own_claims else CLAIMS
        return seal(self.write(root), signer=signer, clock=lambda: self.end, rows=rows)

    @property
    def end(self) -> float:
        """When it is sealed."""
        return self.start + 100.0 * (len(self.gates) + 1)

    def tests(self, gate: str) -> tuple[str, ...]:
        """Which tests a gate runs."""
        folder = {"core": "tests/", "fast": "-"}.get(gate, "acceptance/")
        return (*TESTS[gate], *(test for test in CLAIMED if self.own_claims and test.startswith(folder)))

    def _gate(self, bundle: Bundle, gate: str, stack: str | None, begin: float) -> str:
        tests = self.tests(gate)
        bundle.add_text(
            layout.gate_report_log(gate),
            report_log(tests, self.outcomes, begin, cut=gate in self.cut, seconds=self.seconds),
        )
        if gate not in self.cut:
            bundle.add_text(layout.gate_junit(gate), junit(tests, self.outcomes))
        names = bundle.path.parent / f"{gate}.txt"
        names.write_text("".join(f"{test}\n" for test in tests))
        failed = any(self.outcomes.get(test) == "failed" for test in tests)
        outcome = gate_record.write(
            bundle,
            gate=gate,
            stack=stack,
            argv=("python", "-m", "acceptance.gates", gate),
            started_at=begin,
            ended_at=begin + 90,
            exit_code=int(failed),
            expected=names,
            expected_file=f"{gate}.txt",
            steps=[Step(name="ruff", argv=("ruff", "check"), exit_code=0, seconds=1.5)] if gate == "fast" else (),
        )
        names.unlink()
        return outcome.result.value

    def _stack(self, bundle: Bundle, stack: str, begin: float) -> None:
        used = GRAFANA[self.grafana.get(stack, stack)]
        run_id = self.run_id if stack == "compose" else f"{self.run_id[:-8]}{'e' * 8}"
        document, prom = report(run_id, begin + 10, begin + 12.5, runs=self.runs)
        bundle.add_json("preflight_report.json", document)
        bundle.add_text("arbitrage_preflight_paper.prom", prom)
        bundle.add_text("preflight_console.log", f"preflight paper, run {run_id}\nGO\n")
        bundle.add_json("telegram_chat.json", {"schema_version": 1, "chat": chat(begin + 13, run_id), "requests": []})
        bundle.add_text(status.FILE_NAME, status.render(stack, [State()], used))
        bundle.add_json(versions.FILE_NAME, versions.build(stack, {**SERVICES, "grafana": grafana_service(used)}, used))
        bundle.add_text("logs/redis.log", "ready\n")
        prometheus_result(document, begin + 20).write(bundle)
        grafana_result(document, begin + 20, used).write(bundle)
        bundle.add_json("pictures.json", PICTURES, compact=True)
        bundle.add_json("dashboards.json", {"schema_version": 1, "dashboards": DASHBOARDS}, compact=True)
        bundle.add_json("panels.json", panels_document(document, begin + 30, used), compact=True)


def report(run_id: str, started_at: float, ended_at: float, *, runs: int = 1) -> tuple[dict[str, Any], str]:
    """Return a preflight report and the textfile it says it wrote."""
    registry = CollectorRegistry()
    Counter("arbitrage_preflight_runs", "r", ["env"], registry=registry).labels("paper").inc(runs)
    for name, value in (("last_success", 1.0), ("ready_for_live", 0.0), ("last_run_timestamp_seconds", ended_at)):
        Gauge(f"arbitrage_preflight_{name}", "g", ["env"], registry=registry).labels("paper").set(value)
    duration = Histogram(
        "arbitrage_preflight_duration_seconds", "d", ["env"], registry=registry, buckets=(0.1, 1, 5, 10)
    )
    duration.labels("paper").observe(ended_at - started_at)
    redis = Histogram(
        "arbitrage_preflight_realcheck_redis_latency_seconds", "l", ["env", "operation"], registry=registry,
        buckets=(0.001, 0.01, 0.1),
    )  # fmt: skip
    for operation, value in (("ping", 0.0004), ("set", 0.002), ("get", 0.0007)):
        redis.labels("paper", operation).observe(value)
    postgres = Histogram(
        "arbitrage_preflight_realcheck_postgres_latency_seconds", "l", ["env"], registry=registry, buckets=(0.01, 0.1)
    )
    postgres.labels("paper").observe(0.004)
    checks = Counter("arbitrage_preflight_checks", "c", ["env", "check", "status"], registry=registry)
    for check in ("environment", "redis", "postgres"):
        checks.labels("paper", check, "pass").inc()
    prom = "".join(
        line for line in generate_latest(registry).decode().splitlines(keepends=True) if "_created" not in line
    )
    samples = [
        {"name": sample.name, "labels": dict(sample.labels), "value": sample.value}
        for family in text_string_to_metric_families(prom)
        for sample in family.samples
    ]
    sent = [
        {
            "id": f"{run_id}-{severity}", "severity": severity, "outcome": "sent", "at": ended_at, "reason": "",
            "row": "stored", "replayed": False,
        }
        for severity in ("P1", "P2", "P3")  # of the last two the row in Postgres is all there is to send
    ]  # fmt: skip
    return {
        "schema_version": 1,
        "run_id": run_id,
        "version": "0.1.0",
        "env": "paper",
        "mode": "real",
        "strict": False,
        "verdict": "GO",
        "exit_code": 0,
        "ready_for_live": False,
        "reasons": [],
        "notes": [],
        "started_at": started_at,
        "ended_at": ended_at,
        "duration_seconds": ended_at - started_at,
        "recorded": True,
        "checks": [
            {
                "id": check, "status": "pass", "origin": None, "required": True, "waiver": None, "summary": "fine",
                "hint": "", "expected": "", "actual": "", "said": "", "started_at": started_at,
                "duration_seconds": 0.1, "timings": {},
            }
            for check in ("environment", "redis", "postgres")
        ],
        "alerts": {"enabled": True, "reason": "", "pending": 0, "rows_pending": 0, "items": sent, "troubles": []},
        "metrics": samples,
        "textfile": "textfile/arbitrage_preflight_paper.prom",
        "ledger": "ledger/preflight.sqlite",
    }, prom  # fmt: skip


def grafana_service(used: GrafanaUsed) -> dict[str, str]:
    """Return where a Grafana came from."""
    if used.image:
        return {"version": used.version, "source": f"image {used.image} sha256:f1fb7bd769c4", "image": used.image}
    return {"version": used.version, "source": str(used.kind)}


def chat(at: float, run_id: str) -> list[dict[str, Any]]:
    """Return what came into the chat: two messages of one kind, the first about this run, and one of another."""
    texts = (
        f"🟡 <b>P1 GO · paper</b>\ngit &lt;clean&gt;\n{run_id}",
        "🟡 <b>P1 GO · paper</b>\nagain",
        "🔴 <b>P0 NO_GO · test</b>\nno",
    )
    return [
        {"message_id": number, "at": at + number, "parse_mode": "HTML", "text": text, "message_thread_id": None}
        for number, text in enumerate(texts, start=1)
    ]


def prometheus_result(document: dict[str, Any], at: float) -> PrometheusQueryResult:
    """Return what Prometheus answers about a run when it is asked at `at`."""
    result = PrometheusQueryResult(
        run_id=document["run_id"], last_run_timestamp=document["ended_at"], prometheus="http://127.0.0.1:9090"
    )
    for metric, parts in SEVEN.items():
        wanted = [one for one in document["metrics"] if one["name"] in {*parts, LAST_RUN}]
        place = {"instance": "node-exporter:9100", "job": "node-exporter"}
        raw = {
            "status": "success",
            "data": {
                "resultType": "vector",
                "result": [
                    {"metric": {"__name__": one["name"], **one["labels"], **place}, "value": [at, repr(one["value"])]}
                    for one in wanted
                ],
            },
        }
        head = next(one for one in wanted if one["name"] == parts[0])
        query = f'{{__name__=~"{"|".join((*parts, LAST_RUN))}", env="paper"}}'
        result = result.plus(
            MetricQuery(
                metric=metric,
                query=query,
                url=f"http://127.0.0.1:9090/api/v1/query?{urlencode({'query': query, 'time': at})}",
                attempts=2,
                value=head["value"],
                expected=head["value"],
                last_run_timestamp=document["ended_at"],
                labels={**head["labels"], **place},
                sample_time=at,
                samples=tuple(
                    QuerySample(metric=one["name"], labels={**one["labels"], **place}, value=one["value"], time=at)
                    for one in wanted
                ),
                raw=raw,
                elapsed_seconds=1.5,
            )
        )
    return result


def grafana_result(document: dict[str, Any], at: float, used: GrafanaUsed) -> GrafanaApiResult:
    """Return what Grafana's panels show of a run when they are asked at `at`."""
    result = GrafanaApiResult(
        grafana=used,
        run_id=document["run_id"],
        last_run_timestamp=document["ended_at"],
        dashboard=Dashboard(uid="d77_system_health", title="System Health", version=1, url="/d/d77_system_health"),
    )
    for title, values in read_report(document, "report").panels().items():
        request, raw = _answer(values, at, mark=document["ended_at"])
        result = result.plus(
            PanelQuery(
                title=title,
                type="timeseries",
                queries=tuple(query["expr"] for query in request["queries"][:-1]),
                last_value=values if len(values) > 1 else next(iter(values.values())),
                expected=values if len(values) > 1 else next(iter(values.values())),
                last_run_timestamp=document["ended_at"],
                frames=len(values),
                request=request,
                raw=raw,
                attempts=1,
                elapsed_seconds=0.02,
            )
        )
    return result


def panels_document(document: dict[str, Any], at: float, used: GrafanaUsed) -> dict[str, Any]:
    """Return `panels.json`."""
    values = {"Runs": {"runs": 1.0}, **read_report(document, "report").panels()}
    drawn: list[str] = list(PICTURES["pictures"])
    panels = [
        _panel(number, values[title], picture, at, document["ended_at"])
        for (number, title), picture in zip(PANELS.items(), drawn, strict=True)
    ]
    return {"schema_version": 1, "grafana": used.to_dict(), "panels": panels}


def _panel(number: int, values: dict[str, float], picture: str, at: float, mark: float) -> dict[str, Any]:
    request, raw = _answer(values, at, mark=mark)
    sent = request["queries"][:-1]
    return {
        "dashboard": "d77_system_health",
        "id": number,
        "title": PANELS[number],
        "type": "stat" if number == 1 else "timeseries",
        "queries": [query["expr"] for query in sent],
        "displayed": {"13": {"version": "13.2.3", "items": [SEEN], "faults": [], "notes": []}},
        "targets": [query["refId"] for query in sent],
        "values": [
            {"ref_id": query["refId"], "name": name, "labels": {}, "value": value, "time": at - 0.5}
            for query, (name, value) in zip(sent, values.items(), strict=True)
        ],
        "problems": [],
        "request": request,
        "raw": raw,
        "attempts": 1,
        "elapsed_seconds": 0.02,
        "picture": picture,
    }


def _answer(values: dict[str, float], at: float, *, mark: float) -> tuple[dict[str, Any], dict[str, Any]]:
    ids = {name: chr(ord("A") + number) for number, name in enumerate(values)} | {None: "MARKRUN"}
    wanted: dict[Any, float] = {**values, None: mark}
    request = {
        "queries": [{"refId": ids[name], "expr": f"query_of({name or LAST_RUN})"} for name in wanted],
        "from": str(round((at - 300) * 1000)),
        "to": str(round(at * 1000)),
    }
    times = [(at - 1.5) * 1000, (at - 0.5) * 1000]
    results = {
        ids[name]: {
            "status": 200,
            "frames": [
                {
                    "schema": {
                        "refId": ids[name],
                        "fields": [
                            {"name": "Time", "type": "time"},
                            {"name": "Value", "type": "number", "config": {"displayNameFromDS": name or LAST_RUN}},
                        ],
                    },
                    "data": {"values": [times, [None, value]]},
                }
            ],
        }
        for name, value in wanted.items()
    }
    return request, {"results": results}


def report_log(
    tests: Sequence[str],
    outcomes: dict[str, str],
    begin: float,
    *,
    cut: bool = False,
    seconds: Mapping[str, float] | None = None,
) -> str:
    """Return what pytest-reportlog writes; each phase of a test takes `seconds`, 0.1 if they are not given."""
    lines: list[dict[str, Any]] = [{"pytest_version": "9.2.0", "$report_type": "SessionStart"}]
    for number, test in enumerate(tests):
        outcome = outcomes.get(test, "passed")
        phases = {"skipped": ("setup", "teardown")}.get(outcome, ("setup", "call", "teardown"))
        for when in phases:
            said = outcome if when == {"skipped": "setup"}.get(outcome, "call") else "passed"
            moment = begin + number + 1
            lines.append(
                {
                    "nodeid": test, "when": when, "outcome": said, "start": moment, "stop": moment + 0.1,
                    "duration": (seconds or {}).get(test, 0.1), "$report_type": "TestReport",
                }
            )  # fmt: skip
    failed = any(outcomes.get(test) == "failed" for test in tests)
    if cut:
        lines = lines[:-2]
    else:
        lines.append({"exitstatus": int(failed), "$report_type": "SessionFinish"})
    return "".join(json.dumps(line) + "\n" for line in lines)


def junit(tests: Sequence[str], outcomes: dict[str, str]) -> str:
    """Return what pytest writes as JUnit XML."""
    cases = []
    for test in tests:
        path, _, rest = test.partition("::")
        head, bracket, parameters = rest.partition("[")
        *classes, function = head.split("::")
        name = ".".join([path.replace("/", ".").removesuffix(".py"), *classes])
        mark = {"failed": "<failure message='x'/>", "skipped": "<skipped/>"}.get(outcomes.get(test, ""), "")
        cases.append(
            f"<testcase classname={quoteattr(name)} name={quoteattr(function + bracket + parameters)}>{mark}</testcase>"
        )
    found = [outcomes.get(test, "") for test in tests]
    head = (
        f'<testsuite name="pytest" errors="0" failures="{found.count("failed")}" skipped="{found.count("skipped")}" '
        f'tests="{len(tests)}">'
    )
    return f'<?xml version="1.0" encoding="utf-8"?><testsuites>{head}{"".join(cases)}</testsuite></testsuites>'


def claim_again(folder: Path) -> None:
    """Judge the claims of a changed bundle again, as a careful forger does before `forge`."""
    snapshot = read_folder(folder)
    files = {name: data for name, data in snapshot.files.items() if name != "claims.json"}
    bare = Snapshot(name=snapshot.name, files=files)
    (folder / "claims.json").write_text(json.dumps(claims.derive(bare, derive(bare), rows=CLAIMS)))


def forge(folder: Path, *, signer: CryptoSigner | None = None) -> None:
    """Renew the manifest's hashes after a change, and sign anew if there is a key: what a careful forger does."""
    path = folder / layout.MANIFEST
    document = json.loads(path.read_bytes())
    document["files"] = {
        name.relative_to(folder).as_posix(): {
            "sha256": hashlib.sha256(name.read_bytes()).hexdigest(), "size": name.stat().st_size,
        }
        for name in sorted(folder.rglob("*"))
        if name.is_file() and name.name not in {layout.MANIFEST, layout.STATEMENT}
    }  # fmt: skip
    data = json.dumps(document).encode()
    path.write_bytes(data)
    if signer is not None:
        (folder / layout.STATEMENT).write_bytes(statement.sign(statement.build(document, data), signer))
