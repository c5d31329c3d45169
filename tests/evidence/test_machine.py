from __future__ import annotations

import json
import os
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from evidence.bundle import Bundle
from evidence.bundle.seal import seal
from evidence.machine import MachinePaths
from evidence.verify import verify
from tests.evidence.genuine import CLAIMS, Genuine


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkout in a home folder, and another folder for temporary files."""
    for name in ("home/me/bot", "var/temporary"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home/me"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "var/temporary"))
    monkeypatch.chdir(tmp_path / "home/me/bot")


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("pytest -c {bot}/pyproject.toml --rootdir {bot}", "pytest -c ./pyproject.toml --rootdir ."),
        ("{home}/.cache/x, {bot}, and {home}.", "~/.cache/x, ., and ~."),
        ("file://{tmp}/run-1/report.json", "file://$TMPDIR/run-1/report.json"),
        ("PATH=/usr/bin:{bot}/.venv/bin:{home}/bin", "PATH=/usr/bin:./.venv/bin:~/bin"),
        ("{bot}2/x {bot}-old {home}.d {home}less", "~/bot2/x ~/bot-old {home}.d {home}less"),
        ("a{tmp}/x https://example.com{home}", "a{tmp}/x https://example.com{home}"),
    ],
)
def test_paths_of_the_machine_are_hidden(text: str, hidden: str) -> None:
    """What lies below the three folders reads as relative; a name that only begins or ends alike stays."""
    known = {"bot": Path.cwd(), "home": Path.home(), "tmp": tempfile.gettempdir()}
    assert MachinePaths().hide(text.format(**known).encode()).decode() == hidden.format(**known)


def test_at_the_root_of_the_machine_nothing_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run started in `/` does not turn every path into a relative one."""
    monkeypatch.chdir("/")
    assert MachinePaths().hide(b"/usr/bin/redis / a/b") == b"/usr/bin/redis / a/b"


def test_where_all_is_the_root_nothing_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container may have `/` as home folder, too."""
    monkeypatch.setenv("HOME", "/")
    monkeypatch.setattr(tempfile, "tempdir", "/")
    monkeypatch.chdir("/")
    assert MachinePaths().hide(b"/usr/bin/redis / a/b") == b"/usr/bin/redis / a/b"


def test_a_folder_whose_name_is_no_text_is_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of folders are bytes."""
    odd = tmp_path / os.fsdecode(b"b\xff")
    odd.mkdir()
    monkeypatch.chdir(odd)
    assert MachinePaths().hide(os.fsencode(odd) + b"/x") == b"./x"


def test_no_file_of_a_bundle_holds_a_path_of_the_machine(tmp_path: Path) -> None:
    """Text, JSON and XML that enter by each way of the door, and what sealing makes of them; it still verifies."""
    paths = [f"{folder}/x.log" for folder in (Path.cwd(), Path.home(), tempfile.gettempdir())]
    text = "\n".join(paths)
    run = Genuine()
    folder = run.write(tmp_path / "artifacts")
    with Bundle.join(folder) as bundle:
        bundle.add_text("fast_gate.log", text, replace=True)
        bundle.add_json("more.json", {"text": text, paths[0]: paths})
        bundle.where("tool.xml").write_text(f"<a b='{paths[2]}'>{text}</a>")
        bundle.adopt("tool.xml")
    seal(folder, clock=lambda: run.end, rows=CLAIMS)

    held = [
        (path.name, wanted)
        for path in folder.rglob("*")
        if path.is_file()
        for wanted in paths
        if wanted.encode() in path.read_bytes()
    ]
    assert held == []
    assert json.loads((folder / "more.json").read_text())["text"] == "./x.log\n~/x.log\n$TMPDIR/x.log"
    assert ET.fromstring((folder / "tool.xml").read_text()).get("b") == "$TMPDIR/x.log"  # noqa: S314 - our own text
    assert verify(folder, clock=lambda: run.end).exit_code == 3
