from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from evidence.attest import keys
from evidence.bundle.snapshot import read_folder
from evidence.cli import main
from evidence.promote import check, documents, places, promote, rewrite
from tests.evidence.promote.conftest import Checkout, made_in, passed_in


@pytest.fixture(scope="module")
def once_promoted(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout with the documents of a bundle, committed after the commit that was tested; not to be touched."""
    checkout = made_in(tmp_path_factory.mktemp("promoted"))
    promote(passed_in(checkout), key=checkout.key, root=checkout.root)
    checkout.commit()
    return checkout


@pytest.fixture
def promoted(once_promoted: Checkout, tmp_path: Path) -> Checkout:
    """A copy of it."""
    root = shutil.copytree(once_promoted.root, tmp_path / "checkout", symlinks=True)
    return replace(once_promoted, root=root)


def found(checkout: Checkout) -> str:
    """The problems, a line each."""
    return "\n".join(map(str, check(checkout.root)))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_what_was_promoted_is_well(promoted: Checkout) -> None:
    """Also with more commits on top."""
    assert found(promoted) == ""
    promoted.commit()
    assert main(["check-docs", "--root", str(promoted.root)]) == 0


def test_before_the_first_promotion_it_is_well(checkout: Checkout, capsys: pytest.CaptureFixture[str]) -> None:
    """There is nothing to be wrong: documents that say nothing of D98-6 may be there."""
    (checkout.root / places.ROADMAP).write_text("# 로드맵\n", encoding="utf-8")
    assert main(["check-docs", "--root", str(checkout.root)]) == 0
    assert capsys.readouterr().out == "nothing is promoted\n"


@pytest.mark.parametrize("name", [places.REPORT, places.ROADMAP, places.CHECKPOINT], ids=str)
def test_a_document_without_evidence_is_found(name: PurePosixPath, promoted: Checkout) -> None:
    """A status that no evidence stands behind."""
    for one in (places.REPORT, places.ROADMAP, places.CHECKPOINT):
        if one != name:
            (promoted.root / one).unlink()
    shutil.rmtree(promoted.root / places.FOLDER)
    (promoted.root / places.KEY).unlink()
    assert found(promoted) == f"{name}: says something of D98-6, and no evidence was promoted"


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        (places.REPORT, "✅ **PASS**", "✅ **PASS (stand-in for Grafana)**"),
        (places.REPORT, "**상태:** ✅ 완결 (", "**상태:** ✅ 완결("),
        (places.CHECKPOINT, "AC-1", "AC-9"),
        (places.ROADMAP, "- 상태: ✅", "- 상태: ❌"),
    ],
    ids=["criterion", "state", "checkpoint", "roadmap"],
)
def test_a_status_edited_by_hand_is_found(
    name: PurePosixPath, old: str, new: str, promoted: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody types PASS: the line is named, with what the evidence says."""
    edit(promoted.root / name, old, new)
    assert main(["check-docs", "--root", str(promoted.root)]) == 1
    assert f"evidence: {name}: line " in capsys.readouterr().err


def test_what_is_beside_the_markers_is_the_users(promoted: Checkout) -> None:
    """The rest of D_ROADMAP.md and CHECKPOINT.md may change."""
    for name in (places.ROADMAP, places.CHECKPOINT):
        path = promoted.root / name
        path.write_text("# 다른 제목\n" + path.read_text(encoding="utf-8") + "\n끝\n", encoding="utf-8")
    assert found(promoted) == ""


@pytest.mark.parametrize("name", [places.REPORT, places.ROADMAP, places.CHECKPOINT], ids=str)
def test_a_document_that_is_gone_is_found(name: PurePosixPath, promoted: Checkout) -> None:
    """All three are there or none."""
    (promoted.root / name).unlink()
    assert f"{name}: is missing" in found(promoted)


def test_a_marker_that_is_gone_is_found(promoted: Checkout) -> None:
    """A part that was cut out by hand."""
    edit(promoted.root / places.ROADMAP, documents.END, "")
    assert f"{places.ROADMAP}: " in found(promoted)


def forge(root: Path) -> None:
    """Edit a claim and renew its hash in the manifest, as somebody who hides it would."""
    folder = root / places.FOLDER
    edit(folder / "claims.json", '"status": "PASS"', '"status": "FAIL"')
    document = json.loads((folder / "manifest.json").read_bytes())
    document["files"]["claims.json"] = read_folder(folder).described()["claims.json"]
    (folder / "manifest.json").write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: (f / "fast_gate.log").write_text("x"), "is not the file fast_gate.log that was signed"),
        (lambda f: (f / "step0/docker_status.txt").write_text("x"), "is not the file docker_status.txt that was"),
        (lambda f: (f / "full_regression.log").unlink(), "full_regression.log: is missing"),
        (lambda f: (f / "more.log").write_text("x"), "more.log: was not promoted with the rest"),
        (lambda f: (f / "statement.dsse.json").unlink(), "statement.dsse.json: is missing: the evidence is UNSIGNED"),
        (lambda f: edit(f / "manifest.json", '"PASSED"', '"FAILED"'), "d98_6: manifest.json does not follow"),
        (lambda f: edit(f / "manifest.json", '"dirty": false', '"dirty": true'), "statement.dsse.json: says subject"),
        (lambda f: (f / "manifest.json").unlink(), "manifest.json"),
        (lambda f: (f / "claims.json").write_text("{"), "claims.json"),
        (lambda f: forge(f.parents[3]), "statement.dsse.json: says subject"),
        (lambda f: ((f / "fast_gate.log").unlink(), (f / "fast_gate.log").symlink_to("/etc/hostname")), "is a link"),
        (shutil.rmtree, "d98_6"),
    ],
    ids=[
        "log", "docker-status", "missing", "added", "unsigned", "result", "manifest", "no-manifest", "claims", "forged",
        "link", "no-evidence",
    ],
)  # fmt: skip
def test_changed_evidence_is_found(change: Callable[[Path], object], said: str, promoted: Checkout) -> None:
    """A hash, the signature, a file more or less."""
    change(promoted.root / places.FOLDER)
    assert said in found(promoted)


