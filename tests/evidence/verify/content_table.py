"""What can be changed in the contents of a bundle, and what `verify` says even if it was signed again."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path

from evidence.bundle import layout
from tests.evidence.genuine import CORE
from tests.evidence.verify.changes import (
    answer,
    case_twice,
    claim,
    content,
    edit,
    edit_both,
    encoded,
    frame,
    frame_value,
    frames_of,
    from_other,
    label_of_an_original,
    later,
    log_of,
    pictures_swapped,
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
    "a claim twice": (
        lambda b, _: edit(b / "claims.json", lambda d: d["claims"].append(d["claims"][0])),
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
    "a stand-in's label made the original's": (
        label_of_an_original,
        "versions.json: calls the Grafana of the kind stand-in in the version 0.0.0-standin 'Grafana 12.4.4",
    ),
    "a gate on another stack": (
        lambda b, _: edit(b / layout.gate_record("e2e-embedded"), lambda d: d.update(stack="compose")),
        "says that it ran on the stack 'compose'; the gate e2e-embedded is that of 'embedded'",
    ),
    "a gate without a stack on one": (
        lambda b, _: edit(b / layout.gate_record("fast"), lambda d: d.update(stack="compose")),
        "says that it ran on the stack 'compose'; the gate fast is that of none",
    ),
    "the hash of a gate's list": (
        lambda b, _: edit(b / layout.gate_record("core"), lambda d: d.update(expected_sha256="0" * 64)),
        "gates/core.expected.txt: is the list",
    ),
    "a test that was not chosen": (
        lambda b, _: put(
            b / layout.gate_collection("core"),
            json.dumps({"schema_version": 1, "selected": list(CORE[1:]), "deselected": []}),
        ),
        f"gates/core.reportlog.jsonl: 1 ran without having been chosen: {CORE[0]}",
    ),
    "a test twice in JUnit": (case_twice, "has tests.test_model::test_it[a] more often than the report log"),
    "the end of the report log first": (
        lambda b, _: log_of(b, "core", lambda lines: [lines[-1], *lines[:-1]]),
        "it lies outside of a session",
    ),
    "the start of the report log last": (
        lambda b, _: log_of(b, "core", lambda lines: [*lines[1:], lines[0]]),
        "it lies outside of a session",
    ),
    "a test at no time": (
        lambda b, _: log_of(
            b, "core", lambda lines: [{**line, **({"start": math.nan} if "when" in line else {})} for line in lines]
        ),
        "it ended at",
    ),
    "a key twice": (
        lambda b, _: swap(b / "e2e/compose/versions.json", '"stack"', '"stack": "embedded", "stack"'),
        "versions.json is not JSON: the key 'stack' is there twice",
    ),
    "a byte order mark": (
        lambda b, _: encoded(b / "e2e/compose/versions.json", "utf-8-sig"),
        "versions.json is not JSON: Unexpected UTF-8 BOM",
    ),
    "another encoding": (
        lambda b, _: encoded(b / "e2e/compose/versions.json", "utf-16"),
        "versions.json is not JSON: 'utf-8' codec can't decode",
    ),
    "half of a surrogate pair": (
        lambda b, _: swap(b / "e2e/compose/versions.json", '"redis"', r'"redis\ud800"'),
        "versions.json is not JSON: 'utf-8' codec can't encode",
    ),
    "more than any number": (
        lambda b, _: swap(b / "e2e/compose/preflight_report.json", '"ledger"', '"x": 1e999, "ledger"'),
        "preflight_report.json is not JSON: 1e999 is larger than any number",
    ),
    "a document plain and packed": (
        lambda b, _: (b / "e2e/compose/panels.json").write_text(content(b / "e2e/compose/panels.json")),
        "panels.json: lies in the bundle a second time, as e2e/compose/panels.json.gz",
    ),
    "a service's version": (
        lambda b, _: edit(b / "e2e/compose/versions.json", lambda d: d["services"]["redis"].update(version="9.9")),
        "docker_status.txt: says that redis is 7.0.15; versions.json says 9.9",
    ),
    "a package's version": (
        lambda b, _: edit(b / "e2e/compose/versions.json", lambda d: d["packages"].update(pytest="1.0")),
        "versions.json: says pytest 1.0; the bill of materials has",
    ),
    "where a file can be read": (
        lambda b, _: edit(
            b / layout.RUN,
            lambda d: d["git"].update(
                remote="https://github.com/a/b",
                changed=[{"path": "a", "status": "M", "raw_url": "https://elsewhere.example/a"}],
            ),
        ),
        "run.json: says that a can be read at https://elsewhere.example/a, not at https://raw.githubusercontent.com/",
    ),
    "one run for two stacks": (
        lambda b, _: [
            shutil.copyfile(b / "e2e/compose" / name, b / "e2e/embedded" / name)
            for name in ("preflight_report.json", "arbitrage_preflight_paper.prom")
        ],
        "e2e/embedded: is of the run 20260102T030500Z-abcdef01, as compose is",
    ),
    "a gate's log of another gate": (
        lambda b, _: shutil.copyfile(b / layout.FAST_LOG, b / layout.CORE_LOG),
        "full_regression.log: is what the gate fast printed",
    ),
    "a gate's result in its log": (
        lambda b, _: swap(b / layout.CORE_LOG, "FULL", "PARTIAL"),
        "full_regression.log: says that the gate is PARTIAL; it is FULL",
    ),
    "another Prometheus": (
        lambda b, _: edit_both(b, "prometheus_query_result.json", lambda d: d.update(prometheus="http://elsewhere:1")),
        "the Prometheus is http://elsewhere:1",
    ),
    "a query for another time": (
        lambda b, _: edit_both(
            b, "prometheus_query_result.json", lambda d: query(d).update(url=query(d)["url"].replace("time=1", "time="))
        ),
        "and answered for another",
    ),
    "a metric twice": (
        lambda b, _: edit_both(b, "prometheus_query_result.json", lambda d: d["queries"].append(query(d))),
        "arbitrage_preflight_runs_total: is there 2 times",
    ),
    "a panel of the row twice": (
        lambda b, _: edit_both(b, "grafana_api_result.json", lambda d: d["panels"].append(d["panels"][0])),
        "Preflight Last Success: is there 2 times",
    ),
    "the dashboard's uid": (
        lambda b, _: edit_both(b, "grafana_api_result.json", lambda d: d["dashboard"].update(uid="other")),
        "is of the dashboard other, which was not served",
    ),
    "the dashboard's title": (
        lambda b, _: edit_both(b, "grafana_api_result.json", lambda d: d["dashboard"].update(title="Other")),
        "calls the dashboard d77_system_health 'Other'; it is 'System Health'",
    ),
    "the row's title": (
        lambda b, _: edit_both(b, "grafana_api_result.json", lambda d: d.update(row="Other")),
        "is no panel of the row 'Other' of d77_system_health",
    ),
    "the type of a panel of the row": (
        lambda b, _: edit_both(b, "grafana_api_result.json", lambda d: d["panels"][0].update(type="gauge")),
        "says that it is a gauge; the dashboard has a timeseries",
    ),
    "a panel's title": (
        lambda b, _: edit(b / "e2e/compose/panels.json", lambda d: d["panels"][0].update(title="Other")),
        "d77_system_health, Other: says ('Other', 'stat', ('A',)); the dashboard has ('Runs', 'stat', ('A',))",
    ),
    "a panel's type": (
        lambda b, _: edit(b / "e2e/compose/panels.json", lambda d: d["panels"][0].update(type="gauge")),
        "d77_system_health, Runs: says ('Runs', 'gauge', ('A',))",
    ),
    "a panel of no dashboard": (
        lambda b, _: edit(
            b / "e2e/compose/panels.json", lambda d: d["panels"][0].update(id=9, picture="d77_system_health/9-runs.svg")
        ),
        "d77_system_health, Runs: no dashboard has this panel",
    ),
    "a panel left out": (
        lambda b, _: edit(b / "e2e/compose/panels.json", lambda d: d["panels"].pop()),
        "d77_system_health, Redis/Postgres Latency: is not here, and the dashboard has it",
    ),
    "a panel twice": (
        lambda b, _: edit(b / "e2e/compose/panels.json", lambda d: d["panels"].append(d["panels"][0])),
        "d77_system_health: holds the panel 1 2 times",
    ),
    "no dashboards": (
        lambda b, _: remove(b / "e2e/compose/dashboards.json.gz"),
        "e2e/compose/dashboards.json is missing",
    ),
    "dashboards that are none": (
        lambda b, _: edit(b / "e2e/compose/dashboards.json", lambda d: d["dashboards"][0].update(panels=[{"id": "x"}])),
        "dashboards.json: holds no dashboards of Grafana",
    ),
    "two pictures swapped": (pictures_swapped, "1-runs.svg: its title is 'Preflight Last Success', the panel's is"),
    "a picture of no panel": (
        lambda b, _: edit(b / "e2e/compose/pictures.json", lambda d: d["pictures"].update({"x/1-x.svg": [0]})),
        "pictures.json: x/1-x.svg: is the picture of no panel",
    ),
    "a picture of parts that are not there": (
        lambda b, _: edit(
            b / "e2e/compose/pictures.json", lambda d: d["pictures"].update({"d77_system_health/1-runs.svg": [99]})
        ),
        "1-runs.svg: is put together from parts that are not there",
    ),
    "what a panel displayed": (
        lambda b, _: edit(
            b / "e2e/compose/panels.json",
            lambda d: d["panels"][0]["displayed"]["13"]["items"][0].update(text="2"),
        ),
        "1-runs.svg: it does not say 'Displayed: 2.', which its panel displayed",
    ),
    "what another Grafana displayed": (
        lambda b, _: edit(
            b / "e2e/compose/panels.json", lambda d: d["panels"][0]["displayed"]["13"].update(version="12.4.4")
        ),
        "says under 13 what Grafana 12.4.4 displays",
    ),
    "a message's text": (
        lambda b, _: edit(b / "e2e/compose/telegram_chat.json", lambda d: d["chat"][0].update(text="all is well")),
        "has no message 'P1 GO · paper' of the run 20260102T030500Z-abcdef01, which says that it sent one",
    ),
    "messages in another order": (
        lambda b, _: edit(b / "e2e/compose/telegram_chat.json", lambda d: d["chat"].reverse()),
        "holds messages that are not numbered in their order",
    ),
    "a request of another day": (
        lambda b, _: edit(
            b / "e2e/compose/telegram_chat.json",
            lambda d: d["requests"].append({"method": "sendMessage", "fault": "", "at": 9.0, "status": 200}),
        ),
        "holds a request from outside the time of its gate",
    ),
    "what another run printed": (
        lambda b, _: put(b / "e2e/compose/preflight_console.log", "GO\n"),
        "preflight_console.log: does not name the run 20260102T030500Z-abcdef01 and its verdict GO",
    ),
    "two files that are one on some systems": (
        lambda b, _: (b / "RUN.json").write_text("{}"),
        "run.json: is on some systems the same file as RUN.json",
    ),
    "a device's name": (lambda b, _: (b / "nul.txt").write_text(""), "nul.txt: has a name that not every system can"),
    "a name in letters that look alike": (
        lambda b, _: (b / "gates/c\u043ere.json").write_text("{}"),
        "has a name that not every system can hold",
    ),
    "a name that turns the line around": (
        lambda b, _: (b / "logs\u202etxt.exe").write_text(""),
        "has a name that not every system can hold",
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
