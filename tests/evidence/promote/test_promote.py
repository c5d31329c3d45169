from __future__ import annotations

import json
from pathlib import Path

import pytest

from evidence import errors
from evidence.attest import keys
from evidence.claims import table
from evidence.promote import documents, places, promote
from tests.evidence.genuine import E2E, Genuine
from tests.evidence.promote.conftest import Checkout


def refused(checkout: Checkout, bundle: Path, said: str, *, key: Path | None = None) -> None:
    """The reason is said, and nothing is written."""
    before = sorted(checkout.root.rglob("*"))
    with pytest.raises(errors.PromotionError, match=said):
        promote(bundle, key=key or checkout.key, root=checkout.root)
    assert sorted(checkout.root.rglob("*")) == before


def test_the_evidence_lies_where_the_seed_says(checkout: Checkout, passed: Path) -> None:
    """Each file is the bundle's own, byte for byte, under the seed's path."""
    promote(passed, key=checkout.key, root=checkout.root)
    folder = checkout.root / "docs/D98/evidence/d98_6"
    names = ("fast_gate.log", "full_regression.log", "prometheus_query_result.json", "grafana_api_result.json")
    for name in (*names, "manifest.json", "statement.dsse.json", "claims.json"):
        assert (folder / name).read_bytes() == (passed / name).read_bytes()
    assert (folder / "step0/docker_status.txt").read_bytes() == (passed / "docker_status.txt").read_bytes()
    assert (folder / "embedded/docker_status.txt").read_bytes() == (
        passed / "e2e/embedded/docker_status.txt"
    ).read_bytes()
    assert (folder / "preflight_paper.prom").is_file()
    assert (checkout.root / places.KEY).read_bytes() == checkout.key.read_bytes()


def test_the_documents_are_written_from_the_claims(checkout: Checkout, passed: Path) -> None:
    """The report holds every criterion with the status of the bundle's claims, in Korean."""
    promote(passed, key=checkout.key, root=checkout.root)
    report = (checkout.root / places.REPORT).read_text(encoding="utf-8")
    claims = json.loads((passed / "claims.json").read_text(encoding="utf-8"))
    for one in claims["criteria"]:
        assert f"| {one['id']} | {one['ko']} | ✅ **{one['text']}** |" in report.replace("\\_", "_").replace("\\`", "`")
    assert passed.name in report
    assert checkout.git("rev-parse", "HEAD") in report
    checkpoint = (checkout.root / places.CHECKPOINT).read_text(encoding="utf-8")
    assert "AC-2" in checkpoint
    assert "D98-6" in (checkout.root / places.ROADMAP).read_text(encoding="utf-8")


def test_a_standin_is_said_in_every_document(checkout: Checkout) -> None:
    """AC-2 on the stand-in is never plain PASS."""
    run = Genuine(own_claims=True, sha=checkout.git("rev-parse", "HEAD"), grafana={"compose": "embedded"})
    promote(checkout.bundle(run), key=checkout.key, root=checkout.root)
    report = (checkout.root / places.REPORT).read_text(encoding="utf-8")
    checkpoint = (checkout.root / places.CHECKPOINT).read_text(encoding="utf-8")
    assert "✅ **PASS (stand-in for Grafana)**" in report
    (line,) = (line for line in checkpoint.splitlines() if "AC-2" in line)
    assert line.endswith("PASS (stand-in for Grafana)")
    for text in (report, checkpoint, (checkout.root / places.ROADMAP).read_text(encoding="utf-8")):
        assert "✅ 완결 (대역 위에서 확인: Telegram, " in text or "대역 위에서 확인: Grafana" in text


