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
    assert schema.names() == {
        "collection.json",
        "grafana_api_result.json",
        "manifest.json",
        "prometheus_query_result.json",
        "telegram_chat.json",
        "versions.json",
    }


@pytest.mark.parametrize("path", sorted(FOLDER.iterdir()), ids=lambda path: path.name)
def test_schemas_are_schemas_and_closed(path: Path) -> None:
    """Each is valid JSON Schema 2020-12, says what it is for, and allows no unknown key."""
    document = json.loads(path.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(document)
    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert document["description"]
    assert document["additionalProperties"] is False


def test_a_name_without_schema_has_no_problems() -> None:
    """Other documents are nobody's business here."""
    assert schema.problems("preflight_report.json", {"anything": 1}) == ()


def test_an_error_names_file_and_place_and_stays_short() -> None:
    """The message names the file, the first place, and how many more; it does not print the document."""
    document = versions.build("embedded", {}, None) | {"python": 3, "packages": {"a": ["x" * 5000]}}
    with pytest.raises(errors.DocumentError, match=r"^versions\.json .*\$\.packages\.a.*\(and 1 more\)$") as e:
        schema.validate("versions.json", document)
    assert len(str(e.value)) < 500


@pytest.mark.parametrize("stack", ["embedded", None])
def test_versions_follow_their_schema(stack: str | None) -> None:
    """What is built is what the schema asks for, with and without a stack."""
    services = {"redis": {"version": "7", "source": "path"}} if stack else {}
    document = versions.build(stack, services, STANDIN if stack else None)
    assert schema.problems("versions.json", document) == ()
    assert document["packages"]["pytest"] == pytest.__version__


def test_missing_schemas_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation without schemas checks nothing, and says so instead of passing everything."""
    monkeypatch.setattr(schema, "_FOLDER", tmp_path)
    schema.names.cache_clear()
    try:
        with pytest.raises(errors.DocumentError, match="not whole"):
            schema.problems("manifest.json", {})
    finally:
        schema.names.cache_clear()
