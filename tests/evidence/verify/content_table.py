"""What can be changed in the contents of a bundle, and what `verify` says even if it was signed again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from evidence.bundle import layout
from tests.evidence.genuine import CORE
from tests.evidence.verify.changes import (
    answer,
    claim,
    edit,
    edit_both,
    frame,
    frame_value,
    frames_of,
    from_other,
    later,
    log_of,
    put,
    query,
    raw_value,
    remove,
    swap,
)

# What is done -> what must be said even of a bundle with renewed hashes and a new signature by the right key.
CONTENT: dict[str, tuple[Callable[[Path, Path], object], str]] = {
    "another run's Prometheus answers": (
        lambda b, o: from_other(b, o, "prometheus_query_result.json", "e2e/compose/prometheus_query_result.json"),
        "prometheus_query_result.json: is of the run 20260102T030535Z",
    ),
    "another run's Grafana answers": (
        lambda b, o: from_other(b, o, "grafana_api_result.json", "e2e/compose/grafana_api_result.json"),
        "grafana_api_result.json: is of the run 20260102T030535Z",
    ),
    "another run's report, textfile and answers": (
        lambda b, o: from_other(
            b,
            o,
            *(
                f"e2e/embedded/{name}"
                for name in (
                    "prometheus_query_result.json",
                    "grafana_api_result.json",
                    "preflight_report.json",
                    "arbitrage_preflight_paper.prom",
                )
            ),
        ),
        "manifest.json: says stacks",
    ),
    "another run's report alone": (
        lambda b, o: from_other(b, o, "e2e/embedded/preflight_report.json"),
        "has other samples than preflight_report.json",
    ),
    "a claim's status": (
        lambda b, _: edit(b / "claims.json", lambda d: d["criteria"][0].update(status="FAIL", text="FAIL")),
        "claims.json: says of AC-1 status: 'FAIL'; the records say 'PASS'",
    ),
    "a stand-in made the original": (
        lambda b, _: edit(b / "claims.json", lambda d: d["claims"][1].update(on=["Grafana 13 (official image)"])),
        "claims.json: says of value on: ['Grafana 13 (official image)']",
    ),
    "a claim left out": (
        lambda b, _: edit(b / "claims.json", lambda d: d["claims"].pop()),
        "claims.json: holds other claims than its own table",
    ),
    "no claims at all": (lambda b, _: remove(b / "claims.json"), "claims.json: is missing"),
    "the bill of materials of another run": (
        lambda b, o: from_other(b, o, layout.SBOM),
        "sbom.cdx.json: is of ",
    ),
    "no bill of materials": (lambda b, _: remove(b / layout.SBOM), "sbom.cdx.json is missing"),
    "a part that has no licence any more": (
        lambda b, _: edit(b / layout.SBOM, lambda d: d["components"][0].pop("licenses")),
        "sbom.cdx.json: $.components[0]: 'licenses' is a required property",
    ),
    "the copy at the top only": (
        lambda b, o: from_other(b, o, "prometheus_query_result.json"),
        "prometheus_query_result.json: differs from the one in e2e/compose",
    ),
    "a metric's value": (
        lambda b, _: edit_both(b, "prometheus_query_result.json", lambda d: query(d).update(value=2.0)),
        "says 2.0 where 1.0 was expected",
    ),
    "a metric's value and what was expected": (
        lambda b, _: edit_both(b, "prometheus_query_result.json", lambda d: query(d).update(value=2.0, expected=2.0)),
        "the report says 1.0",
    ),
    "a metric's raw value": (
        lambda b, _: edit_both(b, "prometheus_query_result.json", raw_value),
        "the raw answer has other values than the report",
    ),
    "a metric's raw answer alone": (
        lambda b, _: edit_both(
            b,
            "prometheus_query_result.json",
            lambda d: query(d)["raw"]["data"]["result"][0]["value"].__setitem__(1, "9"),
        ),
        "its samples are not those of the raw answer",
    ),
    "a metric left out": (
        lambda b, _: edit_both(b, "prometheus_query_result.json", lambda d: d["queries"].pop()),
        "arbitrage_preflight_ready_for_live was not seen in Prometheus",
    ),
    "an answer of another day": (
        lambda b, _: edit_both(b, "prometheus_query_result.json", later),
        "was not asked between this run's end and the gate's",
    ),
    "a panel's frames from another run": (
        lambda b, o: edit_both(b, "grafana_api_result.json", frames_of(o)),
        "Preflight Last Success: was seen with the timestamp of another run",
    ),
    "a panel's value": (
        lambda b, _: edit_both(b, "grafana_api_result.json", lambda d: d["panels"][0].update(last_value=0.0)),
        "Preflight Last Success: says 0.0; its frames say",
    ),
    "a panel's frames and value": (
        lambda b, _: edit_both(b, "grafana_api_result.json", frame_value),
        "the report gives {'paper': 1.0}",
    ),
    "a panel's query": (
        lambda b, _: edit_both(b, "grafana_api_result.json", lambda d: d["panels"][0].update(queries=["1"])),
        "its queries are not those of the request",
    ),
    "a value of another dashboard's panel": (
        lambda b, _: edit(b / "e2e/compose/panels.json", lambda d: d["panels"][0]["values"][0].update(value=3.0)),
        "panels.json: d77_system_health, Runs: shows",
    ),
    "a panel's answer to another query": (
        lambda b, _: edit_both(
            b, "grafana_api_result.json", lambda d: frame(d["panels"][0])["schema"].update(refId="Z")
        ),
        "the answer to A has the status 200 and frames of ['Z']",
    ),
    "a panel's failed answer": (
        lambda b, _: edit_both(b, "grafana_api_result.json", lambda d: answer(d["panels"][0]).update(status=500)),
        "the answer to A has the status 500",
    ),
    "a panel's timestamp asked of something else": (
        lambda b, _: edit_both(
            b, "grafana_api_result.json", lambda d: d["panels"][0]["request"]["queries"][-1].update(expr="vector(1)")
        ),
        "the run's timestamp was asked by vector(1)",
    ),
    "a query without an answer": (
        lambda b, _: edit(
            b / "e2e/compose/panels.json",
            lambda d: d["panels"][0]["request"]["queries"].append({"refId": "B", "expr": "1"}),
        ),
        "was asked ['A', 'B', 'MARKRUN'], and ['A', 'MARKRUN'] were answered",
    ),
    "a time of another dashboard's panel": (
        lambda b, _: edit(b / "e2e/compose/panels.json", lambda d: d["panels"][0]["values"][0].update(time=3.0)),
        "panels.json: d77_system_health, Runs: shows",
    ),
    "the picture of another panel": (
        lambda b, _: edit(b / "e2e/compose/panels.json", lambda d: d["panels"][0].update(id=2)),
        "has the picture of another panel: d77_system_health/1-runs.svg",
    ),
    "no pictures": (
        lambda b, _: edit(b / "e2e/compose/pictures.json", lambda d: d.update(pictures={})),
        "its picture d77_system_health/1-runs.svg is missing",
    ),
    "a request of no time": (
        lambda b, _: edit(b / "e2e/compose/panels.json", lambda d: d["panels"][0]["request"].update(to="now")),
        "request and raw answer are not Grafana's",
    ),
    "a query's address": (
        lambda b, _: edit_both(
            b, "prometheus_query_result.json", lambda d: query(d).update(url="http://127.0.0.1/api/v1/query?query=1")
        ),
        "the address that was asked holds another query",
    ),
    "a value's place": (
        lambda b, _: edit_both(
            b, "prometheus_query_result.json", lambda d: query(d)["labels"].update(instance="elsewhere:9100")
        ),
        "its labels and time are of no sample of the raw answer",
    ),
    "how long the run took": (
        lambda b, _: edit(b / "e2e/compose/preflight_report.json", lambda d: d.update(duration_seconds=60.0)),
        "says it took 60 s; from its start to its end it is 2.5",
    ),
    "where the run wrote": (
        lambda b, _: edit(b / "e2e/compose/preflight_report.json", lambda d: d.update(textfile="textfile/other.prom")),
        "says it wrote textfile/other.prom in the env paper",
    ),
    "a check under another's name": (
        lambda b, _: edit(b / "e2e/compose/preflight_report.json", lambda d: d["checks"][0].update(id="exchange")),
        "says that exchange ended as pass, and has not counted it",
    ),
    "a check of another time": (
        lambda b, _: edit(b / "e2e/compose/preflight_report.json", lambda d: d["checks"][0].update(started_at=9.0)),
        "says that environment ran outside the run",
    ),
    "a bucket without a bound": (
        lambda b, _: edit(
            b / "e2e/compose/preflight_report.json",
            lambda d: next(one for one in d["metrics"] if "le" in one["labels"])["labels"].update(le="wide"),
        ),
        "preflight_report.json: is not a preflight report of a recorded run",
    ),
    "a message of another day": (
        lambda b, _: edit(b / "e2e/compose/telegram_chat.json", lambda d: d["chat"][0].update(at=9.0)),
        "telegram_chat.json: holds a message from outside the time of its gate",
    ),
    "another machine": (
        lambda b, _: edit(b / "e2e/compose/versions.json", lambda d: d.update(platform="Plan 9")),
        "versions.json: says platform: Plan 9; run.json says",
    ),
    "the stand-in called Grafana": (
        lambda b, _: edit(
            b / "e2e/embedded/versions.json",
            lambda d: d["grafana"].update(kind="image", version="12.4.4", label="Grafana 12.4.4 (official image)"),
        ),
        "e2e/embedded/docker_status.txt: does not say 'grafana: Grafana 12.4.4",
    ),
    "one stack's folder under the other's name": (
        lambda b, _: shutil.copytree(b / "e2e/compose", b / "e2e/embedded", dirs_exist_ok=True),
        "e2e/embedded/versions.json: is of the stack 'compose'",
    ),
    "JUnit's total": (
        lambda b, _: swap(b / layout.gate_junit("core"), 'tests="4"', 'tests="5"'),
        "core.junit.xml: says tests: 5 over 4 cases",
    ),
    "JUnit's outcome": (
        lambda b, _: swap(
            b / layout.gate_junit("core"), "</testcase></testsuite>", "<failure/></testcase></testsuite>"
        ),
        "shows another outcome of tests.test_gate::test_it[b::c] than the report log",
    ),
    "a test out of JUnit": (
        lambda b, _: swap(
            b / layout.gate_junit("core"), '<testcase classname="tests.test_model" name="test_it[a]"></testcase>', ""
        ),
        "has no tests.test_model::test_it[a] of the report log",
    ),
    "a failed test called passed": (
        lambda b, _: log_of(
            b,
            "core",
            lambda lines: [{**line, "outcome": "failed"} if line.get("when") == "call" else line for line in lines],
        ),
        "not passing: the result is FAILED: core: 4 failed",
    ),
    "a test out of the report log": (
        lambda b, _: log_of(b, "core", lambda lines: [line for line in lines if line.get("nodeid") != CORE[0]]),
        f"core: 1 had to run and did not: {CORE[0]}",
    ),
    "a skipped test called passed": (
        lambda b, _: log_of(
            b,
            "core",
            lambda lines: [{**line, "outcome": "skipped"} if line.get("when") == "setup" else line for line in lines],
        ),
        "core: 4 skipped",
    ),
    "the end out of the report log": (
        lambda b, _: log_of(b, "core", lambda lines: lines[:-1]),
        "core: pytest did not come to its end",
    ),
    "a report log of another time": (
        lambda b, _: log_of(
            b,
            "core",
            lambda lines: [{**line, **({"start": 1.0, "stop": 2.0} if "when" in line else {})} for line in lines],
        ),
        "has tests outside the time of gates/core.json",
    ),
    "a gate's counts": (
        lambda b, _: edit(b / layout.gate_record("core"), lambda d: d["counts"].update(passed=2450)),
        "gates/core.json: says counts:",
    ),
    "a gate's clock set back": (
        lambda b, _: edit(b / layout.gate_record("core"), lambda d: d.update(started_at="2025-01-01T00:00:00.000Z")),
        "gates/core.json: begins before the run itself",
    ),
    "a gate taken out": (
        lambda b, _: remove(*(b / "gates").glob("core.*")),
        "fast and e2e only: core did not run",
    ),
    "another commit": (
        lambda b, _: edit(b / layout.RUN, lambda d: d["git"].update(commit="f" * 40, short="f" * 7)),
        "run.json: names itself 20260102T030405Z-0123456; by its start and commit it is 20260102T030405Z-fffffff",
    ),
    "another start": (
        lambda b, _: edit(b / layout.RUN, lambda d: d.update(started_at="2026-01-01T03:04:05.250Z")),
        "by its start and commit it is 20260101T030405Z-0123456",
    ),
    "a document of an older schema": (
        lambda b, _: edit_both(b, "prometheus_query_result.json", lambda d: d.update(schema_version=1)),
        "prometheus_query_result.json: $.schema_version",
    ),
    "half a document": (
        lambda b, _: put(b / "e2e/compose/panels.json", "{"),
        "e2e/compose/panels.json: e2e/compose/panels.json is not JSON",
    ),
    "the manifest's stack": (claim(stacks={}), "manifest.json: says stacks: {}"),
    "the manifest's result": (claim(result="FAILED", reasons=["so"]), "manifest.json: says result: 'FAILED'"),
    "the manifest's scope": (claim(scope="every gate"), "manifest.json: says scope: 'every gate'"),
    "the manifest's clock ahead": (claim(end="2027-01-01T00:00:00.000Z"), "one of the clocks is wrong"),
    "the manifest's clock set back": (claim(end="2026-01-02T03:04:06.000Z"), "was sealed before the end of core"),
}
