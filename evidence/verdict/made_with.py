"""``versions.json`` against the other documents that name what a run was made with."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from evidence.grafana import GrafanaKind, GrafanaUsed, is_official

_SERVICE: Final = "grafana"
_UNTOLD: Final = frozenset({"unknown", "not asked"})  # versions of a service that said none, or is the user's own
_ROW: Final = re.compile(r"(?P<name>\S+) +(?:yes|NO) +(?:yes|NO)(?: +(?P<version>\S.*))?")


def grafana(versions: Mapping[str, Any]) -> Iterator[str]:
    """Say how Grafana's label differs from what it was: a stand-in's must not read as the original's."""
    used = versions["grafana"]
    if used is None:
        return
    service = versions["services"].get(_SERVICE, {})
    kind = GrafanaKind(used["kind"])
    image = service.get("image", "")
    label = GrafanaUsed(kind=kind, version=used["version"], image=image).label
    of_an_image = f"Grafana {used['version']} ("
    named = used["label"].startswith(of_an_image) if kind is GrafanaKind.IMAGE and not image else used["label"] == label
    if not named:
        yield f"calls the Grafana of the kind {kind} in the version {used['version']} {used['label']!r}"
    source, standin = service.get("source", kind), kind is GrafanaKind.STANDIN
    if image:  # may hold either; the official one is Grafana
        contradicts = standin and is_official(image)
    else:  # the user's own may be either
        contradicts = source != GrafanaKind.EXTERNAL and standin != (source == GrafanaKind.STANDIN)
    if contradicts:
        yield f"says that Grafana is of the kind {kind}, and that its source is {source}"
    if service.get("version", used["version"]) not in {used["version"], *_UNTOLD}:
        yield f"says that Grafana is of the version {used['version']}, and its service {service['version']}"


def status(versions: Mapping[str, Any], text: str) -> Iterator[str]:
    """Say which services ``docker_status.txt`` has in another version.

    Args:
        versions: the document.
        text: content of ``docker_status.txt``.
    """
    for line in text.splitlines():
        row = _ROW.fullmatch(line.rstrip())
        known = None if row is None else versions["services"].get(row["name"])
        if row is None or known is None or known["version"] in _UNTOLD:
            continue
        said = row["version"] or ""
        if said != known["version"] and not said.startswith(known["version"] + " "):
            yield f"says that {row['name']} is {said.partition(' ')[0]}; versions.json says {known['version']}"


def packages(versions: Mapping[str, Any], materials: Mapping[str, Any]) -> Iterator[str]:
    """Say which Python packages the bill of materials has in another version.

    Args:
        versions: the document.
        materials: ``sbom.cdx.json``.
    """
    found: dict[str, set[str]] = {}
    for one in materials["components"]:
        if one.get("purl", "").startswith("pkg:pypi/"):
            found.setdefault(_canonical(one["name"]), set()).add(one.get("version", ""))
    for name, version in versions["packages"].items():
        known = found.get(_canonical(name), {version})
        if version not in known:
            yield f"says {name} {version}; the bill of materials has {', '.join(sorted(known))}"


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
