from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from preflight.commands import run
from preflight.errors import UsageError
from preflight.language import Say, english, speaker
from preflight.message import Message, message
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
from preflight.registry import default_registry
from preflight.render import console
from preflight.render.console import Reader, render_plain

MakeReport = Callable[..., Report]

PACKAGE = Path(console.__file__).parents[1]
ROOT = PACKAGE.parent
HANGUL = re.compile("[가-힣]")
KOREAN = speaker("ko")

GOLDEN = """\
preflight paper, 실행 20270115T080000Z-1a2b3c4d

  FAIL   redis           Redis(127.0.0.1:6379)가 연결을 거부합니다
                         -> 서버를 띄우거나 PREFLIGHT_REDIS__HOST와 __PORT를 고치십시오
  ERROR  postgres        postgres says error
                         -> fix postgres
  SKIP   open_positions  먼저 통과해야 하는 점검: postgres
                         -> 다음을 먼저 해결한 뒤 다시 실행하십시오: postgres

  PASS   environment     environment says pass
  WARN   storage         storage says warn [FAIL 면제: new disk on Monday]
                         -> 마운트하거나, 첫 실행이면 만드십시오: mkdir -p /data
  WARN   clock           clock says warn [참고용, ERROR]
                         -> fix clock
  PASS   git             git says pass [참고용]

NO_GO: 출발 금지: 점검이 실패했습니다 (종료 코드 1, 1.50초)
  통과 2, 경고 2, 실패 1, 확인 불가 1, 건너뜀 1
  이유: 게이트 자체가 고장 났습니다: RuntimeError: one; two
  비고: 장부가 손상되어 따로 옮겨 두었습니다: /l/old (카운터는 0부터 다시 셉니다)
  알림: P0 스풀에 보관, 이전 실행의 알림 (텔레그램: 연결이 거부되었습니다)
  스풀에서 기다리는 알림: 2건 (확인: `preflight alerts list --env paper`)
  지표: /metrics/arbitrage_preflight_paper.prom
  보고서: /tmp/report.json
"""

REFUSED = message("Redis at {where} refuses connections", where="127.0.0.1:6379")
START_IT = message("start it, or correct PREFLIGHT_REDIS__HOST and __PORT")
DOWN = Outcome(status=Status.FAIL, summary=REFUSED, hint=START_IT)


def korean_report(make_report: MakeReport) -> Report:
    """Make a report with messages and with texts that no catalogue knows."""
    reason = message("Telegram: {reason}", reason=message("connection refused"))
    item = AlertItem(id="x-P0", severity="P0", outcome="spooled", at=1.0, reason=reason, replayed=True)
    report = make_report(
        notes=(
            message("the ledger was damaged and has been set aside as {aside}; counters begin at 0", aside="/l/old"),
        ),
        alerts=AlertSummary(enabled=True, items=(item,), pending=2),
        decision=Decision(
            verdict=Verdict.NO_GO,
            exit_code=1,
            reasons=(
                message("{check}: {summary}", check="redis", summary=REFUSED),
                message("the gate itself broke: {reason}", reason="RuntimeError: one; two"),
            ),
            ready_for_live=False,
        ),
    )
    texts = {
        "redis": (REFUSED, START_IT),
        "open_positions": (
            message("requires {names}", names="postgres"),
            message("fix {names} first, then rerun", names="postgres"),
        ),
        "storage": (
            Message("storage says warn"),
            message("mount it, or create it if this is its first run: mkdir -p {directory}", directory="/data"),
        ),
    }
    return replace(
        report,
        results=tuple(
            replace(each, outcome=replace(each.outcome, summary=texts[each.id][0], hint=texts[each.id][1]))
            if each.id in texts
            else each
            for each in report.results
        ),
    )


def test_plain_text_in_korean(make_report: MakeReport) -> None:
    """The Korean report is exactly this text; what another program or a third party said stays as it is."""
    assert render_plain(korean_report(make_report), Reader(say=KOREAN, output="/tmp/report.json")) == GOLDEN


def test_example_in_the_readme() -> None:
    """The longer example in README.ko.md is what that run would print today."""
    results = (Result(id="redis", outcome=DOWN, required=True),)
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
    readme = (ROOT / "README.ko.md").read_text(encoding="utf-8")
    assert f"--only redis --lang ko\n{render_plain(report, Reader(say=KOREAN))}```\n" in readme


