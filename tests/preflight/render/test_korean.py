from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from preflight.commands import run
from preflight.errors import UsageError
from preflight.model import (
    AlertItem,
    AlertSummary,
    Decision,
    Env,
    Mode,
    Outcome,
    Report,
    Result,
    Status,
    Verdict,
    decide,
)
from preflight.record import textfile
from preflight.record.ledgerfile import locked
from preflight.render import console
from preflight.render.console import ENGLISH, render_plain, voice_of
from preflight.render.korean import Korean, translate

MakeReport = Callable[..., Report]

PACKAGE = Path(console.__file__).parents[1]
HANGUL = re.compile("[가-힣]")

GOLDEN = """\
preflight paper, 실행 20270115T080000Z-1a2b3c4d

  PASS   environment     environment says pass
  FAIL   redis           redis says fail
                         -> 서버를 띄우거나 PREFLIGHT_REDIS__HOST와 __PORT를 고치십시오
  ERROR  postgres        postgres says error
                         -> mend postgres
  WARN   storage         storage says warn [FAIL 면제: new disk on Monday]
                         -> 마운트하거나, 첫 실행이면 만드십시오: mkdir -p /data
  SKIP   open_positions  open_positions says skip
                         -> mend open_positions
  WARN   clock           clock says warn [참고용, ERROR]
                         -> mend clock
  PASS   git             git says pass [참고용]

NO_GO: 출발 금지: 점검이 실패했습니다 (종료 코드 1, 1.50초)
  이유: redis: redis says fail
  이유: 게이트 자체가 고장 났습니다: RuntimeError: one; two
  비고: 장부가 손상되어 따로 옮겨 두었습니다: /l/old (카운터는 0부터 다시 셉니다)
  알림: P0 스풀에 보관, 이전 실행의 알림 (no route)
  스풀에서 기다리는 알림: 2건 (확인: `preflight alerts list --env paper`)
  지표: /metrics/arbitrage_preflight_paper.prom
  보고서: /tmp/report.json
"""


@pytest.mark.parametrize(
    ("english", "korean"),
    [
        ("mend the flux capacitor", "mend the flux capacitor"),
        ("", ""),
        ("{}", "{}"),
        (
            "set PREFLIGHT_BOT__READ_ONLY={}, or READ_ONLY={} in .env.{}",
            "PREFLIGHT_BOT__READ_ONLY={} 값을 주거나 .env.{} 파일에 READ_ONLY={} 줄을 넣으십시오",
        ),
        ("git -C push", "git -C push"),
        ("wait, see what else uses this address or key", None),
        ("wait 30 s, see what else uses this address or key", None),
        (
            "git -C /bot status, then commit or remove; git -C /bot push",
            "`git -C /bot status` 명령으로 확인한 뒤 커밋하거나 지우십시오. 다음을 실행하십시오: git -C /bot push",
        ),
        ("git -C /bot push; feed the cat", "git -C /bot push; feed the cat"),
        (
            "mount it, or create it if this is its first run: mkdir -p /a; b",
            "마운트하거나, 첫 실행이면 만드십시오: mkdir -p /a; b",
        ),
    ],
    ids=[
        "unknown",
        "empty",
        "braces",
        "braces-as-values",
        "too-short",
        "no-wait",
        "wait",
        "joined",
        "half-known",
        "value-with-joint",
    ],
)
def test_sentences_out_of_the_ordinary(english: str, korean: str | None) -> None:
    """What is not known stays; several sentences in one text are each translated, or the text stays as it is."""
    if korean is None:
        pause = " 30 s" if "30 s" in english else ""
        korean = f"거래소가 정한 시간{pause} 동안 기다리고, 이 주소나 키를 쓰는 다른 프로그램이 있는지 확인하십시오"
    assert translate(english) == korean


def test_advice_inside_an_error_is_korean_too(tmp_path: Path) -> None:
    """Advice at the end of an error, and who holds a lock, are translated; what the system said stays."""
    advice = next(iter(textfile._REASONS.values()))
    shown = translate(f"cannot write the metrics file /m/x.prom: No such file or directory; {advice}")
    assert shown.startswith("지표 파일을 쓸 수 없습니다: /m/x.prom: No such file or directory; 디렉터리가 없습니다")
    assert "create it" not in shown
    assert "node_exporter가 읽는 디렉터리여야 합니다" in shown
    held = translate(str(locked(tmp_path / "l", tmp_path / "l.lock")))
    assert "기한이 지나도록 잡고 있는 것: 다른 프로세스" in held


