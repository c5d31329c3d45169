from __future__ import annotations

from evidence import bundle


def test_public_names_are_pinned() -> None:
    """What others may import from the room that everything writes through, sorted."""
    assert bundle.__all__ == ["Bundle", "Snapshot", "open_run"]
    assert all(hasattr(bundle, name) for name in bundle.__all__)
