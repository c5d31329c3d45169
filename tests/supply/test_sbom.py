from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from evidence import schema
from supply.installed import installed
from supply.locks import parts
from supply.sbom import document

pytestmark = pytest.mark.leg("pure")  # it reads names of servers, and starts none
ROOT = Path(__file__).parents[2]
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def bill() -> bytes:
    return document(ROOT, name="a-run", at=AT)


def by_purl(data: bytes) -> dict[str, dict[str, Any]]:
    return {one["purl"]: one for one in json.loads(data)["components"]}


@pytest.mark.parametrize("locks", [True, False], ids=["of this checkout", "of a folder without locks"])
def test_it_is_cyclonedx(bill: bytes, locks: bool, tmp_path: Path) -> None:
    """CycloneDX's own schema takes it, and so does the one that bundles are verified by."""
    data = bill if locks else document(tmp_path, name="a-run", at=AT)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(data.decode()) is None
    assert schema.problems("sbom.cdx", json.loads(data)) == ()


def test_all_that_is_pinned_and_installed_is_in_it(bill: bytes) -> None:
    """No part of the locks and no installed package is left out."""
    names = {one["name"] for one in json.loads(bill)["components"]}
    assert {part.name for part in parts(ROOT)} | {one.name for one in installed()} <= names


def test_parts_have_licence_and_hash(bill: bytes) -> None:
    """As their lock and the table have them."""
    (ccxt,) = (part for part in parts(ROOT) if part.key == "pypi:ccxt")
    found = by_purl(bill)[f"pkg:pypi/ccxt@{ccxt.version}"]
    assert found["licenses"] == [{"expression": "MIT"}]
    assert {"name": "supply:hashes", "value": ccxt.fingerprint} in found["properties"]
    axe = next(one for one in json.loads(bill)["components"] if one["name"] == "axe-core")
    assert axe["hashes"][0]["alg"] == "SHA-512"
    assert len(axe["hashes"][0]["content"]) == 128


def test_a_lock_of_another_project_gives_a_bill(tmp_path: Path) -> None:
    """What our table does not know is there, and its licence is said to be unknown."""
    (tmp_path / "requirements.lock").write_text("stranger>=1\n", encoding="utf-8")
    data = document(tmp_path, name="a-run", at=AT)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(data.decode()) is None
    assert schema.problems("sbom.cdx", json.loads(data)) == ()
    assert by_purl(data)["pkg:pypi/stranger"]["licenses"] == [{"license": {"name": "unknown"}}]


def test_the_same_run_gives_the_same_bytes(bill: bytes) -> None:
    """Nothing in it is made up anew."""
    assert document(ROOT, name="a-run", at=AT) == bill
