"""Every command of the program, its help, a good call and bad ones: in Korean without an English sentence, and back."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from acceptance.world.telegram import TelegramStandin
from preflight import cli
from preflight.alerts.alert import to_json
from preflight.alerts.spool import Content, Spool
from preflight.system.streams import ENDING
from tests.preflight.alerts.test_message import alert

TOKEN = "1234567890:canary-TOKEN-canary-TOKEN-canary"
CHAT = "-1009876543210"
HANGUL = re.compile("[가-힣]")
# Three words of a language in a row. A name, a command, a key or a path has something else in it or around it.
ENGLISH = re.compile(r"(?<![-\w./`@])[A-Za-z][a-z']+(?: [A-Za-z][a-z']*){2,}(?![-\w/(`])")
NOT_OURS = (
    r"`[^`]*`",  # a command, to be typed as it stands
    r"'[^']*'|\"[^\"]*\"",  # what somebody else wrote, quoted
    r"(?m)^  preflight [a-z]+( [a-z]+)?",  # the commands, as the help lists them
    *(re.escape(os.strerror(number)) for number in range(1, 134)),  # words of the operating system
    r"(?<=TOML이 아닙니다: ).*",  # words of Python's tomllib
    r"(?<=날짜여야 합니다)\([^)]*\)",  # words of pydantic's date parser, of which there are many
    r"(?<=손상되어)\([^)]*\)",  # words of pydantic's JSON parser
    r"fatal: .*",  # words of git
)

REDIS_DOWN = {"PREFLIGHT_REDIS__HOST": "127.0.0.1", "PREFLIGHT_REDIS__PORT": "1"}
POSTGRES_DOWN = {"PREFLIGHT_POSTGRES__HOST": "127.0.0.1", "PREFLIGHT_POSTGRES__PORT": "1"}
IN_THE_CLEAR = {"PREFLIGHT_TELEGRAM__URL": "http://x", "PREFLIGHT_TELEGRAM__TOKEN": TOKEN}

Files = Mapping[str, str]


@dataclass(frozen=True)
class Call:
    """A command line, and the world that it meets."""

    argv: Sequence[str]
    code: int
    files: Files = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)
    said: bool = True  # whether it says anything in words

    def __str__(self) -> str:
        """Name it as pytest shows it."""
        return " ".join((*self.argv, *self.files.values(), *(f"{n}={v}" for n, v in self.environ.items())))[:90]


def toml(text: str, *argv: str) -> Call:
    """Return a look at settings that are refused."""
    return Call(("config", "--env", "paper", *argv), 2, {"preflight.toml": text})


HELP = [Call((*name, "--help"), 0) for name in [(), *((each,) for each in cli.COMMANDS)]]
GOOD = [
    Call(("--version",), 0, said=False),
    Call(("run", "--env", "test", "--dry-run", "--no-alerts"), 1),
    Call(("--env", "test", "--only", "redis"), 1, environ=REDIS_DOWN),
    Call(("run", "--env", "test", "--dry-run", "--waive", "redis=it is known"), 1),
    Call(("list",), 0),
    Call(("list", "--env", "live"), 0),
    Call(("config", "--env", "paper"), 0, {".env.paper": "PREFLIGHT_GIT__MAX_FILE_MB=1\n"}),
    Call(("config", "--keys"), 0),
    Call(("init",), 0),
    Call(("doctor", "--env", "test"), 1),
    Call(("exec", "--env", "test", "--dry-run", "--", "true"), 1),
    Call(("alerts", "list", "--env", "paper"), 0),
    Call(("alerts", "flush", "--env", "paper"), 1, {"telegram": ""}),
    Call(("alerts", "clear", "--before", "2100-01-01", "--env", "paper"), 0),
    Call(("alerts", "clear", "--before", "2000-01-01T09:00Z", "--env", "paper"), 0),
    Call(("alerts", "test", "--env", "paper"), 0, {"telegram": ""}),
]  # fmt: skip
BAD = [
    *(Call((*name, "--nonsense"), 2) for name in [(), *((each,) for each in cli.COMMANDS)]),
    Call(("nonsense",), 2),
    Call(("--env",), 2),
    Call(("--format", "xml"), 2),
    Call(("--dry-run", "--real-check"), 2),
    Call(("--strict=yes",), 2),
    Call(("list", "--lang"), 2, environ={"PREFLIGHT_ALERTS__LANG": "ko"}),
    Call(("alerts",), 2),
    Call(("alerts", "eat"), 2),
    Call(("db",), 2),
    Call(("db", "drop"), 2),
    Call(("exec", "--refusal-exit", "x", "--", "true"), 2),
    Call(("exec", "--refusal-exit", "1", "--", "true"), 2),
    Call(("exec", "--env", "test"), 2),
    Call(("exec", "--", "true"), 2),
    Call(("exec", "--env", "test", "--", "no-such-program"), 2),
    Call(("exec", "--env", "moon", "--refusal-exit", "99", "--", "true"), 99),
    Call((), 2),
    Call(("list", "--env", "moon"), 2),
    Call(("--env", "moon"), 2),
    Call(("--env", "live", "--no-alerts"), 2),
    Call(("--env", "live", "--no-metrics"), 2),
    Call(("--env", "test", "--only", "redis,"), 2),
    Call(("--env", "test", "--only", "nonsense"), 2),
    Call(("--env", "test", "--only", "redis", "--dry-run"), 2),
    Call(("--env", "test", "--waive", "redis"), 2),
    Call(("--env", "test", "--waive", "redis=\x1b[1m"), 2),
    Call(("--env", "test", "--waive", "nonsense=it is known"), 2),
    Call(("--env", "test", "--waive", "live_safety=it is known"), 2),
    Call(("--env", "test", "--timeout", "never"), 2),
    Call(("--env", "test", "--metrics-output", " "), 2),
    Call(("--env", "test", "--config", "nowhere.toml"), 2),
    Call(("--env", "test", "--output", "."), 2),
    Call(("--env", "test", "--output", "/dev/null"), 2),
    Call(("--env", "test", "--output", "nowhere/report.json"), 2),
    Call(("--env", "test", "--output", "x" * 300), 2),
    Call(("--env", "test", "--dry-run"), 1, environ={"PREFLIGHT_SERVICE_HOST": "10.0.0.1"}),
    Call(("init",), 2, {"preflight.toml": ""}),
    Call(("init", "--output", "nowhere/preflight.toml"), 2),
    Call(("alerts", "clear", "--env", "paper"), 2),
    Call(("alerts", "list", "--before", "2100-01-01", "--env", "paper"), 2),
    Call(("alerts", "clear", "--before", "yesterday", "--env", "paper"), 2),
    Call(("alerts", "flush", "--env", "paper"), 1),
    Call(("alerts", "test", "--env", "paper"), 1),
    Call(("alerts", "list", "--env", "paper"), 2, environ={"PREFLIGHT_SPOOL_DIR": "/dev/null"}),
    Call(("alerts", "history", "--env", "paper"), 3),
    Call(("alerts", "history", "--env", "paper"), 3, environ=POSTGRES_DOWN, said=False),  # a name; the system's words
    Call(("db", "migrate", "--env", "paper"), 3),
    Call(("db", "migrate", "--env", "paper"), 3, environ=POSTGRES_DOWN),
    Call(("config", "--env", "paper"), 2, {".env.paper": "PREFLIGHT_REDIS__PORT\n"}),
    Call(("config", "--env", "paper"), 2, {".env.paper": "PREFLIGHT_ENV=live\n"}),
    Call(("config", "--env", "paper"), 2, {".env.paper": "PREFLIGHT_A'B\n"}),
    Call(("config", "--env", "paper"), 2, environ={"PREFLIGHT_LEDGER": "/x", "PREFLIGHT_SPOOL_DIR": "/x"}),
    Call(("config", "--env", "paper"), 2, environ={"PREFLIGHT_REDIS": "1", "PREFLIGHT_REDIS__PORT": "2"}),
    Call(("config", "--env", "paper"), 2, environ={"PREFLIGHT_REDIS__PORT": "2", "PREFLIGHT_REDIS": "1"}),
    Call(("config", "--env", "paper"), 2, environ={"PREFLIGHT_REDIS__PROT": "1"}),
    Call(("config", "--env", "paper"), 2, environ={"PREFLIGHT_ZZZZ": "1"}),
    Call(("config", "--env", "paper"), 2, environ={"REDIS_URL": "redis://:p/w@host"}),
    Call(("config", "--env", "paper"), 2, environ={"DATABASE_URL": "mysql://host"}),
    Call(("config", "--env", "paper"), 2, environ={"DATABASE_URL": "postgres://a,b/x"}),
    Call(("config", "--env", "live"), 2, environ={"PREFLIGHT_REDIS__REQUIRE_PROOF": "false"}),
    Call(("config", "--env", "live"), 2, environ={"PREFLIGHT_EXCHANGES__UPBIT__ENABLED": "false"}),
    Call(("config", "--env", "live"), 2, environ=IN_THE_CLEAR),
    Call(("config", "--env", "paper"), 2, environ=IN_THE_CLEAR),
    *(
        toml(text)
        for text in (
            "env = 'paper'",
            "a = b",
            "ledger = 3\nspool_dir = ' '",
            "textfile_dir = '~nobody-here/x'",
            "check_timeouts = 3",
            "exchanges = 3",
            "exchanges.UP = {}",
            "exchanges.upbit.hostname = 'x'",
            "exchanges.binance.hostname = 'x'",
            "exchanges.upbit = {url = 'ftp://x'}",
            "exchanges.upbit = {url = 'https://x', hostname = 'sg-api.upbit.com'}",
            "exchanges.upbit = {stale_after = 5, halted_after = 4}",
            "exchanges.upbit = {api_key_file = '/nowhere'}",
            "exchanges.upbit = {api_key_file = 3}",
            "exchanges.upbit = {api_key_file = '/dev/null'}",
            "exchanges.upbit = {api_key = 'x', api_key_file = '/dev/null'}",
            "exchanges.upbit.no_withdraw_attested_on = 'x'",
            "exchanges.upbit.no_withdraw_attested_on = '2026-01-01T10:00'",
            "exchanges.upbit.no_withdraw_attested_on = []",
            "clock = {warn_ms = 5, fail_ms = 4}",
            "positions = {policy = 'x', open_values = []}",
            "positions.table = 'a b'",
            "positions.open_when = ';'",
            "positions = {open_values = ['a'], closed_values = ['A']}",
            "telegram.url = 'https://a:b@x'",
            "telegram.message_thread_id = 0",
            "bot.metrics_url = 'http://a:b@x'",
            "alerts.lang = 'fr'",
            "live.kill_switch_key = ''",
            "min_free_mb = 1.5",
            "redis = 3",
            "redis = {port = 'x', timeout = 'x', db = -1, tls = 'maybe'}",
            "redis = {port = 70000, timeout = inf}",
            "redis = {port = [], timeout = [], tls = [], host = 3, ca_file = 3}",
            f"redis.port = '{'9' * 5000}'",
            "redis.ca_file = '/nowhere'",
            "redis = {ca_file = '/dev/null', tls = true}",
            "redis.cert_file = '/dev/null'",
            "redis = {host = 'a b'}",
            "redis = {host = 'a..b'}",
            "redis = {host = '/a'}",
            "redis = {host = 'a', socket = '/a'}",
            "redis = {socket = '/a', tls = true}",
            "redis = {sentinels = 3}",
            "redis = {sentinels = ['a']}",
            "redis = {sentinels = ['a:1']}",
            "redis = {url = 'redis://a?x=1'}",
            "redis = {url = 'redis://a?ssl_cert_reqs=none'}",
            "redis = {url = 'redis://a', port = 1}",
            "postgres = {host = 'a', socket = '/a'}",
            "postgres = {url = 'postgres://a/x?X-Y=1'}",
            "postgres.nonsense = 1",
        )
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def telegram() -> Iterator[TelegramStandin]:
    """A Bot API server that knows one bot and one chat."""
    with TelegramStandin(token=TOKEN, chat_id=CHAT) as standin:
        yield standin


Told = Callable[[Call, str], str]


@pytest.fixture
def told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], telegram: TelegramStandin
) -> Iterator[Told]:
    """Make a call in an empty directory, in a language, and return all that it prints."""
    before = {number: signal.getsignal(number) for number in ENDING}
    for name in list(os.environ):
        if name.startswith("PREFLIGHT_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")  # a sentence is on one line
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "spool").mkdir()
    spool = Spool(tmp_path / "spool")
    spool.put(Content.P0, "paper", "20270115T080000Z-1a2b3c4d-P0", to_json(alert()))
    spool.put(Content.P0, "paper", "20270115T080000Z-ffffffff-P0", "not JSON")

    def tell(call: Call, lang: str) -> str:
        for name, content in call.files.items():
            if name == "telegram":
                for key, value in {"TOKEN": TOKEN, "CHAT_ID": CHAT, "URL": telegram.url, "PLAIN_HTTP": "true"}.items():
                    monkeypatch.setenv(f"PREFLIGHT_TELEGRAM__{key}", value)
            else:
                (tmp_path / name).write_text(content, encoding="utf-8")
        monkeypatch.setenv("PREFLIGHT_SPOOL_DIR", str(tmp_path / "spool"))
        for name, value in call.environ.items():
            monkeypatch.setenv(name, value)
        argv = list(call.argv)
        if argv[-1:] != ["--lang"] and argv[-1:] != ["--env"]:
            at = argv.index("--") if "--" in argv else len(argv)
            argv[at:at] = ["--lang", lang]
        else:
            monkeypatch.setenv("PREFLIGHT_ALERTS__LANG", lang)
        assert (cli.main(argv), argv) == (call.code, argv)
        shown = capsys.readouterr()
        made = tmp_path / "preflight.toml"
        return shown.out + shown.err + (made.read_text("utf-8") if call.argv == ("init",) else "")

    yield tell
    for number, handler in before.items():
        signal.signal(number, handler)


def english_in(text: str) -> list[str]:
    """Return the parts of English sentences that a text holds, beside names, commands and others' words."""
    for pattern in NOT_OURS:
        text = re.sub(pattern, "«»", text)
    return ENGLISH.findall(text)


