from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft202012Validator

from evidence.attest import keys
from evidence.cli import main
from tests.evidence.genuine import CORE, E2E, Genuine
from tests.evidence.verify.changes import put

#: What the format's own specification requires of a document, in short.
CTRF = {
    "type": "object",
    "required": ["reportFormat", "specVersion", "results"],
    "properties": {
        "reportFormat": {"const": "CTRF"},
        "specVersion": {"type": "string", "pattern": r"^\d+\.\d+\.\d+$"},
        "results": {
            "type": "object",
            "required": ["tool", "summary", "tests"],
            "properties": {
                "tool": {"type": "object", "required": ["name"]},
                "summary": {
                    "type": "object",
                    "required": ["tests", "passed", "failed", "pending", "skipped", "other", "start", "stop"],
                    "additionalProperties": {"type": "integer", "minimum": 0},
                },
                "tests": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["name", "status", "duration"],
                        "properties": {
                            "status": {"enum": ["passed", "failed", "skipped", "pending", "other"]},
                            "duration": {"type": "integer", "minimum": 0},
                            "suite": {"type": "array", "items": {"type": "string"}},
                        },
                    },
                },
                "environment": {"type": "object"},
            },
        },
    },
}


def export(bundle: Path, form: str) -> bytes:
    target = bundle.parent / f"out.{form}"
    assert main(["export", str(bundle), "--format", form, "--output", str(target)]) == 0
    return target.read_bytes()


def test_junit_has_the_suites_of_all_gates(tmp_path: Path) -> None:
    """Each under its gate's name, and the totals are theirs."""
    bundle = Genuine(outcomes={CORE[0]: "failed", E2E[1]: "skipped"}).seal(tmp_path).path
    root = ET.fromstring(export(bundle, "junit"))  # noqa: S314 -- our own text
    assert [suite.get("name", "").partition(":")[0] for suite in root] == [
        "core",
        "e2e-compose",
        "e2e-embedded",
        "fast",
    ]
    assert {name: root.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "10", "failures": "2", "errors": "0", "skipped": "2",
    }  # fmt: skip
    assert len(list(root.iter("testcase"))) == 10


def test_ctrf_has_every_test_of_every_gate(tmp_path: Path) -> None:
    """It follows the format, and its numbers are those of the tests in it."""
    bundle = Genuine(outcomes={CORE[0]: "failed", E2E[1]: "skipped"}, seconds={CORE[1]: 0.5}).seal(tmp_path).path
    document = json.loads(export(bundle, "ctrf"))
    assert list(Draft202012Validator(CTRF).iter_errors(document)) == []
    results = document["results"]
    counts = {name: results["summary"][name] for name in ("tests", "passed", "failed", "skipped", "pending", "other")}
    assert counts == {"tests": 10, "passed": 6, "failed": 2, "skipped": 2, "pending": 0, "other": 0}
    core = {test["name"]: test for test in results["tests"] if test["suite"] == ["core"]}
    assert (core[CORE[0]]["status"], core[CORE[1]]["duration"]) == ("failed", 1500)
    assert results["environment"]["extra"] == {
        "bundle": bundle.name, "result": "FAILED", "scope": "all gates", "signature": "UNSIGNED",
    }  # fmt: skip
    assert 0 < results["summary"]["start"] < results["summary"]["stop"]


def test_what_proves_nothing_does_not_read_as_passed(tmp_path: Path) -> None:
    """A test without an end is a failure in CTRF."""
    bundle = Genuine(gates=("core",), cut=frozenset({"core"})).seal(tmp_path).path
    tests = json.loads(export(bundle, "ctrf"))["results"]["tests"]
    assert (tests[-1]["status"], tests[-1]["rawStatus"]) == ("failed", "begun")


def test_intoto_is_the_signed_statement(tmp_path: Path) -> None:
    """Byte for byte, so that its signature holds elsewhere."""
    keys.generate(tmp_path / "key")
    signer = keys.configured({keys.KEY_FILE_VARIABLE: str(tmp_path / "key")})
    bundle = Genuine().seal(tmp_path / "artifacts", signer).path
    assert export(bundle, "intoto") == (bundle / "statement.dsse.json").read_bytes()


def test_an_unsigned_bundle_has_no_statement(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One sentence says so, and nothing is written."""
    bundle = Genuine().seal(tmp_path).path
    assert main(["export", str(bundle), "--format", "intoto", "--output", str(tmp_path / "out")]) == 1
    assert "is UNSIGNED: it holds no statement" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("form", ["junit", "ctrf"])
def test_a_bundle_without_tests_has_nothing_to_export(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An empty document would read as a run in which nothing failed."""
    bundle = Genuine(gates=()).seal(tmp_path).path
    assert main(["export", str(bundle), "--format", form, "--output", str(tmp_path / "out")]) == 1
    assert "holds no" in capsys.readouterr().err


def test_a_changed_bundle_is_not_exported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is not what was sealed is not handed on in another form."""
    bundle = Genuine().seal(tmp_path).path
    put(bundle / "gates/core.junit.xml", "<testsuites/>")
    assert main(["export", str(bundle), "--format", "junit", "--output", str(tmp_path / "out")]) == 1
    assert "gates/core.junit.xml: " in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With its path."""
    bundle = Genuine().seal(tmp_path / "artifacts").path
    assert main(["export", str(bundle), "--format", "ctrf", "--output", str(tmp_path / "gone" / "out")]) == 1
    assert "cannot be written: No such file or directory" in capsys.readouterr().err
