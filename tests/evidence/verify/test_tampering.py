"""Every way of changing a sealed bundle is named by `verify`, and no bundle that was changed ends with 0.

Each tampering is done three times: as by somebody careless (files only), by somebody who renews the manifest's hashes,
and by somebody who has stolen the key and signs again. What a hash or a signature would find is one thing; that the
records contradict each other must be found even then.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from securesystemslib.signer import CryptoSigner

from evidence.attest import statement
from evidence.bundle import layout
from evidence.verify import Kind, Report, verify
from tests.evidence.genuine import CORE, E2E, SHA, START, Genuine, claim_again, forge
from tests.evidence.verify.changes import DAY, content, drop_test, edit, put
from tests.evidence.verify.content_table import CONTENT
from tests.evidence.verify.file_table import FILES

SIGNER = CryptoSigner.generate_ed25519()
STRANGER = CryptoSigner.generate_ed25519()
NOW = START + 3600.0
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
    claim_again(bundle)
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


def test_of_an_invalid_bundle_the_page_is_not_judged(bundle: Path) -> None:
    """What it shows otherwise follows from what is wrong already."""
    put(bundle / "more.txt", "x")
    report = look(bundle, page=lambda *_: iter(["shows something else"]))
    assert "more.txt" in said(report)
    assert "shows something else" not in said(report)


def test_an_untouched_bundle_is_relied_on(bundle: Path) -> None:
    """With the right key, commit, age and list of tests there is nothing to say."""
    report = look(bundle, commit=SHA[:12])
    assert (report.violations, report.exit_code, report.key_id) == ((), 0, SIGNER.public_key.keyid)


def test_what_nobody_thought_of_is_invalid(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A document that breaks the judging itself is not relied on, and leaves no traceback."""

    def break_down(_: object) -> None:
        raise OverflowError

    monkeypatch.setattr("evidence.verify.report.derive", break_down)
    report = look(bundle)
    assert (report.exit_code, said(report)) == (1, "invalid: it holds what cannot be judged (OverflowError)")


@pytest.mark.parametrize("value", [None, -1, 10**400, 1e308, "", [], {}, "\x1b[2J", "9999-12-31T23:59:59.999Z"])
def test_no_value_breaks_the_judging(bundle: Path, value: object) -> None:
    """Each time, number and list of every document replaced by nonsense: never relied on, never a traceback."""
    for name, keys in (
        ("run.json", ("started_at", "git", "bundle")),
        ("gates/core.json", ("started_at", "ended_at", "counts", "result", "exit_code")),
        ("e2e/compose/preflight_report.json", ("ended_at", "metrics", "run_id")),
        ("e2e/compose/prometheus_query_result.json", ("queries", "run_id", "last_run_timestamp")),
        ("e2e/compose/grafana_api_result.json", ("panels", "grafana")),
        ("e2e/compose/panels.json", ("panels",)),
        ("e2e/compose/pictures.json", ("parts", "pictures")),
        ("manifest.json", ("end", "files", "gates", "git", "result")),
        ("statement.dsse.json", ("payload", "signatures")),
    ):
        whole = content(bundle / name)
        for key in keys:
            put(bundle / name, json.dumps({**json.loads(whole), key: value}))
            report = look(bundle)
            assert (report.exit_code, name, key) == (1, name, key)
            put(bundle / name, whole)
