from __future__ import annotations

import difflib
import json
from pathlib import Path

import pytest

from acceptance.stack import prometheus_config
from acceptance.stack.embedded.supervisor.client import CODE
from acceptance.stack.interface import StackError

COMMITTED = CODE / "monitoring" / "prometheus"
PORTS = {"prometheus": 11, "node-exporter": 12, "engine": 13}


def test_only_intervals_and_targets_differ_from_what_is_committed(tmp_path: Path) -> None:
    """The copy that the harness runs is the committed configuration, but for intervals and addresses."""
    config = prometheus_config.copy(COMMITTED, tmp_path / "copy", interval="1s", ports=PORTS)
    before = (COMMITTED / "prometheus.yml").read_text().splitlines()
    after = config.read_text().splitlines()
    assert len(before) == len(after)
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert changed
    for old, new in changed:
        key = old.split(":")[0]
        assert key.strip() in {"scrape_interval", "scrape_timeout", "evaluation_interval"}
        assert new == f"{key}: 1s"
    for path in (each for each in COMMITTED.rglob("*") if each.is_file()):
        relative = path.relative_to(COMMITTED)
        if relative.parts[0] in {"tests", "targets"} or relative.name == "prometheus.yml":
            continue
        copied = (config.parent / relative).read_text()
        assert not list(difflib.unified_diff(path.read_text().splitlines(), copied.splitlines()))


def test_targets_point_at_this_stacks_ports_and_keep_their_labels(tmp_path: Path) -> None:
    """``targets/<service>.json`` gets the address of that service, labels unchanged."""
    source = tmp_path / "source"
    (source / "targets").mkdir(parents=True)
    (source / "prometheus.yml").write_text("global:\n  scrape_interval: 15s # often enough\n")
    group = {"targets": ["engine:9100"], "labels": {"venue": "paper"}}
    (source / "targets" / "engine.json").write_text(json.dumps([group]))
    (source / "targets" / "grandma.json").write_text(json.dumps([{"targets": ["grandma:1"]}]))
    config = prometheus_config.copy(source, tmp_path / "copy", interval="1s", ports=PORTS)
    assert config.read_text() == "global:\n  scrape_interval: 1s # often enough\n"
    targets = config.parent / "targets"
    assert json.loads((targets / "engine.json").read_text()) == [
        {"targets": ["127.0.0.1:13"], "labels": {"venue": "paper"}}
    ]
    assert json.loads((targets / "grandma.json").read_text()) == []  # not in this stack: it could only be down


def test_every_committed_target_file_belongs_to_a_service(tmp_path: Path) -> None:
    """With all services there, no committed target is lost."""
    prometheus_config.copy(COMMITTED, tmp_path / "copy", interval=None, ports=PORTS)
    for path in (COMMITTED / "targets").glob("*.json"):
        assert json.loads((tmp_path / "copy" / "targets" / path.name).read_text()) != [], path.name


def test_the_committed_intervals_can_be_kept(tmp_path: Path) -> None:
    """Without an interval the file is byte for byte the committed one."""
    config = prometheus_config.copy(COMMITTED, tmp_path / "copy", interval=None, ports=PORTS)
    assert config.read_bytes() == (COMMITTED / "prometheus.yml").read_bytes()


def test_a_file_without_intervals_is_not_the_one_we_know() -> None:
    """Nothing to replace is an error, never a stack at 15 seconds that the tests wait on in vain."""
    with pytest.raises(StackError, match="names no scrape_interval"):
        prometheus_config.with_interval("scrape_configs: []\n", "1s")


def test_a_missing_folder_names_its_path(tmp_path: Path) -> None:
    """A checkout without the folder fails with the path and what to do."""
    with pytest.raises(StackError, match=r"nowhere.*restore it from git"):
        prometheus_config.copy(tmp_path / "nowhere", tmp_path / "copy", interval="1s", ports=PORTS)
