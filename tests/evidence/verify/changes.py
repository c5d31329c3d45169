"""The means by which tests change a sealed bundle."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from evidence.bundle import layout
from tests.evidence.genuine import CORE

DAY = 86400.0


def content(path: Path) -> str:
    """Read a file, also where it is packed."""
    packed = path.with_name(path.name + layout.PACKED)
    return gzip.decompress(packed.read_bytes()).decode() if packed.exists() else path.read_text()


def put(path: Path, text: str) -> None:
    """Write a file anew, packed where it was."""
    packed = path.with_name(path.name + layout.PACKED)
    if packed.exists():
        packed.write_bytes(gzip.compress(text.encode(), mtime=0))
    else:
        path.write_text(text)


def edit(path: Path, change: Callable[[Any], object]) -> None:
    """Change a JSON document."""
    document = json.loads(content(path))
    change(document)
    put(path, json.dumps(document))


def swap(path: Path, old: str, new: str) -> None:
    """Change a text."""
    text = content(path)
    assert old in text
    put(path, text.replace(old, new))


def log_of(bundle: Path, gate: str, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
    """Change a gate's report log."""
    path = bundle / layout.gate_report_log(gate)
    lines = [json.loads(line) for line in content(path).splitlines()]
    put(path, "".join(json.dumps(line) + "\n" for line in change(lines)))


def query(document: Any, number: int = 0) -> Any:
    """One query of Prometheus' document."""
    return document["queries"][number]


def both(bundle: Path, name: str) -> tuple[Path, Path]:
    """A document in the stack's folder, and its copy at the top."""
    return bundle / "e2e/compose" / name, bundle / name


def edit_both(bundle: Path, name: str, change: Callable[[Any], object]) -> None:
    """Change a document and its copy alike."""
    for path in both(bundle, name):
        edit(path, change)


def from_other(bundle: Path, other: Path, *names: str) -> None:
    """Put another run's files in the place of these."""
    for name in names:
        shutil.copyfile(other / name, bundle / name)


def label_of_an_original(bundle: Path, _: Path) -> None:
    """Let every document of the stand-in's stack call it an original, and say so at the top of the page."""
    label = "Grafana 12.4.4 (official image)"
    for name in ("versions.json", "panels.json", "grafana_api_result.json"):
        edit(bundle / "e2e/embedded" / name, lambda document: document["grafana"].update(label=label))
    swap(bundle / "e2e/embedded/docker_status.txt", "grafana: stand-in", f"grafana: {label}")


def case_twice(bundle: Path, _: Path) -> None:
    """Count a test twice in JUnit."""
    junit = bundle / layout.gate_junit("core")
    case = '<testcase classname="tests.test_model" name="test_it[a]"></testcase>'
    swap(junit, case, case + case)
    swap(junit, 'tests="4"', 'tests="5"')


def encoded(path: Path, encoding: str) -> None:
    """Write a document in another encoding."""
    path.write_bytes(path.read_text().encode(encoding))


def pictures_swapped(bundle: Path, _: Path) -> None:
    """Show each of two panels by the picture of the other."""

    def change(document: Any) -> None:
        one, other = list(document["pictures"])[:2]
        names = document["pictures"]
        names[one], names[other] = names[other], names[one]

    edit(bundle / "e2e/compose/pictures.json", change)


def renew_list(bundle: Path, gate: str) -> None:
    """Let a gate's record name its list of tests as it is now."""
    digest = hashlib.sha256((bundle / layout.gate_expected(gate)).read_bytes()).hexdigest()
    edit(bundle / layout.gate_record(gate), lambda record: record.update(expected_sha256=digest))


def drop_test(bundle: Path, test: str = CORE[0]) -> None:
    """Cut one test out of every record: report log, JUnit, list and its hash, counts."""
    for gate in ("fast", "core"):
        log_of(bundle, gate, lambda lines: [line for line in lines if line.get("nodeid") != test])
        junit = bundle / layout.gate_junit(gate)
        case = '<testcase classname="tests.test_model" name="test_it[a]"></testcase>'
        swap(junit, case, "")
        count = content(junit).count("<testcase")
        swap(junit, f'tests="{count + 1}"', f'tests="{count}"')
        swap(bundle / layout.gate_expected(gate), test + "\n", "")
        edit(
            bundle / layout.gate_record(gate),
            lambda record: record["counts"].update(passed=record["counts"]["passed"] - 1),
        )
        renew_list(bundle, gate)

    def fewer(document: Any) -> None:
        for gate in ("fast", "core"):
            document["gates"][gate]["counts"]["passed"] -= 1
        document["counts"]["passed"] -= 2

    edit(bundle / layout.MANIFEST, fewer)


def claim(**facts: Any) -> Callable[[Path, Path], None]:
    """Let the manifest claim something else."""
    return lambda bundle, _: edit(bundle / layout.MANIFEST, lambda document: document.update(facts))


def later(document: Any) -> None:
    """Let a query be answered a day later."""
    sample = query(document)["raw"]["data"]["result"][0]
    sample["value"][0] += DAY


def raw_value(document: Any) -> None:
    """Change a value in a raw answer, and all that follows from it in the same document."""
    one = query(document)
    head = next(s for s in one["raw"]["data"]["result"] if s["metric"]["__name__"] == one["samples"][0]["metric"])
    head["value"][1] = "7.0"
    one["samples"][0]["value"] = one["value"] = one["expected"] = 7.0


def answer(panel: Any) -> Any:
    """What Grafana answered to a panel's first query."""
    return panel["raw"]["results"]["A"]


def frame(panel: Any) -> Any:
    """The first frame of it."""
    return answer(panel)["frames"][0]


def frame_value(document: Any) -> None:
    """Change a panel's value in its frames and in what is said of it."""
    panel = document["panels"][0]
    panel["raw"]["results"]["A"]["frames"][0]["data"]["values"][1][-1] = 0.0
    panel["last_value"] = panel["expected"] = 0.0


def frames_of(other: Path) -> Callable[[Any], None]:
    """Return what puts another run's frames into a panel."""
    theirs = json.loads((other / "grafana_api_result.json").read_bytes())
    return lambda document: document["panels"][0].update(raw=theirs["panels"][0]["raw"])


def replaced_by_link(bundle: Path, other: Path) -> None:
    """Put a link to the same content in the place of a file."""
    path = bundle / "fast_gate.log"
    path.rename(other.parent / "away.log")
    path.symlink_to(other.parent / "away.log")


def manifest_as_link(bundle: Path, other: Path) -> None:
    """Put a link in the place of the manifest."""
    path = bundle / layout.MANIFEST
    shutil.copyfile(path, other.parent / "away.json")
    path.unlink()
    path.symlink_to(other.parent / "away.json")


def remove(*paths: Path) -> None:
    """Delete files."""
    for path in paths:
        path.unlink()


def pipe_for(path: Path) -> None:
    """Put a pipe in the place of a file."""
    path.unlink()
    os.mkfifo(path)


def replace_folder(bundle: Path, other: Path) -> None:
    """Put another bundle under this one's name."""
    shutil.rmtree(bundle)
    shutil.copytree(other, bundle)