def test_every_command_is_called() -> None:
    """Each has its help, a good call and a bad one below."""
    called = [{*cli.COMMANDS} & {word for call in calls for word in call.argv[:1]} for calls in (HELP, GOOD, BAD)]
    assert called == [{*cli.COMMANDS}, {*cli.COMMANDS} - {"db"}, {*cli.COMMANDS}]  # db takes a server to be good


@pytest.mark.parametrize("call", [*HELP, *GOOD, *BAD], ids=str)
def test_korean_has_no_english_sentence(call: Call, told: Told) -> None:
    """Whoever asks for Korean is answered in Korean, whatever is asked and however wrongly."""
    text = told(call, "ko")
    assert english_in(text) == []
    assert (HANGUL.search(text) is not None) is call.said


@pytest.mark.parametrize("call", [*HELP, *GOOD, *BAD], ids=str)
def test_english_has_no_korean(call: Call, told: Told) -> None:
    """Whoever does not is not."""
    text = told(call, "en")
    assert HANGUL.search(text) is None
    assert text.strip()


def test_a_gate_that_breaks(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The last door speaks the reader's language, too."""
    codes: list[int] = []
    monkeypatch.setattr("os._exit", codes.append)
    monkeypatch.setattr(cli, "_run", lambda _: 1 // 0)
    for lang, words in (
        ("ko", "게이트 자체가 고장 났습니다(ZeroDivisionError at"),
        ("en", "the gate itself broke (Zero"),
    ):
        monkeypatch.setattr("sys.argv", ["preflight", "--lang", lang])
        cli.entry()
        assert words in capsys.readouterr().err
    assert codes == [3, 3]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("preflight: 설정: this is a sentence", ["this is a sentence"]),
        ("  --env ENV  this is English", ["this is English"]),
        ("명령: `preflight alerts list`", []),
        ("live, paper, dev, test 중 하나", []),
        ("/a/b cannot be read", ["cannot be read"]),
    ],
)
def test_what_counts_as_english(line: str, found: list[str]) -> None:
    """The measure itself finds a sentence, and no names."""
    assert english_in(line) == found
