from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

PROMETHEUS = Path(__file__).parents[2] / "monitoring" / "prometheus"
CONFIG = (PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8")
JOBS = {"arbitrage-engine": "engine", "node-exporter": "node-exporter", "prometheus": "prometheus"}


def test_each_job_reads_its_own_target_file() -> None:
    """The three jobs of the design take their targets from files, and from nowhere else."""
    found = re.findall(r"job_name: (\S+)\n\s+file_sd_configs:\n\s+- files: \[targets/(\S+)\.json\]", CONFIG)

    assert dict(found) == JOBS
    assert CONFIG.count("job_name:") == len(JOBS)
    assert "static_configs" not in CONFIG


def test_scrapes_and_evaluates_every_15_seconds() -> None:
    """The committed intervals are 15 s; only the harness's copy has others."""
    assert re.findall(r"(\w+_interval): (\S+)", CONFIG) == [
        ("scrape_interval", "15s"),
        ("evaluation_interval", "15s"),
    ]


def test_nothing_is_done_to_what_is_scraped() -> None:
    """No job relabels, limits or trusts labels of its target, and no alert is relabelled: the keys are these."""
    read = yaml.safe_load(CONFIG)

    assert set(read) == {"global", "rule_files", "scrape_configs"}
    assert set(read["global"]) == {"scrape_interval", "scrape_timeout", "evaluation_interval"}
    keys = {job["job_name"]: sorted(job) for job in read["scrape_configs"]}
    assert keys == {name: ["file_sd_configs", "job_name"] for name in JOBS}


def test_every_path_is_relative() -> None:
    """A copy of the folder works anywhere, since no path leaves it."""
    paths = [*re.findall(r"files: \[(.*)\]", CONFIG), *re.findall(r"^  - (rules/.*)$", CONFIG, re.MULTILINE)]

    assert len(paths) == 4
    assert not [path for path in paths if path.startswith("/") or ".." in path]


@pytest.mark.parametrize(
    ("name", "address"),
    [("engine", "engine:9100"), ("node-exporter", "node-exporter:9100"), ("prometheus", "127.0.0.1:9090")],
)
def test_committed_targets_are_composes(name: str, address: str) -> None:
    """The committed targets are compose's service names with the ports inside its network."""
    targets = json.loads((PROMETHEUS / "targets" / f"{name}.json").read_text(encoding="utf-8"))

    assert targets == [{"targets": [address]}]
