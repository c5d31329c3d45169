"""The user's documents, from promoted evidence: D98_6_REPORT.md, and parts of D_ROADMAP.md and CHECKPOINT.md."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

from evidence.claims.facts import servers
from evidence.claims.judge import Status
from evidence.promote import places
from evidence.report.ac2 import why
from evidence.report.markdown import plain
from evidence.report.view import not_run, untested

BEGIN: Final = "<!-- evidence:d98-6:begin -->"
END: Final = "<!-- evidence:d98-6:end -->"
_BLOCK: Final = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
_WARNING: Final = (
    "<!-- `evidence promote`가 증거에서 쓴다. 손으로 고치면 Fast Gate의 `evidence check-docs`가 실패한다. -->"
)
_HEADS: Final = {places.ROADMAP: "# D_ROADMAP\n", places.CHECKPOINT: "# CHECKPOINT\n"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Promoted:
    """What the documents are written from."""

    manifest: Mapping[str, Any]
    claims: Mapping[str, Any]
    key_id: str


def write(promoted: Promoted, before: Mapping[PurePosixPath, str]) -> dict[PurePosixPath, str]:
    """Write the documents.

    Args:
        promoted: what they say.
        before: the text of D_ROADMAP.md and CHECKPOINT.md as they are, if they are there.

    Returns:
        The new text of each. Of the two, only the part between the markers differs.
    """
    return {
        places.REPORT: "\n".join(_report(promoted)) + "\n",
        places.ROADMAP: _placed(before.get(places.ROADMAP, ""), places.ROADMAP, _roadmap(promoted)),
        places.CHECKPOINT: _placed(before.get(places.CHECKPOINT, ""), places.CHECKPOINT, _checkpoint(promoted)),
    }


def is_written(name: PurePosixPath, text: str) -> bool:
    """Tell whether a document holds something that only `write` writes."""
    return name == places.REPORT or BEGIN in text or END in text


def _placed(text: str, name: PurePosixPath, lines: Iterator[str]) -> str:
    block = "\n".join([BEGIN, _WARNING, *lines, END])
    if _BLOCK.search(text):
        return _BLOCK.sub(lambda _: block, text, count=1)
    before = text.rstrip("\n") or _HEADS[name].rstrip("\n")
    return f"{before}\n\n{block}\n"


def _report(promoted: Promoted) -> Iterator[str]:
    manifest, claims = promoted.manifest, promoted.claims
    git = manifest["git"]
    yield from ("# D98-6 보고서", "", _WARNING, "", f"**상태:** {state(claims)}", "")
    yield f"- 번들: `{manifest['bundle']}`, 판정 **{manifest['result']}** ({manifest['scope']})"
    yield f"- 커밋: `{git['commit']}`" + (f" (브랜치 `{plain(git['branch'])}`)" if git["branch"] else "")
    yield f"- 실행: {manifest['start']} ~ {manifest['end']}"
    yield f"- 서명: Ed25519 키 `{promoted.key_id[:12]}` ([공개 키](evidence/{places.KEY.name}))"
    yield "- 서명이 증명하는 것과 증명하지 않는 것: [docs/evidence.md](../evidence.md)"
    yield f"- Grafana: {_grafana(manifest)}"
    yield from ("", "## 인수 조건", "", "| 조건 | 내용 | 상태 |", "|---|---|---|")
    for one in claims["criteria"]:
        yield f"| {one['id']} | {plain(one['ko'])} | {_mark(one['status'])} **{plain(one['text'])}** |"
    yield from ("", why(claims)["ko"])
    yield from ("", "## 실행되지 않은 것", "")
    lacking = [f"- {plain(one['ko'])}" for one in not_run(_view(promoted))]
    yield from lacking or ["- 없음"]
    yield from ("", "## Gate", "", "| Gate | 결과 | 통과 | 실패 | 오류 | 건너뜀 |", "|---|---|---|---|---|---|")
    for name, gate in manifest["gates"].items():
        counts = gate["counts"]
        numbers = (counts["passed"], counts["failed"], counts["error"], counts["skipped"] + counts["xfailed"])
        verdict = "PASS" if gate["passed"] else "FAIL"
        yield f"| {name} | {verdict} ({gate['result']}) | " + " | ".join(map(str, numbers)) + " |"
    sections = dict.fromkeys(claim["section"] for claim in claims["claims"])
    for section in sections:
        yield from ("", f"## {section}", "", "| 주장 | 상태 | 무엇 위에서 | 증명하는 테스트 |", "|---|---|---|---|")
        for claim in claims["claims"]:
            if claim["section"] == section:
                tests = "<br>".join(f"`{test}`" for test in dict.fromkeys(proof["test"] for proof in claim["tests"]))
                why_not = f"<br>{plain('; '.join(claim['reasons']))}" if claim["reasons"] else ""
                on = plain("; ".join(claim["on"])) or "-"
                status = f"{_mark(claim['status'])} {plain(claim['text'])}{why_not}"
                yield f"| {plain(claim['ko'])} | {status} | {on} | {tests or '-'} |"
    yield from ("", "## 증거 파일", "", "| 파일 | sha256 |", "|---|---|")
    for target, source in sorted(places.targets(manifest).items()):
        path = places.FOLDER.relative_to(places.REPORT.parent) / target
        yield f"| [`{target}`]({path}) | `{manifest['files'][source]['sha256']}` |"
    yield from ("", "## 직접 검증", "", "```", "make setup", ".venv/bin/evidence check-docs", "```")


def _roadmap(promoted: Promoted) -> Iterator[str]:
    manifest = promoted.manifest
    yield from ("## D98-6", "", f"- 상태: {state(promoted.claims)}")
    yield f"- 증거: `{manifest['bundle']}`, 커밋 `{manifest['git']['short']}`, {manifest['end'][:10]}"
    yield f"- 보고서: [{places.REPORT.name}]({places.REPORT})"


def _checkpoint(promoted: Promoted) -> Iterator[str]:
    manifest = promoted.manifest
    yield from (
        "## D98-6",
        "",
        f"- 상태: {state(promoted.claims)} ({manifest['end'][:10]}, 커밋 `{manifest['git']['short']}`)",
    )
    for one in promoted.claims["criteria"]:
        yield f"- {_mark(one['status'])} {one['id']} {plain(one['ko'])}: {plain(one['text'])}"
    yield f"- 보고서: [{places.REPORT.name}]({places.REPORT})"


def state(claims: Mapping[str, Any]) -> str:
    """Say in Korean whether D98-6 is done, and on which condition."""
    criteria = claims["criteria"]
    if any(one["status"] != Status.PASS for one in criteria):
        return "❌ 미완"
    names = dict.fromkeys(name for one in criteria for name in one["standin_for"])
    return f"✅ 완결 (대역 위에서 확인: {', '.join(names)})" if names else "✅ 완결"


def _mark(status: str) -> str:
    return {Status.PASS: "✅", Status.FAIL: "❌"}.get(Status(status), "⬜")


def _grafana(manifest: Mapping[str, Any]) -> str:
    labels = [
        f"{stack}: {plain(facts['grafana']['label'])}"
        for stack, facts in manifest["stacks"].items()
        if facts["grafana"]
    ]
    return ", ".join(labels) or "없음"


def _view(promoted: Promoted) -> dict[str, Any]:
    """What `not_run` asks of a report."""
    manifest = promoted.manifest
    return {
        "missing_gates": [],  # promoted is only what is complete
        "gates": [{"name": name, **gate} for name, gate in manifest["gates"].items()],
        "stacks": [
            {"name": name, "labels": [one.label for one in servers(facts["grafana"], facts["services"]).values()]}
            for name, facts in manifest["stacks"].items()
        ],
        "untested": sorted(untested(manifest["stacks"].values())),
        "claims": promoted.claims["claims"],
    }