def test_another_key_is_found(promoted: Checkout, tmp_path: Path) -> None:
    """The committed key is the one that signed."""
    other, _ = keys.generate(tmp_path / "other")
    (promoted.root / places.KEY).write_bytes(other.read_bytes())
    assert "statement.dsse.json: is not signed by the key" in found(promoted)
    (promoted.root / places.KEY).unlink()
    assert "d98_6.pub cannot be read" in found(promoted)


def test_a_commit_that_is_no_ancestor_is_found(promoted: Checkout) -> None:
    """The documents were carried into another history."""
    promoted.git("checkout", "--quiet", "--orphan", "other")
    promoted.commit()
    assert "which is no ancestor of HEAD" in found(promoted)


def test_the_documents_can_be_written_anew(promoted: Checkout) -> None:
    """After a change of their form, without a new run."""
    (promoted.root / places.REPORT).write_text("x")
    assert main(["check-docs", "--write", "--root", str(promoted.root)]) == 0
    assert found(promoted) == ""


def test_without_evidence_nothing_is_written(checkout: Checkout, capsys: pytest.CaptureFixture[str]) -> None:
    """`--write` writes what was promoted, and nothing was."""
    assert main(["check-docs", "--write", "--root", str(checkout.root)]) == 1
    assert "nothing is promoted: `evidence promote` does that" in capsys.readouterr().err
    assert not (checkout.root / places.REPORT).exists()


def test_this_repository_is_well() -> None:
    """The fast gate asks the same."""
    assert check(Path(__file__).parents[3]) == ()


def test_rewrite_is_what_promotion_writes(promoted: Checkout) -> None:
    """Byte for byte."""
    before = {name: (promoted.root / name).read_bytes() for name in (places.REPORT, places.ROADMAP, places.CHECKPOINT)}
    rewrite(promoted.root)
    assert {name: (promoted.root / name).read_bytes() for name in before} == before
