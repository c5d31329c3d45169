from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner

from evidence import errors, manifest
from evidence.bundle import Bundle, layout
from evidence.bundle.seal import seal
from evidence.verify import verify
from tests.evidence.genuine import CLAIMS, CORE, E2E, START, Genuine


def test_the_bundle_of_all_gates(tmp_path: Path, signer: CryptoSigner) -> None:
    """Every gate ran: PASSED, complete, signed; the seed's five names stand at the top; all files are listed."""
    sealed = Genuine().seal(tmp_path, signer)
    said = sealed.manifest
    assert (said["result"], said["complete"], said["scope"], said["reasons"]) == ("PASSED", True, "all gates", [])
    assert said["counts"]["passed"] == 2 + 4 + 2 + 2
    assert {gate: facts["result"] for gate, facts in said["gates"].items()} == dict.fromkeys(layout.ALL_GATES, "FULL")
    assert sealed.signature == f"SIGNED (key {signer.public_key.keyid[:12]})"
    assert sealed.grafana == "compose: Grafana 12.4.4 (official image); embedded: stand-in"
    seed = {"docker_status.txt", "fast_gate.log", "full_regression.log", *layout.SEED_FILES}
    assert seed <= {path.name for path in sealed.path.iterdir()}
    log = (sealed.path / "fast_gate.log").read_bytes()
    assert said["files"]["fast_gate.log"] == {"sha256": hashlib.sha256(log).hexdigest(), "size": len(log)}
    on_disk = {path.relative_to(sealed.path).as_posix() for path in sealed.path.rglob("*") if path.is_file()}
    assert on_disk == {*said["files"], layout.MANIFEST, layout.STATEMENT}
    assert said == json.loads((sealed.path / layout.MANIFEST).read_text()) == manifest.read(sealed.path)


def test_the_seeds_files_are_those_of_compose_if_it_ran(tmp_path: Path) -> None:
    """At the top stands what compose gave; without it the embedded stack's, which says so inside."""
    for gates, stack in ((layout.ALL_GATES, "compose"), (("e2e-embedded",), "embedded")):
        path = Genuine(gates=gates).seal(tmp_path / stack).path
        assert (path / "docker_status.txt").read_text().startswith(f"stack: {stack}\n")
        for name in layout.SEED_FILES:
            assert (path / name).read_bytes() == (path / "e2e" / stack / name).read_bytes()


@pytest.mark.parametrize(
    ("run", "result", "scope", "reason"),
    [
        (Genuine(gates=("e2e-embedded",)), "PARTIAL", "e2e only", "e2e only: fast, core, e2e-compose did not run"),
        (
            Genuine(gates=("fast", "core")),
            "PARTIAL",
            "fast and core only",
            "fast and core only: e2e-embedded, e2e-compose did not run",
        ),
        (Genuine(gates=layout.ALL_GATES[:3]), "PARTIAL", "fast and core and e2e only", "e2e-compose did not run"),
        (Genuine(gates=()), "INCOMPLETE", "no gate", "no gate: fast, core, e2e-embedded, e2e-compose did not run"),
        (Genuine(outcomes={CORE[3]: "failed"}), "FAILED", "all gates", "core: 1 failed"),
        (Genuine(outcomes={E2E[0]: "skipped"}), "PARTIAL", "all gates", "e2e-compose: 1 skipped"),
        (Genuine(cut=frozenset({"core"})), "INCOMPLETE", "all gates", "core: pytest did not come to its end"),
        (
            Genuine(cut=frozenset({"core"}), outcomes={E2E[0]: "failed"}),
            "FAILED",
            "all gates",
            "e2e-embedded: 1 failed",
        ),
    ],
    ids=["e2e", "fast and core", "no compose", "nothing", "failed", "skipped", "killed", "killed and failed"],
)
def test_less_than_all_is_said(
    *, tmp_path: Path, signer: CryptoSigner, run: Genuine, result: str, scope: str, reason: str
) -> None:
    """A bundle that proves less says how much, and verifies as genuine but not passing."""
    sealed = run.seal(tmp_path, signer)
    assert (sealed.manifest["result"], sealed.manifest["scope"]) == (result, scope)
    assert reason in "\n".join(sealed.manifest["reasons"])
    report = verify(sealed.path, key=signer.public_key, clock=lambda: START + 1000)
    unsigned = "unsigned" if result == "INCOMPLETE" else "not passing"
    assert ({str(one.kind) for one in report.violations} - {"not passing"}) <= {unsigned}
    assert report.exit_code == (3 if result == "INCOMPLETE" else 5)