def result(check: str, status: Status) -> Result:
    return Result(id=check, outcome=Outcome(status=status, summary="found that"), required=True)


@pytest.mark.parametrize(
    ("given", "known"),
    [
        ({"recorded": False}, 1),
        ({"broken": "RuntimeError: boom"}, 1),
        ({"expected": frozenset({"redis", "git"})}, 1),
        ({"results": (), "expected": frozenset()}, 1),
        ({"mode": Mode.PARTIAL}, 1),
        ({"mode": Mode.DRY_RUN}, 1),
        ({"results": (result("redis", Status.FAIL),)}, 0),
    ],
    ids=["unrecorded", "broken", "no-result", "nothing-proved", "partial", "dry-run", "finding"],
)
def test_fixed_reasons_of_a_verdict(given: Mapping[str, object], known: int) -> None:
    """The reasons that the verdict itself gives are shown in Korean; what a check found is shown as it said it."""
    base = {
        "results": (result("redis", Status.PASS),),
        "env": Env.PAPER,
        "mode": Mode.REAL,
        "expected": frozenset({"redis"}),
    }
    decision = decide(**{**base, **given})  # type: ignore[arg-type]
    assert len([reason for reason in decision.reasons if HANGUL.search(translate(reason))]) == known


def korean_report(make_report: MakeReport) -> Report:
    """Make a report with known and unknown hints, reasons and notes."""
    report = make_report(
        notes=("the ledger was damaged and has been set aside as /l/old; counters begin at 0",),
        alerts=AlertSummary(
            enabled=True,
            items=(AlertItem(id="x-P0", severity="P0", outcome="spooled", at=1.0, reason="no route", replayed=True),),
            pending=2,
        ),
        decision=Decision(
            verdict=Verdict.NO_GO,
            exit_code=1,
            reasons=("redis: redis says fail", "the gate itself broke: RuntimeError: one; two"),
            ready_for_live=False,
        ),
    )
    hints = {
        "redis": "start it, or correct PREFLIGHT_REDIS__HOST and __PORT",
        "storage": "mount it, or create it if this is its first run: mkdir -p /data",
    }
    return replace(
        report,
        results=tuple(
            replace(each, outcome=replace(each.outcome, hint=hints.get(each.id, each.outcome.hint)))
            for each in report.results
        ),
    )


def test_plain_text_in_korean(make_report: MakeReport) -> None:
    """The Korean report is exactly this text: findings as they were said, everything around them in Korean."""
    assert render_plain(korean_report(make_report), output="/tmp/report.json", voice=Korean()) == GOLDEN


