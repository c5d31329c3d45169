"""Every way of changing a sealed bundle is named by `verify`, and no bundle that was changed ends with 0.

Each tampering is done three times: as by somebody careless (files only), by somebody who renews the manifest's hashes,
and by somebody who has stolen the key and signs again. What a hash or a signature would find is one thing; that the
records contradict each other must be found even then.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from securesystemslib.signer import CryptoSigner

from evidence.attest import statement
from evidence.bundle import layout
from evidence.verify import Kind, Report, verify
from tests.evidence.genuine import CORE, E2E, SHA, START, Genuine, forge

SIGNER = CryptoSigner.generate_ed25519()
STRANGER = CryptoSigner.generate_ed25519()
NOW = START + 3600.0
DAY = 86400.0
OTHER = Genuine(start=START + 30.0, run_id="20260102T030535Z-00000000", runs=2)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that passes, signed."""
    return Genuine().seal(tmp_path_factory.mktemp("original"), SIGNER).path


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another run's bundle, just as good."""
    return OTHER.seal(tmp_path_factory.mktemp("other"), SIGNER).path


@pytest.fixture
def bundle(original: Path, tmp_path: Path) -> Path:
    """A copy of the first to be changed."""
    return Path(shutil.copytree(original, tmp_path / original.name, symlinks=True))


def look(bundle: Path, **more: Any) -> Report:
    """Verify as somebody does who relies on it."""
    return verify(bundle, **{"key": SIGNER.public_key, "max_age": DAY, "clock": lambda: NOW, **more})


def said(report: Report) -> str:
    """The violations, a line each."""
    return "\n".join(str(violation) for violation in report.violations)


def edit(path: Path, change: Callable[[Any], object]) -> None:
    """Change a JSON document."""
    document = json.loads(path.read_bytes())
    change(document)
    path.write_text(json.dumps(document))


def swap(path: Path, old: str, new: str) -> None:
    """Change a text."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def log_of(bundle: Path, gate: str, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
    """Change a gate's report log, which is packed."""
    path = bundle / (layout.gate_report_log(gate) + ".gz")
    lines = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    text = "".join(json.dumps(line) + "\n" for line in change(lines))
    path.write_bytes(gzip.compress(text.encode(), mtime=0))


def query(document: Any, number: int = 0) -> Any:
    """One query of Prometheus' document."""
    return document["queries"][number]


def both(bundle: Path, name: str) -> tuple[Path, Path]:
    """A document in the stack's folder, and its copy at the top."""
    return bundle / "e2e/compose" / name, bundle / name


def edit_both(bundle: Path, name: str, change: Callable[[Any], object]) -> None:
    """Change a document and its copy alike."""
    for path in both(bundle, name):
        edit(path, change)


def from_other(bundle: Path, other: Path, *names: str) -> None:
    """Put another run's files in the place of these."""
    for name in names:
        shutil.copyfile(other / name, bundle / name)


def drop_test(bundle: Path, test: str = CORE[0]) -> None:
    """Cut one test out of every record: report log, JUnit, list, counts."""
    for gate in ("fast", "core"):
        log_of(bundle, gate, lambda lines: [line for line in lines if line.get("nodeid") != test])
        junit = bundle / layout.gate_junit(gate)
        case = '<testcase classname="tests.test_model" name="test_it[a]"></testcase>'
        swap(junit, case, "")
        count = junit.read_text().count("<testcase")
        swap(junit, f'tests="{count + 1}"', f'tests="{count}"')
        swap(bundle / layout.gate_expected(gate), test + "\n", "")
        edit(
            bundle / layout.gate_record(gate),
            lambda record: record["counts"].update(passed=record["counts"]["passed"] - 1),
        )

    def fewer(document: Any) -> None:
        for gate in ("fast", "core"):
            document["gates"][gate]["counts"]["passed"] -= 1
        document["counts"]["passed"] -= 2

    edit(bundle / layout.MANIFEST, fewer)


def claim(**facts: Any) -> Callable[[Path, Path], None]:
    """Let the manifest claim something else."""
    return lambda bundle, _: edit(bundle / layout.MANIFEST, lambda document: document.update(facts))


def later(document: Any) -> None:
    """Let a query be answered a day later."""
    sample = query(document)["raw"]["data"]["result"][0]
    sample["value"][0] += DAY


def raw_value(document: Any) -> None:
    """Change a value in a raw answer, and all that follows from it in the same document."""
    one = query(document)
    head = next(s for s in one["raw"]["data"]["result"] if s["metric"]["__name__"] == one["samples"][0]["metric"])
    head["value"][1] = "7.0"
    one["samples"][0]["value"] = one["value"] = one["expected"] = 7.0


def frame_value(document: Any) -> None:
    """Change a panel's value in its frames and in what is said of it."""
    panel = document["panels"][0]
    panel["raw"]["results"]["A"]["frames"][0]["data"]["values"][1][-1] = 0.0
    panel["last_value"] = panel["expected"] = 0.0


