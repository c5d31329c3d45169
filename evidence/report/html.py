"""``report.html``: one file that needs nothing else, for people."""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from evidence.bundle import layout
from evidence.bundle.snapshot import Snapshot
from evidence.report.ac2 import why
from evidence.report.how_to_verify import lines
from evidence.report.view import not_run
from evidence.verdict.stack import PICTURES

FILE_NAME: Final = "report.html"
_PAGE: Final = Path(__file__).with_name("page")
_CHANGED: Final = 60  # files of a commit that are listed; the manifest has them all

_GOOD: Final = frozenset({"PASSED", "PASS", "GO"})
_BAD: Final = frozenset({"FAILED", "FAIL", "ERROR", "NO_GO", "UNVERIFIED"})


@cache
def _template() -> Template:
    # Spaces of templates are kept: they are between words.
    environment = Environment(
        loader=FileSystemLoader(_PAGE), autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True
    )
    return environment.get_template("report.html.j2")


def render(view: Mapping[str, Any], snapshot: Snapshot, *, inside: bool) -> str:
    """Draw the page.

    Args:
        view: what it shows (`evidence.report.view.build`).
        snapshot: the bundle, for its pictures.
        inside: the page will lie in the bundle's folder, so that it may link to the files beside it.

    Returns:
        The page, with style, script and pictures in it. Its security policy forbids every request.

    Raises:
        DocumentError: the pictures cannot be unpacked.
    """
    style, script = ((_PAGE / name).read_text(encoding="utf-8") for name in ("style.css", "script.js"))
    sections: dict[str, list[Mapping[str, Any]]] = {}
    for claim in view["claims"]:
        sections.setdefault(claim["section"], []).append(claim)
    labels = [
        stack["grafana"]["label"]
        for stack in view["stacks"]
        if stack["name"] == view["main_stack"] and stack["grafana"]
    ]
    return _template().render(
        v=view,
        sections=sections,
        ac2=why(view),
        not_run=list(not_run(view)),
        grafana=labels[0] if labels else "-",
        anchors={file["name"]: f"file-{number}" for number, file in enumerate(view["files"], start=1)},
        changed=view["git"]["changed"][:_CHANGED],
        pictures=_pictures(snapshot, view["main_stack"]),
        verify=lines(view),
        inside=inside,
        style=Markup(style),  # noqa: S704 -- our own file
        script=Markup(script),  # noqa: S704 -- our own file
        style_hash=_policy(style),
        script_hash=_policy(script),
        tone=_tone,
        mark=mark(),
    )


@cache
def mark() -> str:
    """Return what names the code that draws pages: of two pages with one mark the same code drew both."""
    sources = [*Path(__file__).parent.glob("*.py"), *_PAGE.iterdir()]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(sources) if path.is_file())).hexdigest()


def _pictures(snapshot: Snapshot, stack: str | None) -> str:
    """Return all pictures of a stack, packed, in base64: plain they would make a page of several megabytes."""
    data = None if stack is None else snapshot.content(f"{layout.stack_folder(stack)}/{PICTURES}")
    return "" if data is None else base64.b64encode(gzip.compress(data, mtime=0)).decode("ascii")


def _tone(text: str) -> str:
    """Return the class of a status: good, bad, or open for everything that is neither, a stand-in's PASS included."""
    if "stand-in" in text:
        return "open"
    word = text.split(" ", 1)[0]
    if word in _GOOD:
        return "good"
    return "bad" if word in _BAD else "open"


def _policy(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
    return f"sha256-{digest}"
