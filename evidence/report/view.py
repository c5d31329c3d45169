"""What a report shows, as one document: the form of ``--format json``, and what the other forms are drawn from."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from pydantic import ValidationError

from evidence import claims
from evidence.bundle import layout
from evidence.bundle.snapshot import Snapshot
from evidence.claims import document, table
from evidence.claims.facts import MADE_FROM_CLAIMS, servers
from evidence.errors import DocumentError
from evidence.report.hops import follow
from evidence.times import iso
from evidence.verdict import Verdict
from evidence.verdict.gate import GateFiles
from evidence.verdict.stack import PICTURES, StackFiles

SCHEMA_VERSION: Final = 1
_TAGS: Final = re.compile(r"<[^>]*>")
_MESSAGES: Final = 8  # of the chat, one of each kind; a run of the suite sends dozens
#: Terminal escapes and other characters that a page or a terminal would act upon.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def build(snapshot: Snapshot, verdict: Verdict, *, signature: str) -> dict[str, Any]:
    """Gather it.

    Args:
        snapshot: the bundle's bytes, sealed or about to be.
        verdict: what was derived from them.
        signature: in words, such as ``UNSIGNED``.

    Returns:
        A JSON-like document without control characters. Texts in two languages are ``{"en": ..., "ko": ...}``.

    Raises:
        DocumentError: a document in the bundle is not what its name says.
        ClaimsError: a claim names a test that does not exist.
    """
    run = verdict.run
    main = next((stack for stack in layout.STACK_ORDER if stack in verdict.stacks), None)
    judged = _claims(snapshot, verdict)
    view = {
        "schema_version": SCHEMA_VERSION,
        "bundle": snapshot.name,
        "result": str(verdict.result),
        "reasons": list(verdict.reasons),
        "scope": verdict.scope,
        "complete": verdict.complete,
        "signature": signature,
        "started_at": run["started_at"],
        "ended_at": iso(max(gate.end for gate in verdict.gates.values())) if verdict.gates else run["started_at"],
        "command": " ".join(run["command"]),
        "git": run["git"],
        "python": run["python"],
        "platform": run["platform"],
        "gates": [_gate(name, verdict.gates[name]) for name in sorted(verdict.gates, key=_place_of)],
        "missing_gates": list(verdict.missing_gates),
        "stacks": [_stack(name, stack) for name, stack in verdict.stacks.items()],
        **judged,
        "untested": sorted(untested([stack.to_dict() for stack in verdict.stacks.values()])),
        "main_stack": main,
        **_seen(snapshot, main),
        "files": [
            {"name": name, **described}
            for name, described in snapshot.described().items()
            if name not in MADE_FROM_CLAIMS
        ],
    }
    cleaned: dict[str, Any] = _clean(view)
    return cleaned


_NOTHING_SEEN: Final[Mapping[str, Any]] = {
    "hops": [], "metrics": [], "panels": [], "dashboards": [], "chat": [], "chat_total": 0, "checks": [],
    "preflight": None,
}  # fmt: skip


def _claims(snapshot: Snapshot, verdict: Verdict) -> dict[str, Any]:
    """Criteria and claims, judged anew by the bundle's own table if it is sealed; none for a foreign suite."""
    if not claims.makes_claims(verdict):
        return {"criteria": [], "claims": []}
    rows = None
    if document.FILE_NAME in snapshot.files:
        try:
            rows = table.Table.model_validate(snapshot.json(document.FILE_NAME)["table"])
        except (ValidationError, KeyError, TypeError) as error:
            message = f"{document.FILE_NAME} holds no table of claims that could be judged again"
            raise DocumentError(message) from error
    derived = claims.derive(snapshot, verdict, rows=rows)
    return {key: derived[key] for key in ("criteria", "claims")}


def _place_of(gate: str) -> tuple[int, str]:
    known = layout.ALL_GATES
    return known.index(gate) if gate in known else len(known), gate


def _gate(name: str, gate: GateFiles) -> dict[str, Any]:
    return {
        "name": name,
        "result": str(gate.outcome.result),
        "passed": gate.outcome.passed,
        "reasons": list(gate.outcome.reasons),
        "counts": dict(gate.outcome.counts),
        "started_at": iso(gate.begin),
        "ended_at": iso(gate.end),
    }


def _stack(name: str, stack: StackFiles) -> dict[str, Any]:
    return {
        "name": name,
        "grafana": dict(stack.grafana) if stack.grafana else None,
        "services": [
            {"name": service, "version": facts["version"], "source": facts.get("source", "")}
            for service, facts in sorted(stack.services.items())
        ],
        "labels": [server.label for server in servers(stack.grafana, stack.services).values()],
    }


def _seen(snapshot: Snapshot, stack: str | None) -> Mapping[str, Any]:
    """What was seen on a stack; nothing if its documents are not what they should be, which the verdict says."""
    if stack is None:
        return _NOTHING_SEEN
    try:
        return _seen_on(snapshot, stack)
    except (DocumentError, KeyError, TypeError, ValueError, AttributeError):
        return _NOTHING_SEEN


