from __future__ import annotations

import evidence


def test_public_names_are_pinned() -> None:
    """What others may import from the package, sorted."""
    assert evidence.__all__ == ["Bundle", "EvidenceError", "Redactor", "open_run"]
    assert all(hasattr(evidence, name) for name in evidence.__all__)
