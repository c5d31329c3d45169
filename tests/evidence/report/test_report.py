from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from securesystemslib.signer import CryptoSigner

from evidence.attest import keys
from evidence.bundle import Bundle, layout
from evidence.bundle.seal import seal
from evidence.bundle.snapshot import Snapshot
from evidence.cli import main
from evidence.report import html, markdown, of_bundle, view
from evidence.report.ac2 import why
from evidence.report.inside import page_differences
from evidence.verdict import derive
from evidence.verify import Kind, verify
from tests.evidence.genuine import Genuine, forge

Shown = Callable[[str], tuple[dict[str, Any], Snapshot]]


class Page(HTMLParser):
    """What a page holds in each language, and what it refers to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 -- as it is called
        """Note what it refers to, and what may be referred to."""
        found = dict(attrs)
        self.addresses += [value for name in ("href", "src", "action", "data", "poster") if (value := found.get(name))]
        self.ids += [value for name, value in attrs if name == "id" and value]

    def handle_data(self, data: str) -> None:
        """Note its text."""
        self.texts.append(data)


def page_of(shown: Shown, name: str) -> tuple[str, Page]:
    given, snapshot = shown(name)
    text = html.render(given, snapshot, inside=False)
    return text, Page(text)


@pytest.mark.parametrize("name", ["passed", "standin", "failed", "e2e"])
def test_the_page_needs_nothing_else(name: str, shown_of: Shown) -> None:
    """No address but places on the page; ids are there once; its policy forbids every request."""
    text, page = page_of(shown_of, name)
    assert {address for address in page.addresses if not address.startswith("#")} == {"data:,"}
    assert len(page.ids) == len(set(page.ids))
    assert {address[1:] for address in page.addresses if address.startswith("#")} <= set(page.ids)
    assert "default-src 'none'" in text


@pytest.mark.parametrize(
    ("name", "verdict", "said"),
    [
        ("passed", "PASSED", "AC-2 is PASS, on Grafana 12.4.4 (official image) (compose)"),
        ("standin", "PASSED", "So AC-2 is PASS (stand-in for Grafana), and says nothing about Grafana itself"),
        ("failed", "FAILED", "AC-2 is FAIL: acceptance/test_dashboard.py::test_panel_shows_this_runs_value: 1 of 1"),
        ("e2e", "PARTIAL", "AC-2 is PASS (stand-in for Grafana)"),
    ],
)
def test_the_page_says_the_verdict_and_why_ac_2_stands_so(name: str, verdict: str, said: str, shown_of: Shown) -> None:
    """The verdict first, then what was proven, on what, and what was not run."""
    text, page = page_of(shown_of, name)
    assert (
        f'<p class="word {"good" if verdict == "PASSED" else "bad" if verdict == "FAILED" else "open"}">{verdict}</p>'
        in text
    )
    assert said in "".join(page.texts)
    order = [
        text.index(f'id="{part}"') for part in ("verdict", "proven", "not-run", "gates", "claims", "hops", "panels")
    ]
    assert order == sorted(order)


@pytest.mark.parametrize("name", ["passed", "e2e"])
def test_every_text_is_there_in_both_languages(name: str, shown_of: Shown) -> None:
    """As many parts in one language as in the other; no English part holds Korean."""
    text, _ = page_of(shown_of, name)
    parts = {
        lang: re.findall(rf'<span lang="{lang}" data-in="{lang}">(.*?)</span>', text, re.DOTALL)
        for lang in ("en", "ko")
    }
    assert len(parts["en"]) == len(parts["ko"]) > 50
    assert [part for part in parts["en"] if re.search("[가-힣]", part)] == []


def test_claims_are_linked_to_their_evidence_and_hash(shown_of: Shown) -> None:
    """The hash is the file's own."""
    text, _ = page_of(shown_of, "passed")
    _, snapshot = shown_of("passed")
    sha256 = snapshot.described()["prometheus_query_result.json"]["sha256"]
    row = text[text.index('id="claim-seven-metrics"') :]
    row = row[: row.index("</tr>")]
    link = re.search(r'href="#(file-\d+)"><code>prometheus_query_result.json', row)
    assert link is not None
    assert sha256[:16] in row
    assert sha256 in text[text.index(f'id="{link[1]}"') :][:600]


def test_the_way_of_a_value_has_every_hop(shown_of: Shown) -> None:
    """Report, textfile, Prometheus, each panel, the chat: the same number at each."""
    hops = shown_of("passed")[0]["hops"]
    assert [hop["file"].rpartition("/")[2] for hop in hops] == [
        "preflight_report.json",
        "arbitrage_preflight_paper.prom",
        "prometheus_query_result.json",
        *["grafana_api_result.json"] * (len(hops) - 4),
        "telegram_chat.json",
    ]
    assert len(hops) > 6
    assert {hop["same"] for hop in hops} == {True}
    assert len({hop["value"] for hop in hops[:-1]}) == 1
    assert hops[-1]["value"] == "20260102T030500Z-abcdef01"


