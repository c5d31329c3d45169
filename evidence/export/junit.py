"""JUnit XML: the suites of all gates in one document."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from evidence.bundle import layout
from evidence.bundle.snapshot import Snapshot
from evidence.errors import DocumentError
from evidence.verdict import Verdict

_COUNTS = ("tests", "failures", "errors", "skipped")


def write(snapshot: Snapshot, verdict: Verdict) -> bytes:
    """Gather pytest's own JUnit files; each suite is named after its gate.

    Raises:
        DocumentError: no gate left one, or it is not JUnit XML.
    """
    root = ET.Element("testsuites", name=snapshot.name)
    for gate in verdict.gates:
        name = layout.gate_junit(gate)
        data = snapshot.content(name)
        if data is None:
            continue
        if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
            raise DocumentError(f"{name} declares a document type, which pytest never writes")
        try:
            found = ET.fromstring(data)  # noqa: S314 -- without a document type there are no entities to expand
        except ET.ParseError as error:
            message = f"{name} is not XML: {error}"
            raise DocumentError(message) from error
        for suite in found.iter("testsuite"):
            suite.set("name", f"{gate}: {suite.get('name', 'pytest')}")
            root.append(suite)
    if not len(root):
        raise DocumentError(f"{snapshot.name} holds no JUnit XML")
    for count in _COUNTS:
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in root)))
    ET.indent(root)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"