def test_terminal_in_korean(make_report: MakeReport, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table on a terminal has Korean headings and hints, and the Korean verdict below it."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "140")

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream, report = Terminal(), korean_report(make_report)
    ids = [each.id for each in report.results]
    view = console.make_view(stream, {"TERM": "xterm"}, ids, output=None, voice=Korean())
    view.close(report)
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", stream.getvalue())
    assert re.search(r"상태 +점검 +결과", shown)
    assert "-> 마운트하거나, 첫 실행이면 만드십시오: mkdir -p /data" in shown
    assert "NO_GO: 출발 금지: 점검이 실패했습니다 (종료 코드 1, 1.50초)" in shown


def test_example_in_the_readme() -> None:
    """The example in README.ko.md is what that run would print today."""
    readme = (PACKAGE.parent / "README.ko.md").read_text(encoding="utf-8")
    found = Outcome(
        status=Status.FAIL,
        summary="Redis at 127.0.0.1:6379 refuses connections",
        hint="start it, or correct PREFLIGHT_REDIS__HOST and __PORT",
    )
    results = (Result(id="redis", outcome=found, required=True),)
    report = Report(
        run_id="20261123T153425Z-1e21afbd",
        version="0.1.0",
        env=Env.PAPER,
        mode=Mode.PARTIAL,
        strict=False,
        decision=decide(results, env=Env.PAPER, mode=Mode.PARTIAL, expected=frozenset({"redis"})),
        results=results,
        started_at=0.0,
        ended_at=0.29,
        duration_seconds=0.29,
        recorded=False,
    )
    assert f"--lang ko\n{render_plain(report, voice=Korean())}```\n" in readme


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_has_its_korean_sentence(verdict: Verdict, make_report: MakeReport) -> None:
    """Each verdict keeps its name and says in Korean what it means; only GO says that the bot may go."""
    decision = Decision(verdict=verdict, exit_code=0, reasons=(), ready_for_live=False)
    text = render_plain(make_report(decision=decision, results=(), textfile=None), voice=Korean())
    (line,) = [line for line in text.splitlines() if line.startswith(f"{verdict.value}: ")]
    assert HANGUL.search(line)
    assert ("출발 가능" in line) is (verdict is Verdict.GO)


def test_voices() -> None:
    """`ko` gives the Korean voice; `en`, `both` and whatever else the one in which everything is written."""
    assert isinstance(voice_of("ko"), Korean)
    assert [voice_of(lang) for lang in ("en", "both", "")] == [ENGLISH] * 3


def preflight(tmp_path: Path, *argv: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a dry run of the gate, and tell on stderr which Korean modules it loaded."""
    code = (
        "import sys\nfrom preflight.cli import main\ncode = main(sys.argv[1:])\n"
        "sys.stderr.write(' '.join(sorted(name for name in sys.modules if 'korean' in name)) + '|')\nsys.exit(code)"
    )
    return subprocess.run(
        (sys.executable, "-c", code, "--env", "test", "--dry-run", *argv),
        cwd=tmp_path,
        env={"PYTHONPATH": str(PACKAGE.parent), "HOME": str(tmp_path), "PYTHONIOENCODING": "utf-8", **environ},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def unescaped(document: str) -> str:
    """Give JSON with its letters as they are."""
    return json.dumps(json.loads(document), ensure_ascii=False)


def test_option_from_end_to_end(tmp_path: Path) -> None:
    """`--lang ko` shows the run in Korean; the report in JSON, written in the same run, is English."""
    done = preflight(tmp_path, "--lang", "ko", "--output", "report.json")
    assert done.returncode == 1, done.stderr
    assert "PREFLIGHT_REDIS__HOST 값을 환경 변수로 주거나 .env.test 파일에 적으십시오" in done.stdout
    assert "이유: 모의 실행(--dry-run)은 네트워크에 아무것도 묻지 않습니다" in done.stdout
    assert not HANGUL.search(unescaped((tmp_path / "report.json").read_text(encoding="utf-8")))


@pytest.mark.parametrize("form", ["json", "junit"])
def test_machines_read_english(tmp_path: Path, form: str) -> None:
    """JSON and JUnit stay English with `--lang ko`, and load no Korean."""
    done = preflight(tmp_path, "--lang", "ko", "--format", form)
    assert "redis" in done.stdout
    assert not HANGUL.search(unescaped(done.stdout) if form == "json" else done.stdout)
    assert done.stderr.endswith("|")
    assert "korean" not in done.stderr


def test_english_run_loads_no_korean(tmp_path: Path) -> None:
    """A run in English does not pay for the Korean modules."""
    done = preflight(tmp_path)
    assert "because a dry run asks nothing over the network" in done.stdout
    assert done.stderr == "|"


def test_setting_of_the_alerts_counts_for_the_console(tmp_path: Path) -> None:
    """Who set `alerts.lang` to ko reads Korean here too; `--lang en` and a terminal without Korean still win."""
    setting = {"PREFLIGHT_ALERTS__LANG": "ko"}
    assert "이유: " in preflight(tmp_path, **setting).stdout
    assert "because " in preflight(tmp_path, "--lang", "en", **setting).stdout
    assert "because " in preflight(tmp_path, **setting, PYTHONIOENCODING="ascii").stdout


def test_output_that_cannot_show_korean(tmp_path: Path) -> None:
    """Asked for Korean where the output has no Korean letters, nothing runs, and the message says what to do."""
    done = preflight(tmp_path, "--lang", "ko", PYTHONIOENCODING="latin-1")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "--lang ko: this output cannot show Korean, its encoding is iso8859-1: set PYTHONUTF8=1" in done.stderr


def test_unknown_language_is_refused() -> None:
    """A language that is not there is a usage error, as any other bad option."""
    with pytest.raises(SystemExit) as refused:
        run.parser().parse_args(["--lang", "fr"])
    assert refused.value.code == 2


def test_korean_is_checked_before_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """The output is looked at first: the run is refused although its configuration is not even there."""
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    with pytest.raises(UsageError, match="cannot show Korean"):
        run.run_gate(run.parser().parse_args(["--lang", "ko", "--config", "/nowhere.toml"]))