def test_another_runs_value_is_shown_as_such(shown_of: Shown) -> None:
    """A hop that shows another number says so in words."""
    _, snapshot = shown_of("passed")
    name = "e2e/compose/arbitrage_preflight_paper.prom"
    old = re.sub(rb"(last_run_timestamp_seconds\{[^}]*\}) \S+", rb"\1 5.0", snapshot.files[name])
    changed = Snapshot(name=snapshot.name, files={**snapshot.files, name: old})
    given = view.build(changed, derive(changed), signature="UNSIGNED")
    assert [hop["same"] for hop in given["hops"]].count(False) == 1
    assert "ANOTHER VALUE" in html.render(given, changed, inside=False)


def test_the_chat_has_the_first_message_of_each_kind(shown_of: Shown) -> None:
    """As text: what Telegram would have drawn is not markup here."""
    given, _ = shown_of("passed")
    assert [message["text"].splitlines() for message in given["chat"]] == [
        ["🟡 P1 GO · paper", "git <clean>", "20260102T030500Z-abcdef01"],
        ["🔴 P0 NO_GO · test", "no"],
    ]
    assert given["chat_total"] == 3


HOSTILE = "\x1b[31m<script>alert(1)</script>&\u202e'\"><img src=x onerror=alert(1)>`|\x00"


def test_hostile_text_is_only_text(tmp_path: Path) -> None:
    """Markup, terminal escapes and characters that turn the line around reach neither page nor terminal."""
    bundle = Genuine(own_claims=True).write(tmp_path)
    with Bundle.join(bundle) as opened:
        document = json.loads(opened.where("e2e/compose/telegram_chat.json").read_bytes())
        document["chat"][0]["text"] = HOSTILE
        opened.add_json("e2e/compose/telegram_chat.json", document, replace=True)
    seal(bundle)
    given, snapshot = of_bundle(bundle)
    for text in (html.render(given, snapshot, inside=False), markdown.render(given), view.to_json(given)):
        assert not set(text) & {"\x1b", "\x00", "\u202e"}
    page = Page(html.render(given, snapshot, inside=False))
    assert {address for address in page.addresses if not address.startswith("#")} == {"data:,"}


@pytest.mark.parametrize("text", [b"{", b"[]", b'{"ended_at": 1}', b'{"ended_at": "x", "checks": 5}'])
def test_documents_that_are_none_leave_a_page_that_says_failed(text: bytes, shown_of: Shown) -> None:
    """Nothing is drawn from them, and nothing breaks."""
    _, snapshot = shown_of("passed")
    names = ("preflight_report.json", "panels.json", "telegram_chat.json")
    changed = Snapshot(name=snapshot.name, files={**snapshot.files, **{f"e2e/compose/{name}": text for name in names}})
    given = view.build(changed, derive(changed), signature="UNSIGNED")
    assert (given["result"], given["hops"], given["chat"]) == ("FAILED", [], [])
    assert "FAILED" in html.render(given, changed, inside=False)


def test_a_table_of_claims_that_is_none_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One sentence, no traceback."""
    bundle = Genuine(own_claims=True).seal(tmp_path).path
    (bundle / "claims.json").write_text('{"table": {"claim": []}}')
    assert main(["report", str(bundle), "--output", "-"]) == 1
    assert capsys.readouterr().err == "evidence: claims.json holds no table of claims that could be judged again\n"


def test_inside_the_bundle_the_page_links_to_its_files(bundle_of: Callable[[str], Path]) -> None:
    """Sealing writes it; each file that it links to is there."""
    bundle = bundle_of("passed")
    page = Page((bundle / "report.html").read_text(encoding="utf-8"))
    links = [address for address in page.addresses if not address.startswith(("#", "data:"))]
    assert len(links) > 20
    assert [link for link in links if not (bundle / link).is_file()] == []


def test_json_holds_what_the_page_shows(shown_of: Shown) -> None:
    """For programs: verdict, claims, what was not run."""
    given, _ = shown_of("standin")
    document = json.loads(view.to_json(given))
    assert document["result"] == "PASSED"
    (ac2,) = (one for one in document["criteria"] if one["id"] == "AC-2")
    assert ac2["text"] == "PASS (stand-in for Grafana)"
    assert any(
        "in place of Grafana a stand-in answered on the compose stack" in one["en"] for one in document["not_run"]
    )


def test_markdown_says_the_same(shown_of: Shown) -> None:
    """In both languages, with AC-2 as it stands."""
    text = markdown.render(shown_of("standin")[0])
    assert text.startswith("# PASSED: evidence 2026")
    assert "| AC-2 | **PASS (stand-in for Grafana)** |" in text
    assert "실행되지 않은 것" in text
    assert "evidence verify" in text


def test_untested_official_images_are_not_run(shown_of: Shown) -> None:
    """Another build of a server is not the official image."""
    given, _ = shown_of("passed")
    given = {**given, "untested": ["redis:8"]}
    assert [one["en"] for one in view.not_run(given) if "redis:8" in one["en"]] == [
        "The official image redis:8 was not run; another build of the same server ran in its place."
    ]


def test_no_claims_no_word_about_ac_2() -> None:
    """A foreign suite."""
    assert why({"criteria": [], "claims": []})["en"] == "This bundle makes no claim about it."


@pytest.mark.parametrize(("form", "begin"), [("html", "<!DOCTYPE html>"), ("md", "# PASSED"), ("json", "{")])
def test_the_command_writes_each_form(
    form: str,
    begin: str,
    bundle_of: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Beside where it was called, under the bundle's name, or where --output says; - prints it."""
    bundle = bundle_of("passed")
    here = bundle.parent / form
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    assert main(["report", str(bundle), "--format", form]) == 0
    assert capsys.readouterr().out == f"PASSED: {bundle.name}.{form}\n"
    assert (here / f"{bundle.name}.{form}").read_text(encoding="utf-8").startswith(begin)
    assert main(["report", str(bundle), "--format", form, "--output", "-"]) == 0
    assert capsys.readouterr().out.startswith(begin)
    assert [path.name for path in here.iterdir()] == [f"{bundle.name}.{form}"]