def untested(stacks: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Name the official images in whose place others ran, from the stacks as a manifest has them."""
    services = [facts for stack in stacks for facts in stack["services"].values()]
    return frozenset(facts["official_untested"] for facts in services if "official_untested" in facts)


def _seen_on(snapshot: Snapshot, stack: str) -> dict[str, Any]:
    """What the acceptance suite saw on one stack."""
    folder = layout.stack_folder(stack)

    def read(name: str) -> Any:
        path = f"{folder}/{name}"
        return snapshot.json(path) if path in snapshot.names() else None

    report, chat = (read(name) for name in ("preflight_report.json", "telegram_chat.json"))
    panels, drawn = (read(name) for name in ("panels.json", PICTURES))
    prometheus, grafana = (read(name) for name in ("prometheus_query_result.json", "grafana_api_result.json"))
    hops = []
    if report is not None:
        prom = f"{folder}/arbitrage_preflight_{report['env']}.prom"
        hops = list(
            follow(
                report,
                report_file=f"{folder}/preflight_report.json",
                textfile=(prom, snapshot.files[prom].decode("utf-8", "replace")) if prom in snapshot.files else None,
                prometheus=(f"{folder}/prometheus_query_result.json", prometheus) if prometheus else None,
                grafana=(f"{folder}/grafana_api_result.json", grafana) if grafana else None,
                chat=(f"{folder}/telegram_chat.json", chat) if chat else None,
            )
        )
    messages = chat["chat"] if chat else []
    return {
        "hops": [asdict(hop) for hop in hops],
        "metrics": [
            {key: query[key] for key in ("metric", "query", "value", "expected", "attempts")}
            for query in (prometheus or {}).get("queries", ())
        ],
        "panels": [_panel(panel) for panel in (grafana or {}).get("panels", ())],
        "dashboards": _dashboards(panels, drawn),
        "chat": list(_first_of_each_kind(messages)),
        "chat_total": len(messages),
        "checks": [
            {key: check[key] for key in ("id", "status", "required", "summary", "duration_seconds")}
            for check in (report or {}).get("checks", ())
        ],
        "preflight": {key: report[key] for key in ("run_id", "verdict", "env", "exit_code")} if report else None,
    }


def _first_of_each_kind(messages: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, str]]:
    """The kind of a message is its first line: severity, verdict and env."""
    kinds: dict[str, dict[str, str]] = {}
    for message in messages:
        text = html.unescape(_TAGS.sub("", message["text"]))
        kinds.setdefault(text.partition("\n")[0], {"at": iso(message["at"]), "text": text})
    yield from list(kinds.values())[:_MESSAGES]


def _panel(panel: Mapping[str, Any]) -> dict[str, Any]:
    return {key: panel[key] for key in ("title", "type", "queries", "last_value", "expected")}


def _dashboards(panels: Any, drawn: Any) -> list[dict[str, Any]]:
    """The panels of each dashboard, each with the name of its picture if there is one."""
    pictures = (drawn or {"pictures": ()})["pictures"]
    found: dict[str, list[dict[str, Any]]] = {}
    for panel in (panels or {}).get("panels", ()):
        found.setdefault(panel["dashboard"], []).append(
            {
                "title": panel["title"],
                "type": panel["type"],
                "values": [_value(value) for value in panel["values"]][:20],
                "problems": panel["problems"],
                "picture": panel["picture"] if panel["picture"] in pictures else None,
            }
        )
    return [{"name": name, "panels": rows} for name, rows in found.items()]


def _value(value: Mapping[str, Any]) -> str:
    name, number = str(value.get("name") or ""), value.get("value")
    return f"{name} {number:g}".strip() if isinstance(number, int | float) else f"{name} {number}".strip()


def _clean(value: Any) -> Any:
    """Take out what a terminal or a page would act upon."""
    if isinstance(value, str):
        return _CONTROL.sub("�", value)
    if isinstance(value, Mapping):
        return {_clean(key): _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    return value


def not_run(view: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Name everything that this bundle does not show, in both languages."""
    for gate in view["missing_gates"]:
        yield {"en": f"The gate {gate} did not run.", "ko": f"{gate} Gate는 실행되지 않았다."}
    for gate in view["gates"]:
        if gate["result"] != "FULL":
            why = "; ".join(gate["reasons"])
            yield {
                "en": f"The gate {gate['name']} did not run in full: {why}",
                "ko": f"{gate['name']} Gate가 전부 실행되지 않았다: {why}",
            }
    for stack in view["stacks"]:
        for label in stack["labels"]:
            if label.startswith("stand-in for "):
                name = label.removeprefix("stand-in for ")
                yield {
                    "en": f"Not the original: in place of {name} a stand-in answered on the {stack['name']} stack.",
                    "ko": f"{stack['name']} 스택에서 {name} 자체는 실행되지 않았고, 대역(stand-in)이 대신 응답했다.",
                }
    for image in view["untested"]:
        yield {
            "en": f"The official image {image} was not run; another build of the same server ran in its place.",
            "ko": f"공식 이미지 {image}는 실행되지 않았고, 같은 서버의 다른 빌드가 대신 실행되었다.",
        }
    for claim in view["claims"]:
        if claim["status"] == claims.Status.NOT_RUN:
            why = "; ".join(claim["reasons"])
            yield {"en": f"{claim['id']}: {why}", "ko": f"{claim['id']}: {why}"}


def to_json(view: Mapping[str, Any]) -> str:
    """Write the document."""
    return json.dumps({**view, "not_run": list(not_run(view))}, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
