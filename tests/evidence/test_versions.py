from __future__ import annotations

import pytest

from evidence import versions


def test_a_package_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing package is listed as missing, not left out."""
    monkeypatch.setattr(versions, "PACKAGES", ("no-such-package-here",))
    assert versions.build(None, {}, None)["packages"] == {"no-such-package-here": "not installed"}


def test_official_images_that_did_not_run_are_named() -> None:
    """Where another image ran in an official one's place, nobody may take the official one for tried."""
    local = {"version": "8.0", "source": "image x", "official_untested": "redis:8.4.0"}
    document = versions.build("compose", {"redis": local, "engine": {"version": "1", "source": "image y"}}, None)
    assert document["official_untested"] == ["redis:8.4.0"]
    assert versions.build("embedded", {"redis": {"version": "8.0"}}, None)["official_untested"] == []
