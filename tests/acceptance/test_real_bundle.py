"""A bundle of real servers: what the suite leaves is consistent, and stays so only while nobody changes it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evidence import manifest
from evidence.attest import keys
from evidence.bundle import layout
from evidence.verify import Kind, verify
from tests.evidence.genuine import forge

ROOT = Path(__file__).parents[2]
SUITE = tuple(f"acceptance/test_{name}.py" for name in ("metrics", "dashboard", "panels"))
STACK = "e2e/embedded"

pytestmark = [pytest.mark.leg("system"), pytest.mark.timeout(420)]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key's private half."""
    file = tmp_path_factory.mktemp("keys") / "key"
    keys.generate(file)
    return file


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory, pair: Path) -> Path:
    """The bundle of a part of the suite on the embedded stack, signed."""
    folder = tmp_path_factory.mktemp("artifacts")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "EVIDENCE_"))}
    run = subprocess.run(
        (
            *(sys.executable, "-m", "pytest", *SUITE, "--stack", "embedded", "--grafana", "standin"),
            *("-p", "no:cacheprovider", "--evidence-dir", str(folder)),
        ),
        cwd=ROOT,
        env={**kept, keys.KEY_FILE_VARIABLE: str(pair)},
        capture_output=True,
        text=True,
        timeout=360,
        check=False,
    )
    assert "e2e only" in run.stdout.splitlines()[-2], run.stdout + run.stderr
    assert "grafana: stand-in; SIGNED (key " in run.stdout.splitlines()[-2]
    return (folder / "latest").resolve()


def test_nothing_contradicts_anything(bundle: Path, pair: Path) -> None:
    """Genuine, signed, in order; and not passing, since most of the suite did not run."""
    report = verify(bundle, key=keys.read_public(pair.with_name("key.pub")), max_age=3600)
    assert [str(one) for one in report.violations if one.kind is not Kind.NOT_PASSING] == []
    assert report.exit_code == 5
    document = manifest.read(bundle)
    assert (document["result"], document["scope"], list(document["stacks"])) == ("PARTIAL", "e2e only", ["embedded"])
    assert document["gates"]["e2e-embedded"]["counts"]["passed"] > 90
    assert {"docker_status.txt", *layout.SEED_FILES} <= {path.name for path in bundle.iterdir()}


def test_every_metric_and_panel_tells_how_it_was_asked(bundle: Path) -> None:
    """Query as sent, raw answer, attempts and seconds: of the seven metrics, the four panels, and every other panel."""
    metrics = json.loads((bundle / "prometheus_query_result.json").read_text())["queries"]
    panels = json.loads((bundle / "grafana_api_result.json").read_text())["panels"]
    every = json.loads((bundle / STACK / "panels.json").read_text())["panels"]
    assert (len(metrics), len(panels), len(every) > 60) == (7, 4, True)
    for one in (*metrics, *panels, *every):
        assert one.get("query") or one["queries"]
        assert one["raw"]
        assert one["attempts"] >= 1
        assert one["elapsed_seconds"] > 0


def test_it_stays_small(bundle: Path) -> None:
    """One stack's part and the page, in which the pictures are once more, stay under 6 MB."""
    assert sum(path.stat().st_size for path in bundle.rglob("*") if path.is_file()) < 6_000_000


def metric(document: Any) -> None:
    """Another value in a metric's raw answer, and in all that is said of it."""
    query = document["queries"][0]
    for sample, raw in zip(query["samples"], query["raw"]["data"]["result"], strict=True):
        if sample["metric"] == query["metric"]:
            sample["value"], raw["value"][1] = 41.0, "41"
    query["value"] = query["expected"] = 41.0


def panel(document: Any) -> None:
    """Another value in a panel's frames, and in what is said of it."""
    one = document["panels"][0]
    one["raw"]["results"]["A"]["frames"][0]["data"]["values"][-1][-1] = 0
    one["last_value"] = one["expected"] = 0.0


CHANGES: dict[str, tuple[str, Callable[[Any], object], str]] = {
    "a metric": ("prometheus_query_result.json", metric, "the raw answer has other values than the report"),
    "a panel": ("grafana_api_result.json", panel, "the report gives"),
    "the run": ("prometheus_query_result.json", lambda d: d.update(run_id="other"), "is of the run other"),
    "the report": (
        "preflight_report.json",
        lambda d: d["metrics"][0].update(value=41.0),
        "has other samples than preflight_report.json",
    ),
    "Grafana": ("versions.json", lambda d: d["grafana"].update(kind="image", label="Grafana 13"), "does not say"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_record_is_found_though_signed_again(what: str, bundle: Path, pair: Path, tmp_path: Path) -> None:
    """The same key, renewed hashes: real records contradict each other too."""
    name, change, sentence = CHANGES[what]
    copy = Path(shutil.copytree(bundle, tmp_path / bundle.name))
    for path in {copy / name, copy / STACK / name}:
        if path.exists():
            document = json.loads(path.read_text())
            change(document)
            path.write_text(json.dumps(document))
    signer = keys.configured({keys.KEY_FILE_VARIABLE: str(pair)})
    forge(copy, signer=signer)

    report = verify(copy, key=keys.read_public(pair.with_name("key.pub")))

    assert report.exit_code == 1
    assert sentence in "\n".join(map(str, report.violations))