def frames_of(other: Path) -> Callable[[Any], None]:
    """Return what puts another run's frames into a panel."""
    theirs = json.loads((other / "grafana_api_result.json").read_bytes())
    return lambda document: document["panels"][0].update(raw=theirs["panels"][0]["raw"])


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
        lambda b, _: [path.unlink() for path in (b / "gates").glob("core.*")],
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
        lambda b, _: (b / "e2e/compose/panels.json").write_text("{"),
        "e2e/compose/panels.json: e2e/compose/panels.json is not JSON",
    ),
    "the manifest's stack": (claim(stacks={}), "manifest.json: says stacks: {}"),
    "the manifest's result": (claim(result="FAILED", reasons=["so"]), "manifest.json: says result: 'FAILED'"),
    "the manifest's scope": (claim(scope="every gate"), "manifest.json: says scope: 'every gate'"),
    "the manifest's clock ahead": (claim(end="2027-01-01T00:00:00.000Z"), "one of the clocks is wrong"),
    "the manifest's clock set back": (claim(end="2026-01-02T03:04:06.000Z"), "was sealed before the end of core"),
}


@pytest.mark.parametrize("what", CONTENT)
def test_contents_are_derived_again(what: str, bundle: Path, other: Path) -> None:
    """The files alone, then with renewed hashes, then signed again with the right key: each is found for its reason."""
    tamper, sentence = CONTENT[what]
    tamper(bundle, other)
    careless = look(bundle)
    forge(bundle)
    hashed = look(bundle)
    forge(bundle, signer=SIGNER)
    signed = look(bundle)

    assert (careless.exit_code, hashed.exit_code) == (1, 1)
    assert "statement.dsse.json: says subject" in said(hashed)
    assert signed.exit_code != 0
    assert sentence in said(signed)


def replaced_by_link(bundle: Path, other: Path) -> None:
    """Put a link to the same content in the place of a file."""
    path = bundle / "fast_gate.log"
    path.rename(other.parent / "away.log")
    path.symlink_to(other.parent / "away.log")


def manifest_as_link(bundle: Path, other: Path) -> None:
    """Put a link in the place of the manifest."""
    path = bundle / layout.MANIFEST
    shutil.copyfile(path, other.parent / "away.json")
    path.unlink()
    path.symlink_to(other.parent / "away.json")


# What is done to files as such, and what is said of it.
FILES: dict[str, tuple[Callable[[Path, Path], object], str, int]] = {
    "one byte": (lambda b, _: swap(b / "full_regression.log", "ran", "rAn"), "full_regression.log: sha256 is", 1),
    "a byte in a picture": (
        lambda b, _: (b / "e2e/compose/pictures/d77_system_health/1-runs.svgz").write_bytes(b"x"),
        "1-runs.svgz: size is 1",
        1,
    ),
    "a file added": (lambda b, _: (b / "logs.txt").write_text(""), "logs.txt: lies in the bundle and is not listed", 1),
    "a file removed": (
        lambda b, _: (b / "fast_gate.log").unlink(),
        "fast_gate.log: is listed in the manifest and missing",
        1,
    ),
    "a file renamed": (
        lambda b, _: (b / "fast_gate.log").rename(b / "slow_gate.log"),
        "slow_gate.log: lies in the bundle and is not listed",
        1,
    ),
    "a link": (replaced_by_link, "fast_gate.log: is a link", 1),
    "a link to a folder": (lambda b, o: (b / "more").symlink_to(o), "more: is a link", 1),
    "the manifest as a link": (manifest_as_link, "manifest.json: is a link", 1),
    "a pipe": (lambda b, _: os.mkfifo(b / "pipe"), "pipe: is a pipe", 1),
    "a pipe for a file": (
        lambda b, _: ((b / "fast_gate.log").unlink(), os.mkfifo(b / "fast_gate.log")),
        "fast_gate.log: is a pipe",
        1,
    ),
    "another folder's name": (
        lambda b, _: b.rename(b.with_name("20260102T030406Z-0123456")),
        "this folder is 20260102T030406Z-0123456",
        1,
    ),
    "no manifest": (
        lambda b, _: (b / layout.MANIFEST).unlink(),
        "manifest.json: 20260102T030405Z-0123456 is INCOMPLETE",
        1,
    ),
    "no manifest and no statement": (
        lambda b, _: [(b / name).unlink() for name in (layout.MANIFEST, layout.STATEMENT)],
        "is INCOMPLETE",
        5,
    ),
    "no statement": (lambda b, _: (b / layout.STATEMENT).unlink(), "unsigned: the bundle is UNSIGNED", 3),
    "no run.json": (lambda b, _: (b / layout.RUN).unlink(), "run.json is missing", 1),
    "the manifest emptied": (lambda b, _: (b / layout.MANIFEST).write_text(""), "manifest.json is not JSON", 1),
    "the manifest of an older schema": (
        lambda b, _: edit(b / layout.MANIFEST, lambda d: d.update(schema_version=1)),
        "manifest.json has the schema version 1; this program reads 2",
        1,
    ),
    "the statement of another run": (
        lambda b, o: shutil.copyfile(o / layout.STATEMENT, b / layout.STATEMENT),
        "statement.dsse.json: says subject",
        1,
    ),
    "the manifest and statement of another run": (
        lambda b, o: from_other(b, o, layout.MANIFEST, layout.STATEMENT),
        "manifest.json: says bundle",
        1,
    ),
    "another run's bundle under this name": (
        lambda b, o: (shutil.rmtree(b), shutil.copytree(o, b)),
        "run.json: is of the bundle 20260102T030435Z-0123456",
        1,
    ),
    "a statement that says nothing": (
        lambda b, _: edit(b / layout.STATEMENT, lambda d: d.update(signatures=[])),
        "$.signatures",
        1,
    ),
    "half a statement": (lambda b, _: (b / layout.STATEMENT).write_text("{"), "statement.dsse.json is not JSON", 1),
}


