from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from evidence import errors, schema, versions
from evidence.grafana import GrafanaKind, GrafanaUsed

STANDIN = GrafanaUsed(kind=GrafanaKind.STANDIN, version="0.0.0-standin")
FOLDER = Path(schema.__file__).parent / "schema"


def test_every_document_of_a_bundle_has_its_schema() -> None:
    """The set of schemas is what is documented."""
    assert schema.kinds() == {
        "claims",
        "collection",
        "dashboards",
        "envelope",
        "gate_record",
        "grafana_api_result",
        "manifest",
        "panels",
        "pictures",
        "preflight_report",
        "prometheus_query_result",
        "run",
        "sbom.cdx",
        "statement",
        "telegram_chat",
        "versions",
    }


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("manifest.json", "manifest"),
        ("run.json", "run"),
        ("sbom.cdx.json", "sbom.cdx"),
        ("prometheus_query_result.json", "prometheus_query_result"),
        ("e2e/compose/prometheus_query_result.json", "prometheus_query_result"),
        ("e2e/compose/preflight_report.json", "preflight_report"),
        ("gates/core.json", "gate_record"),
        ("gates/e2e-compose.json", "gate_record"),
        ("gates/core.collection.json", "collection"),
        ("statement.dsse.json", "envelope"),
        ("e2e/compose/other.json", None),
        ("somewhere/versions.json", None),
        ("manifest.txt", None),
    ],
)
def test_the_path_says_which_schema_it_is(name: str, kind: str | None) -> None:
    """A document is looked at by where it lies, at the top, in a stack's folder, or among the gates."""
    assert schema.kind_of(name) == kind


@pytest.mark.parametrize("path", sorted(FOLDER.iterdir()), ids=lambda path: path.name)
def test_schemas_are_schemas_and_closed(path: Path) -> None:
    """Each is valid JSON Schema 2020-12, says what it is for, and allows no unknown key."""
    document = json.loads(path.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(document)
    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert document["description"]
    assert document["additionalProperties"] is False


def test_an_error_names_file_and_place_and_stays_short() -> None:
    """The message names the file, the first place, and how many more; it does not print the document."""
    document = versions.build("embedded", {}, None) | {"python": 3, "packages": {"a": ["x" * 5000]}}
    with pytest.raises(errors.DocumentError, match=r"^versions\.json .*\$\.packages\.a.*\(and 1 more\)$") as e:
        schema.validate("versions", document, "versions.json")
    assert len(str(e.value)) < 500


@pytest.mark.parametrize("stack", ["embedded", None])
def test_versions_follow_their_schema(stack: str | None) -> None:
    """What is built is what the schema asks for, with and without a stack."""
    services = {"redis": {"version": "7", "source": "path"}} if stack else {}
    document = versions.build(stack, services, STANDIN if stack else None)
    assert schema.problems("versions", document) == ()
    assert document["packages"]["pytest"] == pytest.__version__


def test_missing_schemas_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation without schemas checks nothing, and says so instead of passing everything."""
    monkeypatch.setattr(schema, "_FOLDER", tmp_path)
    schema.kinds.cache_clear()
    try:
        with pytest.raises(errors.DocumentError, match="not whole"):
            schema.kind_of("manifest.json")
    finally:
        schema.kinds.cache_clear()
