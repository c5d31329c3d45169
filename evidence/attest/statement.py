"""What is signed of a bundle: an in-toto Statement v1 about its commit and its manifest, in a DSSE envelope.

The predicate is test-result v0.1, whose "tests" are the gates. It knows no PARTIAL: what was left out was not shown
to work, so PARTIAL is attested as FAILED. INCOMPLETE is not attested at all.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any, Final

from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import Error as SslibError
from securesystemslib.signer import CryptoSigner, SSlibKey

from evidence import schema, strict_json
from evidence.bundle import layout
from evidence.bundle.snapshot import Snapshot
from evidence.errors import DocumentError, EvidenceError
from evidence.git import UNKNOWN
from evidence.verdict.derive import Result

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "https://in-toto.io/attestation/test-result/v0.1"
PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"


def why_not(manifest: Mapping[str, Any]) -> str | None:
    """Say why a bundle is not attested, whatever the key; None if it can be."""
    if manifest["result"] == Result.INCOMPLETE:
        return "INCOMPLETE is not attested"
    if manifest["git"]["commit"] == UNKNOWN:
        return "there is no commit that a statement could be about"
    return None


def build(manifest: Mapping[str, Any], manifest_bytes: bytes) -> dict[str, Any]:
    """Make the statement of a bundle.

    Args:
        manifest: the document.
        manifest_bytes: the file as it lies in the bundle.
    """
    gates = manifest["gates"]
    listed = manifest["files"]
    return {
        "_type": STATEMENT_TYPE,
        "subject": [
            {"name": "git", "digest": {"gitCommit": manifest["git"]["commit"]}},
            {"name": layout.MANIFEST, "digest": {"sha256": hashlib.sha256(manifest_bytes).hexdigest()}},
        ],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "result": "PASSED" if manifest["result"] == Result.PASSED else "FAILED",
            "configuration": [
                {"name": name, "digest": {"sha256": listed[name]["sha256"]}}
                for name in (layout.RUN, *(layout.gate_expected(gate) for gate in sorted(gates)))
                if name in listed
            ],
            "passedTests": sorted(gate for gate, facts in gates.items() if facts["passed"]),
            "warnedTests": [],
            "failedTests": sorted(
                [gate for gate, facts in gates.items() if not facts["passed"]]
                + [gate for gate in layout.required(gates) if gate not in gates]
            ),
        },
    }


def sign(statement: Mapping[str, Any], signer: CryptoSigner) -> bytes:
    """Sign a statement.

    Returns:
        The envelope as it lies in the bundle.
    """
    payload = json.dumps(statement, sort_keys=True, separators=(",", ":")).encode()
    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    envelope.sign(signer)
    return (json.dumps(envelope.to_dict(), indent=2) + "\n").encode()


def signed_by(snapshot: Snapshot) -> tuple[str, ...]:
    """Return the ids of the keys that a bundle names as its signers; nothing is verified."""
    try:
        document = snapshot.json(layout.STATEMENT)
        schema.validate("envelope", document)
    except DocumentError:
        return ()
    return tuple(str(one["keyid"]) for one in document["signatures"])


def signature_state(snapshot: Snapshot) -> str:
    """Say in a few words whether a bundle is signed, for wherever its verdict is shown."""
    keys = signed_by(snapshot)
    if not keys:
        return "UNSIGNED"
    return f"SIGNED (key {', '.join(key[:12] for key in keys)}; not verified here)"


def violations(snapshot: Snapshot, manifest: Mapping[str, Any] | None, key: SSlibKey) -> Iterator[str]:
    """Say what is wrong with the statement of a bundle.

    Args:
        snapshot: the bundle; it has a statement.
        manifest: its manifest; None: it cannot be read.
        key: the public key that must have signed it.
    """
    try:
        statement = _opened(snapshot, key)
    except EvidenceError as error:
        yield str(error)
        return
    if manifest is None:
        return
    if reason := why_not(manifest):
        yield f"exists although {reason}"
    wanted = build(manifest, snapshot.files[layout.MANIFEST])
    for place, said, derived in _differences(statement, wanted):
        yield f"says {place}: {said!r}; the bundle says {derived!r}"


def _opened(snapshot: Snapshot, key: SSlibKey) -> Mapping[str, Any]:
    document = snapshot.json(layout.STATEMENT)
    schema.validate("envelope", document, layout.STATEMENT)
    try:
        envelope = Envelope.from_dict(deepcopy(document))  # it changes what it is given
        envelope.verify([key], 1)
    except (SslibError, KeyError, ValueError, TypeError) as error:
        named = ", ".join(str(one["keyid"])[:12] for one in document["signatures"])
        message = f"is not signed by the key {key.keyid[:12]} (it names {named})"
        raise DocumentError(message) from error
    try:
        statement = strict_json.loads(envelope.payload)
    except ValueError as error:
        raise DocumentError("has a payload that is not JSON") from error
    schema.validate("statement", statement, layout.STATEMENT)
    if not isinstance(statement, dict):  # the schema says so; this tells the type checker
        raise DocumentError("has a payload that is not a JSON object")
    return statement


def _differences(one: Any, other: Any, place: str = "") -> Iterator[tuple[str, Any, Any]]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            yield from _differences(one.get(key), other.get(key), f"{place}.{key}".lstrip("."))
    elif one != other:
        yield place, one, other