@pytest.mark.parametrize("what", FILES)
def test_files_are_those_that_were_sealed(what: str, bundle: Path, other: Path, tmp_path: Path) -> None:
    """A file changed, added, removed, renamed or replaced is named; none of them is opened where it leads outside."""
    theirs = Path(shutil.copytree(other, tmp_path / "elsewhere" / other.name))
    tamper, sentence, code = FILES[what]
    tamper(bundle, theirs)
    (folder,) = (path for path in tmp_path.iterdir() if path.name.startswith("2026"))

    report = look(folder)

    assert (report.exit_code, sentence in said(report)) == (code, True), said(report)


def test_partial_made_passed(tmp_path: Path) -> None:
    """A PARTIAL run whose manifest, record and statement are made PASSED, with the right key, is not believed."""
    path = Genuine(outcomes={CORE[0]: "skipped"}).seal(tmp_path, SIGNER).path
    edit(path / layout.gate_record("core"), lambda d: d.update(result="FULL", passed=True, reasons=[]))
    edit(path / layout.MANIFEST, lambda d: d.update(result="PASSED", reasons=[], complete=True))
    edit(path / layout.MANIFEST, lambda d: d["gates"]["core"].update(result="FULL", passed=True, reasons=[]))
    forge(path, signer=SIGNER)

    report = look(path)

    assert report.exit_code == 1
    assert "manifest.json: says result: 'PASSED'; its records say 'FAILED'" in said(report)
    assert "gates/core.json: says result: 'FULL'" in said(report)


def test_a_test_cut_out_of_every_record(bundle: Path, tmp_path: Path) -> None:
    """Records that agree with each other cannot show it; the verifier's own list of tests does."""
    mine = tmp_path / "expected.txt"
    mine.write_text("".join(f"{test}\n" for test in (*CORE, *E2E)))
    assert look(bundle, expect_tests=[mine]).violations == ()
    drop_test(bundle)
    forge(bundle, signer=SIGNER)
    edit_statement = look(bundle)
    assert edit_statement.violations == (), said(edit_statement)

    report = look(bundle, expect_tests=[mine])

    assert report.exit_code == 5
    assert f"gates/core.reportlog.jsonl: 1 had to run and did not: {CORE[0]} (expected.txt)" in said(report)


def test_another_key(bundle: Path) -> None:
    """A bundle signed by somebody else is invalid, not merely unsigned."""
    report = look(bundle, key=STRANGER.public_key)
    assert report.exit_code == 1
    assert f"is not signed by the key {STRANGER.public_key.keyid[:12]}" in said(report)


def test_a_strangers_signature_beside_the_right_keys_name(bundle: Path) -> None:
    """To name the right key in the envelope is not enough."""
    document = json.loads((bundle / layout.MANIFEST).read_bytes())
    forged = json.loads(statement.sign(statement.build(document, (bundle / layout.MANIFEST).read_bytes()), STRANGER))
    forged["signatures"][0]["keyid"] = SIGNER.public_key.keyid
    (bundle / layout.STATEMENT).write_text(json.dumps(forged))
    assert "is not signed by the key" in said(look(bundle))


@pytest.mark.parametrize(
    ("more", "kind", "code", "sentence"),
    [
        ({"commit": "f" * 40}, Kind.INVALID, 1, f"is about the commit {SHA}, not {'f' * 40}"),
        ({"commit": ""}, Kind.INVALID, 1, "is about the commit"),
        ({"key": None}, Kind.UNSIGNED, 3, "name the public key by --key"),
        ({"max_age": 60.0}, Kind.STALE, 4, "h ago; at most"),
        ({"clock": lambda: START}, Kind.INVALID, 1, "one of the clocks is wrong"),
    ],
    ids=["commit", "no commit", "no key", "old", "ahead"],
)
def test_what_was_asked_for(bundle: Path, more: dict[str, Any], kind: Kind, code: int, sentence: str) -> None:
    """A genuine bundle of another commit, unsigned, too old or from the future is not relied on."""
    report = look(bundle, **more)
    assert ({violation.kind for violation in report.violations}, report.exit_code) == ({kind}, code)
    assert sentence in said(report)


def test_an_untouched_bundle_is_relied_on(bundle: Path) -> None:
    """With the right key, commit, age and list of tests there is nothing to say."""
    report = look(bundle, commit=SHA[:12])
    assert (report.violations, report.exit_code, report.key_id) == ((), 0, SIGNER.public_key.keyid)
