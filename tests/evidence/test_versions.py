from __future__ import annotations

import pytest

from evidence import versions


def test_a_package_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing package is listed as missing, not left out."""
    monkeypatch.setattr(versions, "PACKAGES", ("no-such-package-here",))
    assert versions.build(None, {})["packages"] == {"no-such-package-here": "not installed"}
