from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from evidence.check import check

from evidence import Bundle, errors, manifest
from evidence.results import PrometheusQueryResult


def found(folder: Path) -> str:
    """The problems, a line each."""
    return "\n".join(str(problem) for problem in check(folder))


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the manifest and leave everything else."""
    path = folder / "manifest.json"
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def reseal(folder: Path, name: str) -> None:
    """Make the manifest agree with a changed file, as somebody who hides a change would."""
    edit(folder, lambda document: document["files"].update({name: manifest.describe(folder / name)}))


def test_an_untouched_bundle_has_no_problems(sealed: Path) -> None:
    """What was closed properly checks."""
    assert found(sealed) == ""


def test_through_latest_it_is_the_same(sealed: Path) -> None:
    """The link to the newest bundle is a way in."""
    assert check(sealed.parent / "latest") == ()


def test_a_changed_byte_is_found(sealed: Path) -> None:
    """Same size, other content."""
    (sealed / "logs/redis.log").write_text("READY\n")
    assert "logs/redis.log: sha256 is " in found(sealed)


def test_a_grown_file_is_found(sealed: Path) -> None:
    """Size and checksum both differ."""
    (sealed / "logs/redis.log").write_text("ready\nmore\n")
    assert "logs/redis.log: size is 11, the manifest says 6" in found(sealed)


def test_a_missing_file_is_found(sealed: Path) -> None:
    """A listed file that is gone is named."""
    (sealed / "logs/redis.log").unlink()
    assert "logs/redis.log: is listed in the manifest and missing" in found(sealed)


def test_an_additional_file_is_found(sealed: Path) -> None:
    """A file that is not listed is named."""
    (sealed / "logs/extra.log").write_text("")
    assert "logs/extra.log: lies in the bundle and is not listed" in found(sealed)


def test_a_link_in_place_of_a_file_is_found(sealed: Path, tmp_path: Path) -> None:
    """A file that only points elsewhere is not the file, even with the same content."""
    (sealed / "logs/redis.log").rename(tmp_path / "away.log")
    (sealed / "logs/redis.log").symlink_to(tmp_path / "away.log")
    assert "logs/redis.log: is a symlink" in found(sealed)


def test_a_document_that_breaks_its_schema_is_found(sealed: Path) -> None:
    """A changed document is named with the place, even when its checksum was put right."""
    path = sealed / "prometheus_query_result.json"
    document = json.loads(path.read_text())
    document["queries"][0]["value"] = "1"
    path.write_text(json.dumps(document))
    reseal(sealed, path.name)
    assert "prometheus_query_result.json: $.queries[0].value" in found(sealed)


def test_a_document_that_is_no_json_is_found(sealed: Path) -> None:
    """Half a document is named."""
    (sealed / "collection.json").write_text("{")
    reseal(sealed, "collection.json")
    assert "collection.json: is no JSON" in found(sealed)


def test_another_runs_timestamp_is_found(
    opened: Bundle, sealed: Path, prometheus: Callable[..., PrometheusQueryResult]
) -> None:
    """In a run that says PASSED each metric was seen beside the timestamp of that run."""
    stale = prometheus(seen=opened.start - 60)
    (sealed / "prometheus_query_result.json").write_text(json.dumps(stale.to_dict()))
    reseal(sealed, "prometheus_query_result.json")
    assert "arbitrage_preflight_runs_total was seen with the timestamp of another run" in found(sealed)


@pytest.mark.parametrize(
    ("name", "old", "new", "problem"),
    [
        ("junit.xml", "/></testsuite>", "><failure/></testcase></testsuite>", "junit.xml: failed is 1"),
        ("junit.xml", "/></testsuite>", "><skipped/></testcase></testsuite>", "junit.xml: skipped is 1"),
        ("junit.xml", "/></testsuite>", "><error/></testcase></testsuite>", "junit.xml: error is 1"),
        ("junit.xml", '<testcase classname="test_a" name="test_x" time="0.1"/>', "", "junit.xml: passed is 0"),
        ("junit.xml", "</testsuites>", "", "junit.xml: junit.xml is no XML"),
        ("junit.xml", "<testsuites>", "<!DOCTYPE x><testsuites>", "declares a document type"),
        ("reportlog.jsonl", '"call", "outcome": "passed"', '"call", "outcome": "failed"', "failed is 1"),
        ("reportlog.jsonl", '"when": "call", ', "", "a report without 'when'"),
        ("reportlog.jsonl", '"outcome"', '"outcome', "reportlog.jsonl line 1 is no JSON"),
        ("reportlog.jsonl", "teardown", "setup", "reportlog.jsonl: passed is 0, the manifest says 1"),
        ("collection.json", '"test_a.py::test_x"', '"a", "test_a.py::test_x"', "collected is 2"),
        ("collection.json", '"deselected": []', '"deselected": ["a"]', "collection.json: deselected is 1"),
    ],
)
def test_records_that_tell_another_story_are_found(sealed: Path, name: str, old: str, new: str, problem: str) -> None:
    """Counts must follow from JUnit XML, report log and list of tests, even when checksums were put right."""
    text = (sealed / name).read_text()
    assert old in text
    (sealed / name).write_text(text.replace(old, new))
    reseal(sealed, name)
    assert problem in found(sealed)


@pytest.mark.parametrize("name", ["junit.xml", "reportlog.jsonl", "collection.json"])
def test_counts_without_records_are_not_believed(sealed: Path, name: str) -> None:
    """A bundle that lacks pytest's own records cannot show its counts, listed or not."""
    (sealed / name).unlink()
    edit(sealed, lambda document: document["files"].pop(name))
    assert f"{name} cannot be read" in found(sealed)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda d: d.update(exit_status=1), "manifest.json: says PASSED, its own counts say FAILED"),
        (lambda d: d.update(left_out=["x"]), "manifest.json: says PASSED, its own counts say PARTIAL"),
        (lambda d: d["counts"].update(collected=5, run=5, passed=5), "junit.xml: passed is 1"),
        (lambda d: d["counts"].update(collected=0), "manifest.json: counts do not add up"),
        (lambda d: d.update(complete=True, complete_reason=None), "manifest.json: says complete: True"),
    ],
)
def test_a_manifest_that_claims_too_much_is_found(
    sealed: Path, change: Callable[[dict[str, Any]], object], problem: str
) -> None:
    """Result and completeness must follow from what the manifest itself lists."""
    edit(sealed, change)
    assert problem in found(sealed)


def test_passed_with_a_skip_is_not_even_read(sealed: Path) -> None:
    """The schema itself refuses PASSED beside a skipped test."""
    edit(sealed, lambda document: document["counts"].update(collected=2, skipped=1))
    with pytest.raises(errors.BundleIncompleteError, match=r"\$\.counts\.skipped"):
        check(sealed)
