from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acceptance.world.telegram_html import parse_html
from preflight.alerts.alert import Alert, AlertFinding, Severity
from preflight.alerts.message import LIMIT, Line, Span, fit, moment, render, render_test
from preflight.config.sections import Language
from preflight.message import message

TEXT = st.text(max_size=1200)
FINDINGS = st.builds(
    AlertFinding, check=st.sampled_from(["redis", "clock_upbit"]), status=st.just("fail"), summary=TEXT, hint=TEXT
)


def units(text: str) -> int:
    """Count UTF-16 units, not as the code under test does."""
    return sum(2 if ord(character) > 0xFFFF else 1 for character in text)


def alert(**given_: object) -> Alert:
    """Make an alert."""
    base: dict[str, object] = {
        "id": "20270115T080000Z-1a2b3c4d-P0",
        "severity": Severity.P0,
        "env": "paper",
        "host": "trader-1",
        "run_id": "20270115T080000Z-1a2b3c4d",
        "at": 1_800_000_000.25,
        "verdict": "NO_GO",
        "findings": (AlertFinding(check="redis", status="fail", summary="no <answer> & more", hint="start it"),),
        "reasons": (message("the run could not be recorded"),),
        "fingerprint": "paper/redis/fail",
        "report": "/out/report.json",
        "held_back": 3,
    }
    return Alert(**{**base, **given_})  # type: ignore[arg-type]


def test_a_message_says_what_a_person_needs() -> None:
    """Verdict, env, host, what failed, what to do, run, report and what was held back are in it, escaped."""
    text = render(alert(), Language.BOTH).html

    for part in (
        "P0 NO_GO · paper", "trader-1", "no &lt;answer&gt; &amp; more", "→ start it", "20270115T080000Z-1a2b3c4d",
        "/out/report.json", "<code>3</code>", "the run could not be recorded", "2027-01-15 08:00:00 UTC",
        "출발 금지", "the bot must not go",
    ):  # fmt: skip
        assert part in text
    assert parse_html(text) == render(alert(), Language.BOTH).plain


@pytest.mark.parametrize(("verdict", "why"), [("NO_GO", "because: it rains"), ("GO", "despite: it rains")])
def test_a_go_is_in_spite_of_its_warnings(verdict: str, why: str) -> None:
    """What a GO warns of is no reason for it."""
    assert why in render(alert(verdict=verdict, reasons=("it rains",)), Language.EN).plain


@pytest.mark.parametrize(
    ("lang", "korean", "english"), [("ko", True, False), ("en", False, True), ("both", True, True)]
)
def test_language(lang: str, korean: bool, english: bool) -> None:
    """The setting chooses Korean, English or both."""
    text = render(alert(findings=(), reasons=()), Language(lang)).plain

    assert bool(re.search("[가-힣]", text)) is korean
    assert ("must not go" in text) is english


def test_a_late_message_says_since_when() -> None:
    """What waited in the spool carries its original time, and says that it is late."""
    text = render(alert(), Language.EN, late=True).plain

    assert "late" in text
    assert text.count("2027-01-15 08:00:00 UTC") == 2


@given(findings=st.lists(FINDINGS, max_size=20).map(tuple), host=TEXT, lang=st.sampled_from(Language))
def test_every_message_is_one_that_telegram_takes(
    findings: tuple[AlertFinding, ...], host: str, lang: Language
) -> None:
    """Whatever checks say, the message is within 4096 UTF-16 units, valid HTML, valid UTF-16, and names the run."""
    text = render(alert(findings=findings, host=host[:200]), lang)

    assert units(text.html) <= LIMIT
    assert units(text.plain) <= LIMIT
    assert parse_html(text.html) is not None
    assert "20270115T080000Z-1a2b3c4d" in text.html
    for written in (text.html, text.plain):
        assert written.encode("utf-16-le").decode("utf-16-le") == written


