"""What a dashboard's JSON must be made of before anything else can be said of it.

Grafana's front end is lenient here and shows nothing; our own readers would stumble. So each part that is of another
kind than v1 JSON has there is a finding with its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from acceptance.dashboards.lint.finding import Finding

__all__ = ["check_shape"]

Json = Mapping[str, Any]
_NUMBER = (int, float)


def check_shape(file: str, dashboard: Json) -> Iterator[Finding]:
    """Find parts that are not of the kind that v1 JSON has there; a missing part is for other rules."""
    root = _Place(file=file)
    yield from root.kinds(dashboard, title=str, uid=str, templating=dict, annotations=dict)
    yield from _panels(root, dashboard.get("panels"))
    for key in ("templating", "annotations"):
        part = dashboard.get(key)
        for item in root.items(part.get("list") if isinstance(part, dict) else None):
            yield from root.expect(item, dict, f"an entry of {key}")
            if isinstance(item, dict):
                place = _Place(file=file, panel=f"{key} {item.get('name')}")
                yield from place.kinds(item, name=str, type=str)
                yield from _datasource(place, item)


class _Place:
    """Where in the file we are, for the findings."""

    def __init__(self, *, file: str, panel: str = "", target: str = "") -> None:
        self.file, self.panel, self.target = file, panel, target

    def expect(self, value: Any, kind: type | tuple[type, ...], name: str) -> Iterator[Finding]:
        """Say it where a value that is there is of another kind."""
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            wanted = "number" if kind is _NUMBER else getattr(kind, "__name__", "text or object")
            text = f"{name} is {str(value)[:60]!r}, a {type(value).__name__}; v1 JSON has a {wanted} there"
            yield Finding(file=self.file, panel=self.panel, target=self.target, rule="shape", message=text)

    def kinds(self, owner: Json, **wanted: type | tuple[type, ...]) -> Iterator[Finding]:
        """Expect each key of ``owner`` to be of its kind."""
        for key, kind in wanted.items():
            yield from self.expect(owner.get(key), kind, key)

    def items(self, value: Any) -> list[Any]:
        """Give what is in a list; nothing for anything else, which is said elsewhere."""
        return value if isinstance(value, list) else []


def _panels(place: _Place, panels: Any) -> Iterator[Finding]:
    yield from place.expect(panels, list, "panels")
    for number, panel in enumerate(place.items(panels), 1):
        if not isinstance(panel, dict):
            text = f"panel number {number} is {panel!r}; v1 JSON has an object there"
            yield Finding(file=place.file, panel=place.panel, rule="shape", message=text)
            continue
        here = _Place(file=place.file, panel=str(panel.get("title") or f"number {number}"))
        yield from here.kinds(panel, title=str, type=str, id=int, description=str, gridPos=dict, targets=list)
        yield from here.kinds(panel, fieldConfig=dict, options=dict)
        if isinstance(panel.get("gridPos"), dict):
            yield from here.kinds(panel["gridPos"], x=_NUMBER, y=_NUMBER, w=_NUMBER, h=_NUMBER)
        if isinstance(panel.get("fieldConfig"), dict):
            yield from here.kinds(panel["fieldConfig"], defaults=dict, overrides=list)
        yield from _datasource(here, panel)
        yield from _targets(here, panel)
        yield from _panels(here, panel.get("panels"))


def _targets(place: _Place, panel: Json) -> Iterator[Finding]:
    for target in place.items(panel.get("targets")):
        yield from place.expect(target, dict, "a target")
        if target is None:
            yield Finding(file=place.file, panel=place.panel, rule="shape", message="a target is null; remove it")
        if isinstance(target, dict):
            here = _Place(file=place.file, panel=place.panel, target=str(target.get("refId") or "?"))
            yield from here.kinds(target, refId=str, expr=str, legendFormat=str, format=str)
            yield from _datasource(here, target)


def _datasource(place: _Place, owner: Json) -> Iterator[Finding]:
    source = owner.get("datasource")
    yield from place.expect(source, (dict, str), "datasource")
    if isinstance(source, dict):
        yield from place.kinds(source, uid=str, type=str)