def test_the_rest_of_a_document_is_untouched(checkout: Checkout, passed: Path) -> None:
    """Only the part between the markers is written; a second time changes nothing."""
    before = f"# 로드맵\n\n앞\n\n{documents.BEGIN}\n옛것\n{documents.END}\n\n뒤 \\1\n"
    (checkout.root / places.ROADMAP).write_text(before, encoding="utf-8")
    (checkout.root / places.CHECKPOINT).write_text("# 체크\n앞", encoding="utf-8")
    promote(passed, key=checkout.key, root=checkout.root)
    text = (checkout.root / places.ROADMAP).read_text(encoding="utf-8")
    assert text.startswith(f"# 로드맵\n\n앞\n\n{documents.BEGIN}\n")
    assert text.endswith(f"\n{documents.END}\n\n뒤 \\1\n")
    assert "옛것" not in text
    assert (
        (checkout.root / places.CHECKPOINT).read_text(encoding="utf-8").startswith(f"# 체크\n앞\n\n{documents.BEGIN}\n")
    )
    promote(passed, key=checkout.key, root=checkout.root)
    assert (checkout.root / places.ROADMAP).read_text(encoding="utf-8") == text


def test_a_second_promotion_leaves_nothing_of_the_first(checkout: Checkout, passed: Path) -> None:
    """A file that the new bundle has not is gone."""
    promote(passed, key=checkout.key, root=checkout.root)
    (checkout.root / places.FOLDER / "old.log").write_text("x")
    promote(passed, key=checkout.key, root=checkout.root)
    assert not (checkout.root / places.FOLDER / "old.log").exists()


def test_a_bundle_that_did_not_pass_is_refused(checkout: Checkout) -> None:
    """A failure, a skip, a missing gate, a tree with changes."""
    sha = checkout.git("rev-parse", "HEAD")
    refused(
        checkout,
        checkout.bundle(Genuine(own_claims=True, sha=sha, outcomes={E2E[0]: "failed"})),
        "not passing: the result is FAILED",
    )
    skipped = Genuine(own_claims=True, sha=sha, outcomes={E2E[0]: "skipped"})
    refused(checkout, checkout.bundle(skipped, "skipped"), "not passing: the result is PARTIAL")
    e2e = Genuine(own_claims=True, sha=sha, gates=("e2e-embedded",))
    refused(checkout, checkout.bundle(e2e, "e2e"), "e2e only: fast, core, e2e-compose did not run")
    refused(
        checkout,
        checkout.bundle(Genuine(own_claims=True, sha=sha, dirty=True), "dirty"),
        "made from a tree with changes",
    )


def test_a_bundle_that_was_changed_is_refused(checkout: Checkout, passed: Path) -> None:
    """One byte is enough."""
    (passed / "fast_gate.log").write_text("rax\n")
    refused(checkout, passed, "invalid: fast_gate.log: ")


def test_a_bundle_of_another_key_or_none_is_refused(checkout: Checkout, passed: Path, tmp_path: Path) -> None:
    """Only what the given key signed."""
    other, _ = keys.generate(tmp_path / "other")
    refused(checkout, passed, "is not signed by the key", key=other)
    (passed / "statement.dsse.json").unlink()
    refused(checkout, passed, "UNSIGNED")


def test_a_commit_of_another_history_is_refused(checkout: Checkout) -> None:
    """What was tested must be what this checkout stands on."""
    refused(checkout, checkout.bundle(Genuine(own_claims=True)), "the commit 0123456 is no ancestor of HEAD")


def test_a_bundle_of_an_older_commit_is_promoted(checkout: Checkout, passed: Path) -> None:
    """The commit that holds the documents comes after the one that was tested."""
    checkout.commit()
    assert promote(passed, key=checkout.key, root=checkout.root)


def test_claims_of_another_table_are_refused(checkout: Checkout, passed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What this checkout claims is what the bundle must prove."""
    rows = another_table()
    monkeypatch.setattr("evidence.claims.table.load", lambda: rows)
    refused(checkout, passed, "judged by another table of claims")


def another_table() -> table.Table:
    """The table with one claim said otherwise."""
    rows = table.load()
    last = rows.claim[-1].model_copy(update={"en": "another claim"})
    return rows.model_copy(update={"claim": (*rows.claim[:-1], last)})