@pytest.mark.parametrize(("document", "say"), [("README.md", english), ("README.ko.md", KOREAN)])
def test_first_lines_of_the_readmes(document: str, say: Say) -> None:
    """Each line of the output on the first screen is one that such a run would print today, in this order."""
    shown = re.search(r"```\n\$ preflight --env paper.*?\n(.*?)```", (ROOT / document).read_text("utf-8"), re.DOTALL)
    assert shown is not None
    lines = [line for line in shown[1].splitlines() if line.strip() not in {"", "..."}]
    skipped = Outcome(
        status=Status.SKIP,
        summary=message("requires {names}", names="redis"),
        hint=message("fix {names} first, then rerun", names="redis"),
    )
    fine = {check.id: Message("fine") for check in default_registry().checks} | {
        "environment": message("env {env}, needed keys present", env="paper"),
        "secrets": message("needed secrets are set and look like secrets; there is no other env here to share them"),
    }
    outcomes = {name: Outcome(status=Status.PASS, summary=text) for name, text in fine.items()}
    outcomes |= {"redis": DOWN, "live_safety": skipped}
    report = Report(
        run_id=lines[0].rpartition(" ")[2],
        version="0.1.0",
        env=Env.PAPER,
        mode=Mode.REAL,
        strict=False,
        decision=Decision(verdict=Verdict.NO_GO, exit_code=1, reasons=(), ready_for_live=False),
        results=tuple(
            Result(id=name, outcome=outcome, required=name != "live_safety") for name, outcome in outcomes.items()
        ),
        started_at=0.0,
        ended_at=1.0,
        duration_seconds=1.0,
        recorded=True,
    )
    printed = iter(re.sub(r"[0-9.]+", "0", render_plain(report, Reader(say=say))).splitlines())
    *checks, counts = [re.sub(r"[0-9.]+", "0", line) for line in lines]
    assert [line for line in checks if line not in printed] == []
    assert re.fullmatch("  0 pass, .*" if say is english else "  통과 0, .*", counts)


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_has_its_korean_sentence(verdict: Verdict, make_report: MakeReport) -> None:
    """Each verdict keeps its name and says in Korean what it means; only GO says that the bot may go."""
    decision = Decision(verdict=verdict, exit_code=0, reasons=(), ready_for_live=False)
    text = render_plain(make_report(decision=decision, results=(), textfile=None), Reader(say=KOREAN))
    (line,) = [line for line in text.splitlines() if line.startswith(f"{verdict.value}: ")]
    assert HANGUL.search(line)
    assert ("출발 가능" in line) is (verdict is Verdict.GO)


def test_speakers() -> None:
    """`ko` is Korean; `en`, `both` and anything else is the language in which everything is written."""
    assert KOREAN(REFUSED) != REFUSED
    assert [speaker(lang) for lang in ("en", "both", "")] == [english] * 3


def preflight(tmp_path: Path, *argv: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Make a dry run of the gate."""
    return subprocess.run(
        (sys.executable, "-m", "preflight", "--env", "test", "--dry-run", *argv),
        cwd=tmp_path,
        env={"PYTHONPATH": str(PACKAGE.parent), "HOME": str(tmp_path), "PYTHONIOENCODING": "utf-8", **environ},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def unescaped(document: str) -> str:
    """Return JSON with its letters as they are."""
    return json.dumps(json.loads(document), ensure_ascii=False)


SENTENCE = re.compile(r"(?:\b[a-z]{2,} ){2,}[a-z]{2,}\b")  # words of a language, not of a command or a setting


def test_option_from_end_to_end(tmp_path: Path) -> None:
    """`--lang ko` shows the run without an English sentence; the report in JSON, of the same run, is English."""
    done = preflight(tmp_path, "--lang", "ko", "--output", "report.json")
    assert done.returncode == 1, done.stderr
    assert "PREFLIGHT_REDIS__HOST 값을 환경 변수로 주거나 .env.test 파일에 적으십시오" in done.stdout
    assert "이유: 모의 실행(--dry-run)은 네트워크에 아무것도 묻지 않습니다" in done.stdout
    own = [line for line in done.stdout.splitlines() if "fatal: " not in line]  # which is what git said
    assert SENTENCE.findall("\n".join(own)) == []
    assert not HANGUL.search(unescaped((tmp_path / "report.json").read_text(encoding="utf-8")))


def test_json_names_message_and_values(tmp_path: Path) -> None:
    """Each check of the report says by which template its summary was made, and from what."""
    preflight(tmp_path, "--output", "report.json")
    checks = {each["id"]: each for each in json.loads((tmp_path / "report.json").read_text())["checks"]}
    assert [name for name, each in checks.items() if each["message_id"] is None] == []
    for each in checks.values():
        assert each["message_id"].format(**each["values"]) == each["summary"]


@pytest.mark.parametrize("form", ["json", "junit"])
def test_machines_read_english(tmp_path: Path, form: str) -> None:
    """JSON and JUnit stay English with `--lang ko`."""
    done = preflight(tmp_path, "--lang", "ko", "--format", form)
    assert "redis" in done.stdout
    assert not HANGUL.search(unescaped(done.stdout) if form == "json" else done.stdout)


def test_setting_of_the_alerts_counts_for_the_console(tmp_path: Path) -> None:
    """If `alerts.lang` is ko the console is Korean, too; `--lang en` and a terminal without Korean still win."""
    setting = {"PREFLIGHT_ALERTS__LANG": "ko"}
    assert "이유: " in preflight(tmp_path, **setting).stdout
    assert "because " in preflight(tmp_path, "--lang", "en", **setting).stdout
    assert "because " in preflight(tmp_path, **setting, PYTHONIOENCODING="ascii").stdout


def test_output_that_cannot_show_korean(tmp_path: Path) -> None:
    """Asked for Korean where the output has no Korean letters, nothing runs, and the message says what to do."""
    done = preflight(tmp_path, "--lang", "ko", PYTHONIOENCODING="latin-1")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--lang ko: this output cannot show Korean, its encoding is iso8859-1: set PYTHONUTF8=1" in done.stderr


def test_unknown_language_is_refused() -> None:
    """A language that is not there is a usage error, as any other bad option."""
    with pytest.raises(SystemExit) as refused:
        run.parser().parse_args(["--lang", "fr"])
    assert refused.value.code == 2


def test_korean_is_checked_before_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """The output is looked at first: the run is refused although its configuration is not even there."""
    monkeypatch.setattr(sys, "stdout", TextIOWrapper(BytesIO(), encoding="ascii"))
    with pytest.raises(UsageError, match="cannot show Korean"):
        run.run_gate(run.parser().parse_args(["--lang", "ko", "--config", "/nowhere.toml"]))
