"""`preflight exec --env live` with real servers: attacks between the first question and the start of the command."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from acceptance.probes.exposition import parse
from acceptance.stack.choice.data_servers import open_servers
from acceptance.stack.interface import DataServers, PreflightRun
from acceptance.world.live import LiveWorld, open_live_world
from preflight.record.catalogue import LAST_SUCCESS, READY_FOR_LIVE
from tests.preflight.launch.listening import Listening, listen_before

pytestmark = [pytest.mark.leg("system"), pytest.mark.timeout(300)]

KEY = "arbitrage:kill_switch"
BOT = """
import fcntl, json, os, sys, time
at = time.monotonic()
def locked(path):
    with open(path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
told = {name: value for name, value in os.environ.items() if name.startswith(("ARBITRAGE", "PREFLIGHT"))}
json.dump({"at": at, "told": told, "locked": locked(sys.argv[2])}, open(sys.argv[1], "w"))
"""


@pytest.fixture(scope="module")
def servers(request: pytest.FixtureRequest) -> Iterator[DataServers]:
    """A real Redis and a real Postgres."""
    with open_servers(request.config.getoption("--stack")) as running:
        yield running


@pytest.fixture(scope="module")
def world(servers: DataServers) -> Iterator[LiveWorld]:
    """What a live run meets on a good day."""
    with open_live_world(servers) as world:
        yield world


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One start: its world, the proxies before the servers, the bot."""

    world: LiveWorld
    redis: Listening
    postgres: Listening
    switch: Redis
    bot: Path
    tmp: Path

    @property
    def started(self) -> dict[str, Any] | None:
        """What the bot noted when it started; None where it did not."""
        note = self.tmp / "started.json"
        return json.loads(note.read_text()) if note.exists() else None

    def start(self, *options: str, **variables: str) -> PreflightRun:
        """Run `preflight exec --env live` with this bot."""
        ports = {
            "PREFLIGHT_REDIS__PORT": str(self.redis.port),
            "PREFLIGHT_POSTGRES__PORT": str(self.postgres.port),
            "PREFLIGHT_REDIS__SLOW_AFTER": "1.9",
            "PREFLIGHT_POSTGRES__SLOW_AFTER": "1.9",
        }
        lock = self.world.place / "state" / "exec-live.lock"
        argv = ("exec", "--env", "live", "--output", str(self.tmp / "report.json"), *options)
        command = (sys.executable, str(self.bot), str(self.tmp / "started.json"), str(lock))
        return self.world.preflight(*argv, "--", *command, env={**self.world.variables, **ports, **variables})

    def throw(self) -> None:
        """Throw the kill switch."""
        self.switch.set(KEY, "1")

    def must_be_taken_back(self, run: PreflightRun, *, code: int, because: str) -> None:
        """See that nothing was started, that nothing goes on calling the run a success, and that this was said."""
        page = parse(run.prom, origin="the .prom file")
        assert self.started is None
        assert (run.exit_code, run.report["exit_code"]) == (code, code), run.stderr
        assert [page.value(name, env="live") for name in (READY_FOR_LIVE, LAST_SUCCESS)] == [0.0, 0.0]
        assert (run.report["ready_for_live"], because in str(run.report["reasons"])) == (False, True)
        assert because in f"{run.stdout}{run.stderr}"
        assert "is not started" in run.stderr
        assert [text for text in self.world.telegram.texts if run.report["run_id"] in text and because[:20] in text]

    def asked_elsewhere(self) -> tuple[int, ...]:
        """How much was asked of everybody but Redis."""
        world = self.world
        lists: tuple[list[Any], ...] = (
            world.proxy.asked,
            world.exchanges.seen,
            world.telegram.asked,
            self.postgres.heard,
        )
        return tuple(len(each) for each in lists)


@pytest.fixture
def site(world: LiveWorld, tmp_path: Path) -> Iterator[Site]:
    """A good day with the switch not thrown, and no start yet."""
    world.good_day()
    world.telegram.state.reset()
    reach = world.servers.settings()
    bot = tmp_path / "bot.py"
    bot.write_text(BOT)
    one = reach["redis"]
    client = Redis(host=one["host"], port=one["port"], password=one["password"], db=one["db"])
    with (
        closing(client),
        listen_before(reach["redis"]["port"]) as to_redis,
        listen_before(reach["postgres"]["port"]) as to_postgres,
    ):
        client.delete(KEY)
        yield Site(world=world, redis=to_redis, postgres=to_postgres, switch=client, bot=bot, tmp=tmp_path)
        client.delete(KEY)


def at_question(number: int, act: Callable[[], None]) -> Callable[[bytes], None]:
    """Act at the given question for the kill switch, counted from 1."""
    seen: list[bytes] = []

    def listen(request: bytes) -> None:
        if KEY.encode() in request:
            seen.append(request)
            if len(seen) == number:
                act()

    return listen


def ready(site: Site) -> float | None:
    """What the `.prom` file says at this moment."""
    text = (site.world.place / "textfile" / "arbitrage_preflight_live.prom").read_text()
    return parse(text, origin="the .prom file").value(READY_FOR_LIVE, env="live")


def test_q3_the_last_question_before_the_start_is_the_kill_switchs(site: Site) -> None:
    """Nobody is asked anything between it and the command's first act, and the record said ready by then."""
    found: list[Any] = []
    site.redis.before = at_question(2, lambda: found.extend((ready(site), site.asked_elsewhere())))

    run = site.start()

    assert run.report["verdict"] == "GO", run.stderr
    assert site.started is not None, run.stderr
    at, request = site.redis.heard[-1]
    assert request == f"*2\r\n$3\r\nGET\r\n${len(KEY)}\r\n{KEY}\r\n".encode()
    assert found == [1.0, site.asked_elsewhere()]  # recorded before it; nobody else asked after it
    assert 0 < site.started["at"] - at < 10


def test_q11_what_the_command_has(site: Site) -> None:
    """Run, env and readiness are told, no secret of the gate is, and the lock is the command's own by then."""
    run = site.start()

    assert site.started is not None, run.stderr
    told = site.started["told"]
    assert {name: value for name, value in told.items() if name.startswith("ARBITRAGE")} == {
        "ARBITRAGE_PREFLIGHT_RUN_ID": run.report["run_id"],
        "ARBITRAGE_PREFLIGHT_ENV": "live",
        "ARBITRAGE_PREFLIGHT_READY": "1",
    }
    assert [name for name, value in told.items() if value in site.world.secrets] == []
    assert told["PREFLIGHT_REDIS__HOST"] == "127.0.0.1"
    assert site.started["locked"]


def test_q3_thrown_before_the_run(site: Site) -> None:
    """It is a FAIL of the run itself."""
    site.throw()
    site.must_be_taken_back(site.start(), code=1, because="the kill switch is thrown")


@pytest.mark.parametrize("moment", ["while the checks run", "between record and start"])
def test_q3_thrown_while_the_gate_runs(site: Site, moment: str) -> None:
    """Thrown after it was read, or when ready_for_live 1 is on record already: NO_GO, taken back, said."""
    ready_then: list[float | None] = []

    def throw() -> None:
        ready_then.append(ready(site))
        site.throw()

    if moment == "while the checks run":
        site.redis.after = at_question(1, throw)
    else:
        site.redis.before = at_question(2, throw)

    run = site.start()

    assert ready_then == [0.0 if moment == "while the checks run" else 1.0]
    site.must_be_taken_back(run, code=1, because="the kill switch is thrown")


def test_q3_no_answer_to_the_last_question(site: Site) -> None:
    """A Redis that dies after the record leaves it open whether the switch is thrown: UNVERIFIED."""

    def die() -> None:
        raise ConnectionAbortedError

    site.redis.before = at_question(2, die)
    site.must_be_taken_back(site.start(), code=3, because="whether the kill switch is thrown cannot be determined")


def test_q3_the_last_question_is_answered_by_a_replica(site: Site) -> None:
    """A server that was demoted meanwhile, cut off from its primary, does not know that the switch was thrown there."""

    def demote() -> None:
        site.switch.replicaof("127.0.0.1", "1")  # where no primary is

    site.redis.after = at_question(1, demote)
    try:
        run = site.start()
    finally:
        site.switch.replicaof("NO", "ONE")
    site.must_be_taken_back(run, code=1, because="is a replica")


@pytest.mark.parametrize(
    ("name", "mode"), [("bot.py", 0o666), (".", 0o777), ("locks/lock", 0o602), ("locks", 0o777)], ids=str
)
def test_q10_another_user_may_exchange_the_bot_or_its_lock(site: Site, name: str, mode: int) -> None:
    """Whoever may write the script, the lock or its folder decides what starts, or how often: nothing runs."""
    lock = site.tmp / "locks" / "lock"
    lock.parent.mkdir()
    lock.touch(mode=0o600)
    path = site.tmp / name
    path.chmod(mode)
    try:
        run = site.start("--lock", str(lock))
    finally:
        site.tmp.chmod(0o700)
    if name == "locks/lock":  # this user's own: nobody else can open it by now
        assert (site.started is not None, lock.stat().st_mode & 0o777) == (True, 0o600), run.stderr
        return
    assert (run.exit_code, run.report, site.started) == (2, {}, None), run.stderr
    assert f"others may write {path}" in run.stderr
    assert "chmod go-w" in run.stderr


@pytest.mark.parametrize("question", [1, 2], ids=["while the checks run", "at the last question"])
@pytest.mark.parametrize("how", ["replaced", "edited", "removed"])
def test_q10_the_bot_is_another_one_by_now(site: Site, question: int, how: str) -> None:
    """What starts is the very file that was there when the run began."""

    def swap() -> None:
        other = site.tmp / "other.py"
        other.write_text(f"{BOT}\n# and more\n")
        if how == "replaced":
            other.replace(site.bot)
        elif how == "edited":
            site.bot.write_text(other.read_text())
        else:
            site.bot.unlink()

    site.redis.before = at_question(question, swap)
    because = f"{site.bot} cannot be looked at" if how == "removed" else f"{site.bot} is not the file it was"
    site.must_be_taken_back(site.start(), code=3, because=because)


def test_q10_the_lock_is_replaced_during_the_run(site: Site) -> None:
    """Who removes the lock file lets a second bot in: then not even the first starts."""
    lock = site.world.place / "state" / "exec-live.lock"
    site.redis.before = at_question(2, lock.unlink)
    site.must_be_taken_back(site.start(), code=3, because=f"the lock {lock} is gone")


def test_q10_two_starts_at_once_are_one(site: Site) -> None:
    """A second exec, begun while the first one runs, starts nothing and says who is there."""
    second: list[PreflightRun] = []
    marker = site.tmp / "second"
    argv = ("exec", "--env", "live", "--output", str(site.tmp / "second.json"), "--", "touch", str(marker))
    site.redis.before = at_question(2, lambda: second.append(site.world.preflight(*argv, env=site.world.variables)))

    run = site.start("--timeout", "60", PREFLIGHT_REDIS__TIMEOUT="5", PREFLIGHT_LIVE__ARMED="true")

    assert (second[0].exit_code, marker.exists()) == (7, False), second[0].stderr
    assert "another exec is at work" in second[0].stderr
    assert site.started is not None, run.stderr


@pytest.mark.parametrize(
    "variables",
    [
        {"PREFLIGHT_EXCHANGES__UPBIT__URL": "https://api.upbit.com"},
        {"PREFLIGHT_TELEGRAM__URL": "https://api.telegram.org/"},
    ],
    ids=["exchange", "telegram"],
)
def test_q2_an_overridden_endpoint_starts_nothing(site: Site, variables: dict[str, str]) -> None:
    """The verdict is GO, ready_for_live is 0, and in live nothing starts on that."""
    run = site.start(**variables)
    assert (run.report["verdict"], run.report["ready_for_live"]) == ("GO", False)
    assert (run.exit_code, site.started) == (7, None)
    assert "GO, but ready_for_live is 0" in run.stderr


def test_q2_a_waived_check_starts_nothing(site: Site) -> None:
    """A waiver gives a GO for a person to look at, not one for the bot."""
    dirt = Path(site.world.variables["PREFLIGHT_GIT__REPOSITORY"], "new.py")
    dirt.touch()
    try:
        run = site.start("--waive", "git=known")
    finally:
        dirt.unlink()
    assert (run.report["verdict"], run.report["ready_for_live"]) == ("GO", False), run.stdout
    assert (run.exit_code, site.started) == (7, None)
    assert "GO, but ready_for_live is 0: something was waived" in run.stderr


@pytest.mark.parametrize("thrown", [True, False], ids=["thrown", "not armed"])
def test_q2_live_safety_is_not_waived_in_live(site: Site, thrown: bool) -> None:
    """Neither a thrown switch nor an arming that is missing is lowered to a WARN: nothing runs at all."""
    if thrown:
        site.throw()
    run = site.start("--waive", "live_safety=we know", PREFLIGHT_LIVE__ARMED=str(thrown))
    assert (run.exit_code, run.report, site.started) == (2, {}, None)
    assert "live_safety: this check cannot be waived" in run.stderr


def test_q2_a_secret_without_tls_starts_nothing(site: Site) -> None:
    """The gate asks nobody: not even the stand-in on this machine gets the keys."""
    before = site.asked_elsewhere()
    run = site.start(PREFLIGHT_EXCHANGES__BINANCE__URL=site.world.exchanges.url)
    assert (run.exit_code, run.report, site.started) == (2, {}, None)
    assert "exchanges.binance.url is not https" in run.stderr
    assert site.asked_elsewhere() == before
