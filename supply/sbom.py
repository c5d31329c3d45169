"""The supply as a bill of materials in CycloneDX JSON, written by CycloneDX's own library."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.dependency import Dependency
from cyclonedx.model.license import DisjunctiveLicense, LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from supply.check import licence_of
from supply.installed import Installed, installed
from supply.licences import Licences, load
from supply.locks import parts
from supply.part import Kind, Part

_PURL: Final[dict[Kind, str]] = {"pypi": "pypi", "npm": "npm", "go": "golang", "debian": "deb", "image": "docker"}


def document(project: Path, *, name: str, at: datetime) -> bytes:
    """Return the bill of materials of a checkout and of the running Python's packages.

    What the checkout's locks pin is there with hashes and licences; what is installed and not pinned, by its own words.

    Args:
        project: the checkout; one without locks has none of the first kind.
        name: what it is the bill of, such as a bundle's name; two of the same name and content are the same bytes.
        at: when, with its zone.

    Raises:
        SupplyError: a lock cannot be read.
    """
    licences = load()
    pinned = parts(project)
    known = {(part.name, part.version) for part in pinned if part.kind == "pypi"}
    components = [
        *(_of_part(part, licences) for part in pinned),
        *(_of_installed(one) for one in installed() if (one.name, one.version) not in known),
    ]
    subject = Component(name=name, type=ComponentType.APPLICATION, bom_ref=name)
    bom = Bom(
        serial_number=uuid5(NAMESPACE_URL, name),
        metadata=BomMetaData(component=subject, timestamp=at),
        components=components,
    )
    # Not by `register_dependency`, which looks through all that are there for each one more.
    leaves = [Dependency(component.bom_ref) for component in components]
    bom.dependencies = [Dependency(subject.bom_ref, leaves), *leaves]
    return (JsonV1Dot6(bom).output_as_string(indent=1) + "\n").encode()


def _of_part(part: Part, licences: Licences) -> Component:
    namespace, _, name = part.name.rpartition("/")
    if part.kind == "debian":
        namespace = "debian"
    purl = PackageURL(type=_PURL[part.kind], namespace=namespace or None, name=name, version=part.version or None)
    return Component(
        name=part.name,
        version=part.version or None,
        type=ComponentType.CONTAINER if part.kind == "image" else ComponentType.LIBRARY,
        bom_ref=f"{part.key}@{part.version}",
        purl=purl,
        licenses=[_licence(licence_of(part, licences))],
        hashes=[HashType(alg=algorithm, content=content) for algorithm, content in _hashes(part)],
        properties=[
            Property(name="supply:pinned-by", value=part.pinned_by),
            *([Property(name="supply:hashes", value=part.fingerprint)] if part.hashes else []),
        ],
    )


def _hashes(part: Part) -> Iterator[tuple[HashAlgorithm, str]]:
    """Hashes of the one file that a part is. One of many wheels is installed, and a Go sum is no hash of a file."""
    if len(part.hashes) != 1:
        return
    (only,) = part.hashes
    if only.startswith("sha256:"):
        yield HashAlgorithm.SHA_256, only.removeprefix("sha256:")
    elif only.startswith("sha512-"):
        yield HashAlgorithm.SHA_512, base64.b64decode(only.removeprefix("sha512-")).hex()


def _of_installed(one: Installed) -> Component:
    return Component(
        name=one.name,
        version=one.version or None,
        type=ComponentType.LIBRARY,
        bom_ref=f"installed:{one.name}@{one.version}",
        purl=PackageURL(type="pypi", name=one.name, version=one.version or None),
        licenses=[_licence(one.expression, one.said)],
    )


def _licence(expression: str | None, said: str = "unknown") -> LicenseExpression | DisjunctiveLicense:
    # What another project locks has none in our table, and an empty expression is no CycloneDX.
    return LicenseExpression(expression) if expression else DisjunctiveLicense(name=said)