def test_markdown_goes_to_the_step_summary(
    bundle_of: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is there already stays."""
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    assert main(["report", str(bundle_of("e2e")), "--output", str(tmp_path / "r.html")]) == 0
    assert summary.read_text(encoding="utf-8").startswith("before\n# PARTIAL: evidence")


@pytest.mark.parametrize("variable", ["GITHUB_STEP_SUMMARY", None], ids=["summary", "output"])
def test_a_file_that_cannot_be_written_is_said(
    variable: str | None,
    bundle_of: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One sentence, exit 1."""
    gone = tmp_path / "gone" / "file"
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    if variable:
        monkeypatch.setenv(variable, str(gone))
    target = tmp_path / "r.html" if variable else gone
    assert main(["report", str(bundle_of("e2e")), "--output", str(target)]) == 1
    assert "cannot be written: No such file or directory" in capsys.readouterr().err


def test_a_signature_is_verified_if_a_key_is_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without one the report names the key and says that nothing was verified."""
    public, _ = keys.generate(tmp_path / "key")
    signer = keys.configured({keys.KEY_FILE_VARIABLE: str(tmp_path / "key")})
    bundle = Genuine(own_claims=True).seal(tmp_path / "artifacts", signer).path
    assert of_bundle(bundle)[0]["signature"].endswith("not verified here)")
    assert main(["report", str(bundle), "--format", "json", "--output", "-", "--key", str(public)]) == 0
    assert json.loads(capsys.readouterr().out)["signature"].endswith(", verified")
    other, _ = keys.generate(tmp_path / "other")
    shown, _ = of_bundle(bundle, key=keys.read_public(other))
    assert shown["result"] == "FAILED"


def test_a_changed_bundle_reads_failed(tmp_path: Path) -> None:
    """However its manifest reads."""
    bundle = Genuine(own_claims=True).seal(tmp_path).path
    (bundle / "fast_gate.log").write_text("x")
    shown, _ = of_bundle(bundle)
    assert shown["result"] == "FAILED"
    assert "invalid: fast_gate.log: " in shown["reasons"][0]


def test_a_bundle_that_was_never_sealed_reads_incomplete(tmp_path: Path) -> None:
    """Also if all of its gates passed."""
    bundle = Genuine(own_claims=True).write(tmp_path)
    (bundle / layout.JOURNAL).unlink()
    shown, _ = of_bundle(bundle)
    assert shown["result"] == "INCOMPLETE"
    assert "never sealed" in shown["reasons"][0]


def test_what_is_no_bundle_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is written of what cannot be read."""
    (tmp_path / "empty").mkdir()
    assert main(["report", str(tmp_path / "empty"), "--output", str(tmp_path / "r.html")]) == 1
    assert "run.json" in capsys.readouterr().err
    assert main(["report", str(tmp_path / "gone")]) == 2
    assert not (tmp_path / "r.html").exists()


@pytest.mark.parametrize("signed", [True, False], ids=["signed", "unsigned"])
def test_a_page_that_shows_something_else_is_invalid(signed: bool, tmp_path: Path) -> None:
    """`verify` draws the page again: one that was edited before it was hashed and signed is found."""
    signer = CryptoSigner.generate_ed25519()
    bundle = Genuine(own_claims=True).seal(tmp_path, signer if signed else None).path

    def look() -> list[str]:
        report = verify(bundle, key=signer.public_key, page=page_differences, clock=lambda: Genuine().end + 60.0)
        return [str(one) for one in report.violations if one.kind is Kind.INVALID]

    assert look() == []
    page = bundle / "report.html"
    page.write_text(page.read_text().replace("PASS (stand-in for Telegram)", "PASS"))
    forge(bundle, signer=signer if signed else None)
    assert look() == [
        "invalid: report.html: shows something else than the records: `evidence report` draws it from them"
    ]