def test_partial_is_attested_as_failed_and_incomplete_not_at_all(tmp_path: Path, signer: CryptoSigner) -> None:
    """The predicate knows PASSED and FAILED; what was left out was not shown to work."""
    partial = Genuine(outcomes={E2E[0]: "skipped"}).seal(tmp_path / "a", signer)
    envelope = json.loads((partial.path / layout.STATEMENT).read_text())
    predicate = json.loads(base64.b64decode(envelope["payload"]))["predicate"]
    assert (predicate["result"], predicate["passedTests"]) == ("FAILED", ["core", "fast"])
    assert predicate["failedTests"] == ["e2e-compose", "e2e-embedded"]
    incomplete = Genuine(cut=frozenset({"core"})).seal(tmp_path / "b", signer)
    assert incomplete.signature == "UNSIGNED (INCOMPLETE is not attested)"
    assert not (incomplete.path / layout.STATEMENT).exists()


def test_without_a_key_it_is_unsigned(tmp_path: Path) -> None:
    """No key: the verdict stands, and nobody may take it for signed."""
    sealed = Genuine().seal(tmp_path)
    assert sealed.signature == "UNSIGNED (no key is configured)"
    report = verify(sealed.path, clock=lambda: START + 1000)
    assert ([str(one) for one in report.violations], report.exit_code) == (
        ["unsigned: the bundle is UNSIGNED: it has no statement.dsse.json"], 3,
    )  # fmt: skip


def test_without_a_commit_nothing_is_attested(tmp_path: Path, signer: CryptoSigner) -> None:
    """Outside git there is nothing that a statement could be about."""
    assert "no commit" in Genuine(sha="unknown", dirty=True).seal(tmp_path, signer).signature


def test_a_run_that_dies_midway_is_incomplete(tmp_path: Path) -> None:
    """Whatever has entered, a bundle that was never sealed says INCOMPLETE, and so does every verb."""
    path = Genuine().write(tmp_path)
    report = verify(path, clock=lambda: START + 1000)
    assert report.exit_code == 5
    assert "is INCOMPLETE: it has no manifest.json" in str(report.violations[0])


def test_a_death_while_sealing_leaves_it_incomplete(
    tmp_path: Path, signer: CryptoSigner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The manifest is the last file written: before it there is no verdict, even if the statement is there."""
    path = Genuine().write(tmp_path)

    def die(target: Path, data: bytes) -> None:
        if target.name == layout.MANIFEST:
            raise OSError(28, "No space left on device")
        target.write_bytes(data)

    monkeypatch.setattr("evidence.bundle.seal.write_atomically", die)
    with pytest.raises(errors.EvidenceError, match="cannot be sealed: No space left"):
        seal(path, signer=signer, rows=CLAIMS)
    assert verify(path, key=signer.public_key).exit_code == 1


def test_a_file_that_came_past_the_door_is_an_error(opened: Bundle) -> None:
    """What was not redacted at the door is not sealed: added, changed, taken away, or a pipe."""
    opened.add_text("a.log", "x")
    for spoil, name in (
        (lambda: (opened.path / "stray.log").write_text("x"), "stray.log"),
        (lambda: (opened.path / "a.log").write_text("y"), "a.log"),
        (lambda: os.mkfifo(opened.path / "pipe"), "pipe"),
    ):
        kept = shutil.copytree(opened.path, opened.path.with_name("kept"))
        spoil()
        with pytest.raises(errors.StrayFileError, match=name):
            seal(opened.path)
        assert not (opened.path / layout.MANIFEST).exists()
        shutil.rmtree(opened.path)
        kept.rename(opened.path)
    (opened.path / "a.log").unlink()
    with pytest.raises(errors.StrayFileError, match=r"a\.log"):
        seal(opened.path)


def test_a_bundle_is_sealed_once(opened: Bundle) -> None:
    """The manifest is not written twice."""
    seal(opened.path)
    with pytest.raises(errors.BundleClosedError):
        seal(opened.path)


def test_large_files_are_packed_and_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    """Report logs, panels and pictures are packed; packing adds no time of its own."""
    first, second = (Genuine().seal(tmp_path / name).path for name in ("a", "b"))
    name = layout.gate_report_log("core") + ".gz"
    assert b"SessionFinish" in gzip.decompress((first / name).read_bytes())
    assert (first / name).read_bytes() == (second / name).read_bytes()
    for name in ("panels.json", "pictures.json"):
        assert (first / f"e2e/compose/{name}.gz").is_file()
        assert not (first / f"e2e/compose/{name}").exists()
