"""Rules for dashboard files. Each rule is a function that yields findings; ``RULES`` lists them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from acceptance.dashboards.lint.finding import Finding
from acceptance.dashboards.lint.shape import check_shape
from acceptance.dashboards.template import names_in

__all__ = ["RULES", "lint_dashboard", "lint_folder", "load_folder"]

Json = Mapping[str, Any]
Uids = frozenset[str]

GRID_WIDTH = 24
GRAFANA_ITSELF = "-- Grafana --"  # the built-in datasource of the annotations list
WITHOUT_QUERY = frozenset({"dashlist", "row", "text"})
WITHOUT_UNIT = frozenset({"state-timeline", "table", *WITHOUT_QUERY})
OLD_FORM = ("rows", "__inputs", "__requires")  # of schema 14 and older, and of the import wizard

_KOREAN = re.compile(r"[가-힣]")
_WIZARD = re.compile(r"\$\{DS_\w*\}?")


def panels_of(dashboard: Json) -> Iterator[Json]:
    """Give every panel, rows included, those inside collapsed rows too."""
    for panel in dashboard.get("panels") or ():
        yield panel
        yield from panel.get("panels") or ()


def _title(panel: Json) -> str:
    return str(panel.get("title") or f"id {panel.get('id')}")


def check_form(file: str, dashboard: Json, _: Uids) -> Iterator[Finding]:
    """A raw v1 dashboard, as file provisioning loads it on every supported version."""
    rule = "form"
    if "dashboard" in dashboard:
        text = "is wrapped in {'dashboard': ...}, which file provisioning does not load; keep the inner object"
        yield Finding(file=file, rule=rule, message=text)
        return
    if not dashboard.get("panels") or "elements" in dashboard or "spec" in dashboard:
        yield Finding(file=file, rule=rule, message="has no v1 list of panels; save it as v1 JSON")
    for key in OLD_FORM:
        if key in dashboard:
            yield Finding(file=file, rule=rule, message=f"has {key!r}, a form that is not loaded; remove it")


def check_identity(file: str, dashboard: Json, _: Uids) -> Iterator[Finding]:
    """``id`` null, uid = file name, a title."""
    stem = Path(file).stem
    if "id" not in dashboard or dashboard["id"] is not None:
        yield Finding(file=file, rule="id", message=f"id is {dashboard.get('id', 'missing')!r}; set it to null")
    if dashboard.get("uid") != stem:
        text = f"uid is {dashboard.get('uid')!r}; set it to the file's name {stem!r}"
        yield Finding(file=file, rule="uid", message=text)
    if not dashboard.get("title"):
        yield Finding(file=file, rule="title", message="has no title")


def check_wizard(file: str, dashboard: Json, _: Uids) -> Iterator[Finding]:
    """No placeholder that only the import wizard fills."""
    for name in sorted(set(_WIZARD.findall(json.dumps(dashboard)))):
        text = f"holds {name}, which file provisioning never fills; name the datasource uid"
        yield Finding(file=file, rule="import-placeholder", message=text)


def check_datasources(file: str, dashboard: Json, uids: Uids) -> Iterator[Finding]:
    """Each panel, target, variable and annotation names a provisioned datasource by uid."""

    def judge(owner: Json, panel: str, target: str, *, allowed: Uids = uids) -> Iterator[Finding]:
        source = owner.get("datasource")
        uid = source.get("uid") if isinstance(source, dict) else source
        if not isinstance(source, dict) or uid not in allowed:
            text = f"datasource is {uid!r}; name the uid of a provisioned one: {sorted(uids)}"
            yield Finding(file=file, panel=panel, target=target, rule="datasource", message=text)

    for panel in panels_of(dashboard):
        if panel.get("type") in WITHOUT_QUERY:
            continue
        yield from judge(panel, _title(panel), "")
        for target in panel.get("targets") or ():
            yield from judge(target, _title(panel), str(target.get("refId", "?")))
    for variable in _variables(dashboard):
        if variable.get("type") == "query":
            yield from judge(variable, f"variable {variable.get('name')}", "")
    for annotation in (dashboard.get("annotations") or {}).get("list") or ():
        name = f"annotation {annotation.get('name')}"
        yield from judge(annotation, name, "", allowed=uids | {GRAFANA_ITSELF})


def check_targets(file: str, dashboard: Json, _: Uids) -> Iterator[Finding]:
    """Each panel asks something, under a refId of its own."""
    for panel in panels_of(dashboard):
        if panel.get("type") in WITHOUT_QUERY:
            continue
        title, targets = _title(panel), panel.get("targets") or []
        if not [target for target in targets if not target.get("hide")]:
            text = "has no target: it can show nothing; give it a query or remove it"
            yield Finding(file=file, panel=title, rule="no-target", message=text)
        for ref, count in Counter(str(target.get("refId") or "") for target in targets).items():
            if not ref or count > 1:
                text = f"refId {ref!r} is used by {count} targets; give each its own"
                yield Finding(file=file, panel=title, target=ref, rule="ref-id", message=text)
        for target in targets:
            if not str(target.get("expr") or "").strip():
                ref = str(target.get("refId", "?"))
                text = "the query is empty; write one or remove the target"
                yield Finding(file=file, panel=title, target=ref, rule="empty-query", message=text)


def check_variables(file: str, dashboard: Json, _: Uids) -> Iterator[Finding]:
    """Each variable that a query uses is defined, and is filled from the data when the dashboard loads."""
    variables = _variables(dashboard)
    names = {str(variable.get("name")) for variable in variables}
    for panel in panels_of(dashboard):
        for target in panel.get("targets") or ():
            for name in sorted(names_in(str(target.get("expr") or ""))):
                if name not in names:
                    text = f"uses ${name}, which the dashboard does not define; defined are {sorted(names)}"
                    ref = str(target.get("refId", "?"))
                    yield Finding(file=file, panel=_title(panel), target=ref, rule="variable", message=text)
    for variable in variables:
        if variable.get("type") == "query" and variable.get("refresh") not in {1, 2}:
            text = "is never refreshed, so it stays empty where there was no data yet; set refresh to 1"
            place = f"variable {variable.get('name')}"
            yield Finding(file=file, panel=place, rule="variable", message=text)


def check_reading(file: str, dashboard: Json, _: Uids) -> Iterator[Finding]:
    """A person can read it: title, unit, a description with Korean in it, and a place on the grid."""
    panels = [panel for panel in panels_of(dashboard) if panel.get("type") != "row"]
    for title, count in Counter(str(panel.get("title") or "") for panel in panels).items():
        if not title or count > 1:
            text = f"title {title!r} is carried by {count} panels; give each its own"
            yield Finding(file=file, panel=title, rule="panel-title", message=text)
    for number, count in Counter(panel.get("id") for panel in panels_of(dashboard)).items():
        if not isinstance(number, int) or count > 1:
            yield Finding(file=file, rule="panel-id", message=f"panel id {number!r} is used {count} times")
    for panel in panels:
        title = _title(panel)
        if not _KOREAN.search(str(panel.get("description") or "")):
            text = "the description has no Korean; write one in English and Korean"
            yield Finding(file=file, panel=title, rule="description", message=text)
        unit = ((panel.get("fieldConfig") or {}).get("defaults") or {}).get("unit")
        if panel.get("type") not in WITHOUT_UNIT and not unit:
            text = "has no unit; set fieldConfig.defaults.unit ('none' where it is a plain count)"
            yield Finding(file=file, panel=title, rule="unit", message=text)
    yield from _overlaps(file, dashboard.get("panels") or ())


def _overlaps(file: str, panels: Sequence[Json]) -> Iterator[Finding]:
    taken: dict[tuple[int, int], str] = {}
    for panel in panels:
        place = panel.get("gridPos") or {}
        x, y, w, h = (int(place.get(key, 0)) for key in "xywh")
        if w < 1 or h < 1 or x < 0 or y < 0 or x + w > GRID_WIDTH:
            text = f"gridPos {dict(place)} is not on the grid of {GRID_WIDTH} columns"
            yield Finding(file=file, panel=_title(panel), rule="grid", message=text)
        cells = [(x + i, y + j) for i in range(w) for j in range(h)]
        other = next((taken[cell] for cell in cells if cell in taken), None)
        if other is not None:
            text = f"lies upon panel {other!r}; move one of them"
            yield Finding(file=file, panel=_title(panel), rule="grid", message=text)
        taken.update(dict.fromkeys(cells, _title(panel)))


def _variables(dashboard: Json) -> Sequence[Json]:
    found: Sequence[Json] = (dashboard.get("templating") or {}).get("list") or ()
    return found


Rule = Callable[[str, Json, Uids], Iterator[Finding]]
RULES: tuple[Rule, ...] = (
    check_form,
    check_identity,
    check_wizard,
    check_datasources,
    check_targets,
    check_variables,
    check_reading,
)


def lint_dashboard(file: str, dashboard: Json, datasource_uids: Uids) -> tuple[Finding, ...]:
    """Apply every rule to one dashboard; where it is wrapped or no dashboard at all, only that is said."""
    if "dashboard" in dashboard:
        return tuple(check_form(file, dashboard, datasource_uids))
    if misshapen := tuple(check_shape(file, dashboard)):
        return misshapen
    return tuple(finding for rule in RULES for finding in rule(file, dashboard, datasource_uids))


def _no_constant(name: str) -> None:
    raise ValueError(f"it holds {name}, which JSON does not have")


def load_folder(folder: Path) -> tuple[dict[str, Json], tuple[Finding, ...]]:
    """Read every ``*.json`` of a folder; what cannot be read is a finding.

    Returns:
        File name -> dashboard, and the findings. A folder without a dashboard is a finding too.
    """
    loaded: dict[str, Json] = {}
    findings: list[Finding] = []
    paths = sorted(folder.glob("*.json"))
    if not paths:
        findings.append(Finding(file=folder.name, rule="no-dashboard", message="holds no dashboard (*.json)"))
    for path in paths:
        try:
            data = json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_constant)
        except (OSError, RecursionError, ValueError) as error:
            findings.append(Finding(file=path.name, rule="json", message=f"is no readable JSON: {error}"))
            continue
        if isinstance(data, dict):
            loaded[path.name] = data
        else:
            findings.append(Finding(file=path.name, rule="json", message="is JSON, but no object"))
    return loaded, tuple(findings)


def lint_folder(folder: Path, datasource_uids: Uids) -> tuple[Finding, ...]:
    """Apply every rule to every dashboard of a folder, and those that compare dashboards."""
    loaded, found = load_folder(folder)
    findings = list(found)
    for file, dashboard in loaded.items():
        findings.extend(lint_dashboard(file, dashboard, datasource_uids))
    for key in ("uid", "title"):
        count = Counter(str(dashboard.get(key)) for dashboard in loaded.values())
        findings.extend(
            Finding(file=file, rule=f"duplicate-{key}", message=f"{key} {dashboard.get(key)!r} is used twice")
            for file, dashboard in loaded.items()
            if count[str(dashboard.get(key))] > 1
        )
    return tuple(sorted(findings))