@given(
    lines=st.lists(
        st.lists(st.builds(Span, TEXT, st.sampled_from(["", "b", "code"])), max_size=4).map(tuple), max_size=6
    ),
    marked=st.booleans(),
    limit=st.integers(120, 600),
)
def test_a_cut_says_how_much_is_left_out(lines: list[Line], marked: bool, limit: int) -> None:
    """What is cut ends with the number of characters that are missing, and what is there is the beginning."""
    text = fit(lines, Language.EN, marked=marked, limit=limit)

    assert units(text) <= limit
    whole = "\n".join("".join(span.text for span in line) for line in lines)
    plain = parse_html(text) if marked else text
    assert plain is not None
    cut = re.search(r"\n?… (\d+) characters left out\Z", plain)
    clean = re.sub("[\0\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", whole)
    if cut is None or whole.endswith(cut[0]):
        assert plain == clean
    else:
        kept = plain[: cut.start()]
        assert clean.startswith(kept)
        assert clean[len(kept) : len(clean) - int(cut[1])].strip() == ""


def test_what_just_fits_is_not_cut() -> None:
    """The limit itself is allowed, counted in UTF-16 units."""
    lines = [(Span("a" * 90),), (Span("\U0001f534" * 5),)]
    whole = "a" * 90 + "\n" + "\U0001f534" * 5
    assert fit(lines, Language.EN, marked=False, limit=units(whole)) == whole
    assert fit(lines, Language.EN, marked=False, limit=units(whole) - 1) != whole


def test_no_more_is_cut_than_has_to_be() -> None:
    """Spans that fit are whole, and the one that does not fills what is left."""
    lines = [(Span("a" * 50), Span("b" * 50)), (Span("c" * 100),)]
    cut = fit(lines, Language.EN, marked=False, limit=150)
    assert cut == f"{'a' * 50}{'b' * 20}\n… 131 characters left out"  # 80 units are kept for the last line


def test_no_surrogate_pair_is_broken() -> None:
    """A message of emoji only is cut between two of them."""
    text = render(alert(findings=(AlertFinding(check="c", status="fail", summary="🚀" * 5000, hint=""),)), Language.EN)

    assert units(text.html) <= LIMIT
    assert "\ufffd" not in text.html


def test_a_test_message_says_that_it_is_one() -> None:
    """Nobody takes it for an alarm."""
    text = render_test("paper", "h", "r", 1.0, Language.BOTH)

    assert "시험 알림" in text.plain
    assert "test message" in text.html


@pytest.mark.parametrize("at", [1e300, -1e300, 1e15])
def test_a_time_that_no_calendar_has_is_a_number(at: float) -> None:
    """A clock gone mad costs the date, not the message."""
    assert moment(at).endswith(" s")


FOUND = AlertFinding(
    check="redis",
    status="fail",
    summary=message("Redis at {where} refuses connections", where="127.0.0.1:6379"),
    hint=message("run it alone with --only"),
)


@pytest.mark.parametrize(
    ("lang", "hints", "reasons"),
    [
        ("en", ["run it alone with --only"], ["the run could not be recorded"]),
        ("ko", ["--only로 이 점검만 따로 실행해 보십시오"], ["실행을 기록하지 못했습니다"]),
        (
            "both",
            ["--only로 이 점검만 따로 실행해 보십시오", "run it alone with --only"],
            ["실행을 기록하지 못했습니다", "the run could not be recorded"],
        ),
    ],
)
def test_hints_and_reasons_are_in_the_language(lang: str, hints: list[str], reasons: list[str]) -> None:
    """What was found, what to do and why are in the language asked for."""
    text = render(alert(findings=(FOUND,)), Language(lang)).plain.splitlines()

    assert [line.removeprefix("→ ") for line in text if line.startswith("→")] == hints
    assert [line.split(": ", 1)[1] for line in text if line.startswith(("because", "이유"))] == reasons
    assert ("✗ redis FAIL: Redis at 127.0.0.1:6379 refuses connections" in text) is (lang == "en")
    assert ("Redis at 127.0.0.1:6379 refuses connections" in text) is (lang == "both")
    assert ("✗ redis FAIL: Redis(127.0.0.1:6379)가 연결을 거부합니다" in text) is (lang != "en")


def test_what_has_no_korean_is_said_once() -> None:
    """A third party's hint is not repeated where both languages are asked for."""
    text = render(alert(findings=(replace(FOUND, hint="ask the vendor"),)), Language.BOTH).plain

    assert text.count("ask the vendor") == 1
