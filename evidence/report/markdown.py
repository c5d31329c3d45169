"""The report as Markdown: for a CI's summary page, a pull request, a chat."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from evidence.report.ac2 import why
from evidence.report.how_to_verify import lines
from evidence.report.view import not_run

#: What Markdown or the HTML in it would act upon.
_MEANT: Final = re.compile(r"([\\`*_\[\]<>|#~])")
_REASONS: Final = 12


def render(view: Mapping[str, Any]) -> str:
    """Write it."""
    return "\n".join(_lines(view)) + "\n"


def plain(text: object) -> str:
    """Write a text so that Markdown shows it as it is, on one line."""
    return _MEANT.sub(r"\\\1", " ".join(str(text).split()))


def _lines(view: Mapping[str, Any]) -> Iterator[str]:
    git = view["git"]
    yield f"# {view['result']}: evidence {plain(view['bundle'])}"
    yield ""
    yield (
        f"{plain(view['scope'])} · commit {plain(git['short'])}{' with changes' if git['dirty'] else ''} · "
        f"{view['started_at']} to {view['ended_at']} · signature: **{plain(view['signature'])}**"
    )
    yield from _list(view["reasons"][:_REASONS])
    if view["criteria"]:
        yield from ("", "| criterion | status | statement |", "|---|---|---|")
        for one in view["criteria"]:
            yield f"| {one['id']} | **{plain(one['text'])}** | {plain(one['en'])}<br>{plain(one['ko'])} |"
        yield from ("", plain(why(view)["en"]), "", plain(why(view)["ko"]))
    yield from ("", "## Not run / 실행되지 않은 것")
    yield from _list(f"{one['en']} / {one['ko']}" for one in not_run(view))
    yield from ("", "## Gates", "")
    yield from ("| gate | result | passed | failed | error | skipped |", "|---|---|---|---|---|---|")
    for gate in view["gates"]:
        counts = gate["counts"]
        numbers = (counts["passed"], counts["failed"], counts["error"], counts["skipped"] + counts["xfailed"])
        yield f"| {plain(gate['name'])} | {gate['result']} | " + " | ".join(map(str, numbers)) + " |"
    for gate in view["missing_gates"]:
        yield f"| {gate} | NOT RUN | | | | |"
    if view["claims"]:
        yield from ("", "## Claims", "", "| claim | status | on | evidence |", "|---|---|---|---|")
        for claim in view["claims"]:
            files = "<br>".join(f"`{file['name']}` {file['sha256'][:16]}" for file in claim["files"])
            on = plain("; ".join(claim["on"]))
            yield f"| {plain(claim['en'])} | **{plain(claim['text'])}** | {on} | {files} |"
    yield from ("", "## Verify it yourself", "", "```", *lines(view), "```")


def _list(items: Any) -> Iterator[str]:
    found = [f"- {plain(item)}" for item in items]
    if found:
        yield ""
        yield from found
