"""in-toto: the signed statement of a bundle, as other tools store and check it."""

from __future__ import annotations

from evidence.bundle import layout
from evidence.bundle.snapshot import Snapshot
from evidence.errors import DocumentError
from evidence.verdict import Verdict


def write(snapshot: Snapshot, verdict: Verdict) -> bytes:
    """Return the DSSE envelope.

    Raises:
        DocumentError: the bundle is UNSIGNED: a statement without a signature proves nothing, so none is exported.
    """
    del verdict  # the statement says what it says
    envelope = snapshot.content(layout.STATEMENT)
    if envelope is None:
        message = f"{snapshot.name} is UNSIGNED: it holds no statement; seal it with a key (`evidence keygen`)"
        raise DocumentError(message)
    return envelope
