"""Names and writes pictures: into an evidence bundle, or into a folder."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Protocol

from acceptance.dashboards.pictures.picture import panel_picture
from acceptance.display import Displayed
from acceptance.proof.sweep import PanelOutcome

if TYPE_CHECKING:  # the stand-in for Grafana draws with this package, and has no evidence
    from acceptance.probes.grafana import ServedDashboard
    from evidence.grafana import GrafanaUsed

__all__ = ["Door", "cleaned", "picture_name", "save_all"]


#: A glyph as matplotlib defines it. As a group, so that splitting keeps it.
_GLYPH: Final = re.compile(r'(<path id="[^"]*" d="[^"]*" transform="[^"]*"/>)')


class Door(Protocol):
    """What pictures are handed to; `evidence.bundle.Bundle` is one."""

    def redact_tree(self, document: object) -> object:
        """Give a copy without any secret value."""

    def add_json(self, name: str, document: object, *, replace: bool = False, compact: bool = False) -> object:
        """Take a document in."""


def picture_name(outcome: PanelOutcome) -> str:
    """Give a panel's file name, e.g. `d77_system_health/2-preflight-last-success.svg`."""
    slug = re.sub(r"[^a-z0-9]+", "-", outcome.panel.title.lower()).strip("-") or "panel"
    folder = re.sub(r"[^\w-]+", "-", outcome.panel.dashboard, flags=re.ASCII) or "dashboard"
    return f"{folder}/{outcome.panel.id}-{slug[:60].rstrip('-')}.svg"


def save_all(
    outcomes: Iterable[PanelOutcome], bundle: Door, grafana: GrafanaUsed, served: Iterable[ServedDashboard] = ()
) -> tuple[str, ...]:
    """Put value and picture of each panel into the evidence: `panels.json` and `pictures.json`.

    The dashboards go in as they were served (`dashboards.json`), so that a verifier can compare the panels with them.

    Secrets are taken out before drawing: a picture holds its letters as outlines, in which nobody finds them later.

    Args:
        outcomes: What each panel showed; also those that showed nothing, which the picture says in red.
        bundle: Open.
        grafana: What answered.
        served: The dashboards that the panels are from; none: `dashboards.json` is not written.

    Returns:
        The names of the pictures, in order.
    """
    pictures: dict[str, str] = {}
    records: list[object] = []
    for outcome in outcomes:
        clean = cleaned(outcome, bundle.redact_tree)
        name = picture_name(clean)
        pictures[name] = panel_picture(clean, source=grafana.label).decode()
        records.append(bundle.redact_tree(_record(clean, name)))
    document = {"schema_version": 1, "grafana": grafana.to_dict(), "panels": records}
    bundle.add_json("panels.json", document, replace=True, compact=True)
    bundle.add_json("pictures.json", _shared(pictures), replace=True, compact=True)
    if dashboards := [dict(one.dashboard) for one in served]:
        bundle.add_json("dashboards.json", {"schema_version": 1, "dashboards": dashboards}, replace=True, compact=True)
    return tuple(pictures)


def _shared(pictures: Mapping[str, str]) -> dict[str, object]:
    """Put pictures into one document in which each glyph, which are nine tenths of a picture, is there once."""
    parts: dict[str, int] = {}
    found = {name: [parts.setdefault(part, len(parts)) for part in _GLYPH.split(svg)] for name, svg in pictures.items()}
    return {"schema_version": 1, "parts": list(parts), "pictures": found}


def _record(outcome: PanelOutcome, picture: str) -> dict[str, object]:
    panel, result = outcome.panel, outcome.result
    return {
        "dashboard": panel.dashboard,
        "id": panel.id,
        "title": panel.title,
        "type": panel.type,
        "queries": list(outcome.queries),
        "values": [
            {
                "ref_id": shown.ref_id,
                "name": shown.name,
                "labels": dict(shown.labels),
                "value": shown.value,
                # A frame without a time field has none.
                "time": shown.time if shown.time is not None and math.isfinite(shown.time) else None,
            }
            for shown in outcome.values
        ],
        "targets": [target.ref_id for target in panel.targets if not target.hidden],
        "displayed": {major: shown.to_dict() for major, shown in outcome.displayed.items()},
        "problems": list(outcome.problems()),
        "request": None if result is None else dict(result.request),
        "raw": None if result is None else dict(result.raw),
        "attempts": 1,
        "elapsed_seconds": outcome.elapsed_seconds,
        "picture": picture,
    }


def cleaned(outcome: PanelOutcome, redact: Callable[[object], object]) -> PanelOutcome:
    """Give a copy in which every text that a picture shows has gone through `redact`."""

    def clean(text: Any) -> Any:
        return redact(text)

    panel = replace(outcome.panel, title=clean(outcome.panel.title), raw=clean(dict(outcome.panel.raw)))
    return replace(
        outcome,
        panel=panel,
        values=tuple(
            replace(shown, name=clean(shown.name), labels=clean(dict(shown.labels))) for shown in outcome.values
        ),
        faults=tuple(
            replace(fault, panel=panel, query=clean(fault.query), detail=clean(fault.detail))
            for fault in outcome.faults
        ),
        failure=clean(outcome.failure),
        displayed={major: _cleaned(shown, clean) for major, shown in outcome.displayed.items()},
    )


def _cleaned(shown: Displayed, clean: Callable[[Any], Any]) -> Displayed:
    items = tuple(
        replace(
            item,
            title=clean(item.title),
            text=clean(item.text),
            why=clean(item.why),
            states={key: replace(state, text=clean(state.text)) for key, state in item.states.items()},
        )
        for item in shown.items
    )
    return replace(shown, items=items, faults=tuple(clean(one) for one in shown.faults))
