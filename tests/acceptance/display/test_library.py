from __future__ import annotations

from pathlib import Path

import pytest

from acceptance.dashboards.lint.grafana_schema import load_schemas
from acceptance.display import DisplayError, GrafanaLibrary, PanelRequest

ASKED = PanelRequest(panel={}, frames={}, tables=(), variables={}, start=0, end=1)


def fake_node(folder: Path, script: str) -> Path:
    """A program in the place of Node."""
    path = folder / "node"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("script", "words"),
    [
        pytest.param("echo 'Error: Cannot find module x' >&2; exit 1", "Error: Cannot find module x", id="dies"),
        pytest.param("read line; exit 0", "it ended", id="ends"),
        pytest.param("read line; echo no JSON", "Expecting value", id="no-json"),
        pytest.param("read line; echo '[]'", "unknown form", id="other-form"),
        pytest.param("""read line; echo '{"versions": {"13": "1"}, "panels": []}'""", "0 of 1 panels", id="too-few"),
        pytest.param("""read line; echo '{"versions": {}, "panels": [{}]}'""", "1 of 1 panels", id="no-version"),
        pytest.param("""read line; echo '{"versions": {"13": "1"}, "panels": [{}]}'""", "unknown form", id="no-major"),
    ],
)
def test_a_library_that_does_not_answer_is_an_error(tmp_path: Path, script: str, words: str) -> None:
    """Whatever the process does instead of answering, one sentence says it, and no panel counts as shown."""
    with (
        GrafanaLibrary(node=fake_node(tmp_path, script), folder=tmp_path) as library,
        pytest.raises(DisplayError, match=words),
    ):
        library.show([ASKED])


def test_no_node_at_all_is_an_error(tmp_path: Path) -> None:
    """A program that is not there is one sentence with the way on."""
    with (
        GrafanaLibrary(node=tmp_path / "gone", folder=tmp_path) as library,
        pytest.raises(DisplayError, match="remedy: make components"),
    ):
        library.show([ASKED])


def test_a_library_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that never answers does not hold the suite."""
    monkeypatch.setattr("acceptance.display.library._SECONDS", 0.3)
    with (
        GrafanaLibrary(node=fake_node(tmp_path, "exec sleep 60"), folder=tmp_path) as library,
        pytest.raises(DisplayError, match=r"it took too long|it ended"),
    ):
        library.show([ASKED])


def test_nothing_to_show_starts_nothing(tmp_path: Path) -> None:
    """Without panels no process is needed."""
    with GrafanaLibrary(node=tmp_path / "gone", folder=tmp_path) as library:
        assert library.show([]) == ()


@pytest.mark.parametrize("text", [None, "", "[]", '{"13": {}}', '{"13": {"version": "1", "schemaVersion": "x"}}'])
def test_schemas_that_cannot_be_read_are_an_error(tmp_path: Path, text: str | None) -> None:
    """A component without schemas, or with others, is one sentence with the way on."""
    if text is not None:
        (tmp_path / "schema.json").write_text(text)

    with pytest.raises(DisplayError, match="remedy: make components"):
        load_schemas(tmp_path)
