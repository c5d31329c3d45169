"""Holds dashboards to the types that Grafana itself publishes, of every supported major version.

`docker/components/grafana-display/schema.mjs` makes JSON Schemas from the types of @grafana/schema when the component
is installed; nothing of them is kept by hand.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator
from jsonschema.exceptions import best_match

from acceptance.dashboards.lint.finding import Finding
from acceptance.display.library import DisplayError

__all__ = ["GrafanaSchema", "lint_schema", "load_schemas"]

Json = Mapping[str, Any]
_FILE = "schema.json"
_FOLDERS = {"annolist": "annotationslist", "dashlist": "dashboardlist"}  # panel type -> what its types are filed under
_LONGEST = 200  # characters of a message


@dataclass(frozen=True, slots=True, kw_only=True)
class GrafanaSchema:
    """The types of one major version."""

    major: str  # "13"
    version: str  # of the package: "13.2.3"
    schema_version: int  # of a dashboard, the newest that this Grafana writes
    dashboard: Draft7Validator
    panel: Draft7Validator
    panel_types: Mapping[str, Mapping[str, Draft7Validator]]  # folder -> "Options", "FieldConfig"

    def of_type(self, panel_type: str) -> Mapping[str, Draft7Validator] | None:
        """Return the schemas of a panel type's own options; None if this Grafana publishes none."""
        return self.panel_types.get(_FOLDERS.get(panel_type, panel_type.replace("-", "").lower()))


def load_schemas(folder: Path) -> tuple[GrafanaSchema, ...]:
    """Read the schemas of all major versions.

    Args:
        folder: Of the installed component.

    Raises:
        DisplayError: The file is missing or of another form.
    """
    try:
        raw: dict[str, Any] = json.loads((folder / _FILE).read_text(encoding="utf-8"))
        return tuple(
            GrafanaSchema(
                major=major,
                version=one["version"],
                schema_version=int(one["schemaVersion"]),
                dashboard=Draft7Validator(one["dashboard"]),
                panel=Draft7Validator(one["panel"]),
                panel_types={
                    name: {part: Draft7Validator(schema) for part, schema in parts.items()}
                    for name, parts in one["panelTypes"].items()
                },
            )
            for major, one in raw.items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DisplayError(f"{_FILE} of Grafana's types cannot be read ({error}); remedy: make components") from error


def lint_schema(file: str, dashboard: Json, schemas: tuple[GrafanaSchema, ...]) -> tuple[Finding, ...]:
    """Find what a supported Grafana does not know; one finding for all the versions that agree.

    Args:
        file: Name of the file.
        dashboard: Any JSON object; parts of another kind than the types have are findings.
        schemas: Of the versions to hold it to.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for schema in schemas:
        for place in _mistakes(dashboard, schema):
            found.setdefault(place, []).append(schema.major)
    return tuple(
        Finding(file=file, panel=panel, rule="schema", message=f"Grafana {' and '.join(majors)}: {text}")
        for (panel, text), majors in found.items()
    )


def _mistakes(dashboard: Json, schema: GrafanaSchema) -> Iterator[tuple[str, str]]:
    for text in _errors(schema.dashboard, {key: value for key, value in dashboard.items() if key != "panels"}, ""):
        yield "", text
    version = dashboard.get("schemaVersion")
    if isinstance(version, int) and version > schema.schema_version:
        yield "", f"schemaVersion {version} is newer than its own {schema.schema_version}"
    for panel in _panels(dashboard.get("panels")):
        title = str(panel.get("title") or f"id {panel.get('id')}")
        for text in _panel(panel, schema):
            yield title, text


def _panels(given: Any) -> Iterator[Json]:
    for panel in given if isinstance(given, list) else ():
        if isinstance(panel, dict):
            if panel.get("type") != "row":
                yield panel
            yield from _panels(panel.get("panels"))


def _panel(panel: Json, schema: GrafanaSchema) -> Iterator[str]:
    yield from _errors(schema.panel, {key: value for key, value in panel.items() if key != "panels"}, "")
    kind = str(panel.get("type") or "")
    own = schema.of_type(kind)
    if own is None:
        yield f"it publishes no panel type {kind!r}"
        return
    if isinstance(panel.get("options"), dict):
        yield from _errors(own["Options"], panel["options"], "options")
    config = panel.get("fieldConfig")
    if not isinstance(config, dict):
        return
    fields = own.get("FieldConfig", Draft7Validator({"type": "object", "additionalProperties": False}))
    defaults = config.get("defaults")
    if isinstance(defaults, dict) and isinstance(defaults.get("custom"), dict):
        yield from _errors(fields, defaults["custom"], "fieldConfig.defaults.custom")
    for override in _objects(config.get("overrides")):
        for given in _objects(override.get("properties")):
            name = str(given.get("id"))
            if name.startswith("custom."):
                value = {name.removeprefix("custom."): given.get("value")}
                yield from _errors(fields, value, f"override {name}")


def _objects(given: Any) -> list[dict[str, Any]]:
    return [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []


def _errors(validator: Draft7Validator, value: Any, place: str) -> Iterator[str]:
    for error in validator.iter_errors(value):
        deepest = best_match([error]) or error
        path = ".".join(str(part) for part in (place, *deepest.absolute_path) if part != "")
        yield f"{path}: {deepest.message[:_LONGEST]}" if path else deepest.message[:_LONGEST]
