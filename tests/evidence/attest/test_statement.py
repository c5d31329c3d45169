from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner

from evidence.attest.statement import signature_state, violations
from evidence.bundle import layout
from evidence.bundle.snapshot import Snapshot, read_folder
from tests.evidence.genuine import SHA


def test_the_statement_is_what_in_toto_defines(sealed: Path) -> None:
    """Statement v1 about commit and manifest, predicate test-result v0.1, DSSE's payload type."""
    envelope = json.loads((sealed / layout.STATEMENT).read_text())
    statement = json.loads(base64.b64decode(envelope["payload"]))
    digest = hashlib.sha256((sealed / layout.MANIFEST).read_bytes()).hexdigest()
    assert envelope["payloadType"] == "application/vnd.in-toto+json"
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    assert [subject["digest"] for subject in statement["subject"]] == [{"gitCommit": SHA}, {"sha256": digest}]
    assert statement["predicate"]["result"] == "PASSED"
    assert statement["predicate"]["passedTests"] == sorted(layout.ALL_GATES)
    assert {one["name"] for one in statement["predicate"]["configuration"]} == {
        "run.json", *(layout.gate_expected(gate) for gate in layout.ALL_GATES),
    }  # fmt: skip


def test_the_signature_is_ed25519_over_the_pae(sealed: Path, signer: CryptoSigner) -> None:
    """Somebody else's implementation, given the envelope alone, agrees."""
    envelope = Envelope.from_dict(json.loads((sealed / layout.STATEMENT).read_text()))
    (signature,) = envelope.signatures.values()
    assert signer.public_key.scheme == "ed25519"
    signer.public_key.verify_signature(signature, envelope.pae())


def test_a_signed_lie_is_named(sealed: Path, signer: CryptoSigner) -> None:
    """A statement that the right key signed about this bundle is compared with it all the same."""
    snapshot = read_folder(sealed)
    document = json.loads(snapshot.files[layout.MANIFEST])
    for payload, sentence in (
        (b"{}", "does not follow its schema"),
        (b"x", "payload that is not JSON"),
    ):
        envelope = Envelope(payload, "application/vnd.in-toto+json", {})
        envelope.sign(signer)
        forged = Snapshot(
            name=snapshot.name,
            files={**snapshot.files, layout.STATEMENT: json.dumps(envelope.to_dict()).encode()},
        )
        assert [sentence in text for text in violations(forged, document, signer.public_key)] == [True]


def test_wherever_a_verdict_is_shown_its_signature_is(sealed: Path, signer: CryptoSigner) -> None:
    """Signed and by whom, or UNSIGNED; and that nobody has checked it yet."""
    snapshot = read_folder(sealed)
    assert signature_state(snapshot) == f"SIGNED (key {signer.public_key.keyid[:12]}; not verified here)"
    for content in (None, b"", b"{}"):
        files = {name: data for name, data in snapshot.files.items() if name != layout.STATEMENT}
        files |= {} if content is None else {layout.STATEMENT: content}
        assert signature_state(Snapshot(name="b", files=files)) == "UNSIGNED"
