from __future__ import annotations

import ctypes
import errno
import json
import math
import os
import re
import resource
import select
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.check import Check, Context
from preflight.message import Message, message, to_data
from preflight.model import Outcome, Status
from preflight.worker import BadAnswerError, Worker, decode, encode, spawn

MakeCheck = Callable[..., Check]
MakeContext = Callable[..., Context]

pytestmark = pytest.mark.usefixtures("no_child_left", "ctrl_c")


def answer_of(worker: Worker, seconds: float = 5.0) -> bytes:
    """Wait for the whole answer, or b"" when there will be none."""
    deadline = time.monotonic() + seconds
    while (answer := worker.read()) is None:
        left = deadline - time.monotonic()
        assert left > 0, "no answer"
        select.select([worker.answers], [], [], left)
    return answer


def ask(check: Check, ctx: Context) -> tuple[bytes, str]:
    """Run a check in its process and give its line and how the process ended."""
    worker = spawn(check, ctx)
    try:
        worker.go()
        answer = answer_of(worker)
    finally:
        how = ended(worker)
    return answer, how


def wait_until(true: Callable[[], bool], seconds: float) -> bool:
    """Ask again and again, without sleeping blindly, until it is true or the time is over."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        select.select([], [], [], 0.01)
    return True


def ended(worker: Worker) -> str:
    """End a worker and tell how, once it is gone: on a busy machine that may take longer than `end` waits."""
    worker.end()
    assert wait_until(worker.gone, 5)
    return worker.end()


GOOD = Outcome(
    status=Status.WARN,
    summary=Message("s"),
    hint=Message("h"),
    expected="e",
    actual="a",
    timings={"ping": 0.25, "getMe": 0, "get": 1},
)


def test_outcome_arrives_whole(make_check: MakeCheck, make_context: MakeContext) -> None:
    """What the check returned in its process is what the parent reads."""
    answer, _ = ask(make_check(does=lambda _: GOOD), make_context())
    assert decode(answer) == GOOD


def test_nothing_runs_before_go(make_check: MakeCheck, make_context: MakeContext, tmp_path: Path) -> None:
    """Until the word "go" the check has not started; without it, it never does."""
    mark = tmp_path / "ran"

    def leave_mark(_: Context) -> Outcome:
        mark.touch()
        return GOOD

    worker = spawn(make_check(does=leave_mark), make_context())
    assert not select.select([worker.answers], [], [], 0.1)[0]
    worker.end()
    assert not mark.exists()


def test_modules_are_loaded_before_go(
    make_check: MakeCheck, make_context: MakeContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a check says it will import is loaded before its clock starts; what cannot be loaded is its own affair."""
    (tmp_path / "loaded_by_nobody_else.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))

    def is_loaded(_: Context) -> Outcome:
        return Outcome(status=Status.PASS, summary=Message(str("loaded_by_nobody_else" in sys.modules)))

    answer, _ = ask(make_check(does=is_loaded, imports=("loaded_by_nobody_else", "no_such_module")), make_context())
    assert decode(answer).summary == "True"
    assert "loaded_by_nobody_else" not in sys.modules


def test_go_to_a_dead_child_is_no_error(make_check: MakeCheck, make_context: MakeContext) -> None:
    """A child that died before it was told to go is noticed by its silence only."""
    worker = spawn(make_check(), make_context())
    os.kill(worker.pid, signal.SIGKILL)
    assert wait_until(worker.gone, 5)
    worker.go()
    assert worker.read() == b""
    assert ended(worker) == "killed by SIGKILL"


_CHANGED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)  # what a gate or its parent may have changed


def test_child_has_a_clean_start(make_check: MakeCheck, make_context: MakeContext) -> None:
    """The child has default signal handlers, its own process group, and of open files only the two pipes."""

    def look(_: Context) -> Outcome:
        handlers = [signal.getsignal(n) for n in _CHANGED]
        files = sorted(int(name) for name in os.listdir("/proc/self/fd"))  # noqa: PTH208 - names are numbers here
        standard = {os.readlink(f"/proc/self/fd/{n}") for n in (0, 1, 2)}  # noqa: PTH115 - same
        return Outcome(
            status=Status.PASS,
            summary=Message(str(handlers == [signal.SIG_DFL] * len(_CHANGED))),
            hint=Message(str(os.getpgid(0) == os.getpid())),
            expected=str(len(files)),  # 0, 1, 2, two pipes, and the one that lists the folder
            actual=",".join(standard) + str(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        )

    before = {number: signal.signal(number, signal.SIG_IGN) for number in _CHANGED}
    try:
        answer, _ = ask(make_check(does=look), make_context())
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    found = decode(answer)
    assert (found.summary, found.hint, found.expected, found.actual) == ("True", "True", "6", "/dev/nullset()")


def test_closing_costs_what_is_open_only(
    make_check: MakeCheck, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that may have a billion files open does not ask for each of them."""
    monkeypatch.setattr(os, "sysconf", lambda _: 1_000_000_000)
    monkeypatch.setattr(os, "closerange", lambda *_: signal.pause())

    answer, _ = ask(make_check(), make_context())

    assert decode(answer).status is Status.PASS


def test_prints_nowhere() -> None:
    """Whatever a check prints, by Python or by its file numbers, does not reach the gate's output, nor twice."""
    program = textwrap.dedent(
        """
        import os, select, subprocess, sys
        from types import SimpleNamespace
        from preflight.model import Outcome, Status
        from preflight.worker import spawn

        def run(ctx):
            print("GO", flush=True)
            print("GO")
            print("GO", file=sys.stderr)
            os.write(1, b"GO")
            os.write(2, b"GO")
            subprocess.run(["echo", "GO"], check=True)
            return Outcome(status=Status.PASS, summary="printed")

        print("before,", end="")
        settings = SimpleNamespace(timeout_of=lambda check_id, given: given)
        worker = spawn(SimpleNamespace(id="a", imports=(), timeout=5, run=run), SimpleNamespace(settings=settings))
        worker.go()
        select.select([worker.answers], [], [], 5)
        print("after", b"printed" in worker.read())
        worker.end()
        """
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"before,after True\n", b"")


def _raise(error: BaseException) -> Callable[[Context], NoReturn]:
    def raiser(_: Context) -> NoReturn:
        raise error

    return raiser


def _recurse(_: Context) -> Any:
    def deeper(n: int) -> int:
        return deeper(n + 1) + 1

    return deeper(0)


class _UnspeakableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("cannot even be said")


@pytest.mark.parametrize(
    ("does", "told"),
    [
        (_raise(ValueError("three")), "the check raised ValueError: three"),
        (_raise(SystemExit(0)), "the check raised SystemExit: 0"),
        (_raise(KeyboardInterrupt()), "the check raised KeyboardInterrupt"),
        (_raise(GeneratorExit()), "the check raised GeneratorExit"),
        (_raise(MemoryError()), "the check raised MemoryError"),
        (_recurse, "the check raised RecursionError"),
        (lambda _: None, "the check returned NoneType, not an outcome"),
        (lambda _: True, "the check returned bool, not an outcome"),
        (lambda _: {"status": "pass"}, "the check returned dict, not an outcome"),
        (lambda _: Status.PASS, "the check returned Status, not an outcome"),
        (lambda _: Outcome, "the check returned type, not an outcome"),
        (lambda _: Outcome(status=Status.PASS, summary=object()), "the check raised TypeError"),  # type: ignore[arg-type]
        (lambda _: Outcome(status=Status.PASS, summary=Message(), timings=None), "the check raised TypeError"),  # type: ignore[arg-type]
        (lambda _: Outcome(status=Status.PASS, summary=Message(), timings={(1,): 1}), "the check raised TypeError"),  # type: ignore[dict-item]
        (
            _raise(ValueError("two\nlines \x1b[32mPASS\x1b[0m \udce9")),
            "the check raised ValueError: two lines  [32mPASS",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "check",  # a function's repr would differ in each process
)
def test_crash_is_an_error(
    does: Callable[[Context], Any], told: str, make_check: MakeCheck, make_context: MakeContext
) -> None:
    """Whatever a check raises, or returns instead of an outcome, is an ERROR that says so and what to do."""
    outcome = decode(ask(make_check(does=does), make_context())[0])
    assert outcome.status is Status.ERROR
    assert outcome.summary.startswith(told)
    assert outcome.hint


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(status="GO", summary=Message()),  # type: ignore[arg-type]
        Outcome(status=True, summary=Message()),  # type: ignore[arg-type]
        Outcome(status=None, summary=Message()),  # type: ignore[arg-type]
        Outcome(status=Status.PASS, summary=None),  # type: ignore[arg-type]
        Outcome(status=Status.PASS, summary=Message(), hint=["run it again"]),  # type: ignore[arg-type]
        Outcome(status=Status.PASS, summary=Message(), expected=1),  # type: ignore[arg-type]
        Outcome(status=Status.PASS, summary=Message(), actual=True),  # type: ignore[arg-type]
        Outcome(status=Status.PASS, summary=Message(), timings={"ping": math.nan}),
        Outcome(status=Status.PASS, summary=Message(), timings={"ping": math.inf}),
        Outcome(status=Status.PASS, summary=Message(), timings={"ping": -0.001}),
        Outcome(status=Status.PASS, summary=Message(), timings={"ping": True}),
        Outcome(status=Status.PASS, summary=Message(), timings={"ping": "0.1"}),  # type: ignore[dict-item]
        Outcome(status=Status.PASS, summary=Message(), timings={"ping": 10**400}),
    ],
    ids=lambda outcome: str(outcome)[:70],
)
def test_wrong_fields_are_no_answer(outcome: Outcome, make_check: MakeCheck, make_context: MakeContext) -> None:
    """An outcome with a field of a wrong type, or a time that is none, is refused."""
    answer, _ = ask(make_check(does=lambda _: outcome), make_context())
    with pytest.raises(BadAnswerError):
        decode(answer)


def _hold_gil(_: Context) -> Any:
    return ctypes.PyDLL(None).sleep(60)  # PyDLL does not let go of the GIL


def _regex(_: Context) -> Any:
    return re.match("(a+)+$", "a" * 60 + "b")


def _wait_forever(_: Context) -> Any:
    return select.select([], [], [])


def _ignore_signals(_: Context) -> Any:
    for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_IGN)
    return select.select([], [], [], 60)


def _stop_itself(_: Context) -> Any:
    os.kill(os.getpid(), signal.SIGSTOP)


@pytest.mark.parametrize("does", [_hold_gil, _regex, _wait_forever, _ignore_signals, _stop_itself])
def test_hung_child_can_be_ended(
    does: Callable[[Context], Any], make_check: MakeCheck, make_context: MakeContext
) -> None:
    """A child that hangs, in C with the GIL held or against all signals, is gone at once when it is ended."""
    worker = spawn(make_check(does=does), make_context())
    worker.go()
    assert not select.select([worker.answers], [], [], 0.1)[0]
    assert worker.read() is None
    assert not worker.gone()
    begun = time.monotonic()
    assert ended(worker) == "killed by SIGKILL"
    assert time.monotonic() - begun < 1.0


def _kill_itself(_: Context) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def _write_half(_: Context) -> Any:
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, encode(Outcome(status=Status.PASS, summary=Message("forged")))[:-5])
        except OSError:
            continue
    os._exit(0)


SECRET = "canary-of-a-password"


@pytest.mark.parametrize("before", [0, 990, 1040, 1049])
@pytest.mark.parametrize("letter", ["x", "가", "🔴", "\x07", "\ud800"], ids=ascii)
def test_g16_a_text_without_end_is_cut_and_shown(
    letter: str, before: int, make_check: MakeCheck, make_context: MakeContext
) -> None:
    """What a server says at length is cut, wherever a secret lies in it, and is still the check's own outcome."""
    text = letter * before + SECRET + letter * 300_000
    long = Outcome(
        status=Status.FAIL,
        summary=Message(text),
        hint=Message(text),
        expected=text,
        actual=text,
        said=text,
        timings={"ping": 0.1},
    )
    answer, _ = ask(make_check(does=lambda _: long), make_context())
    read = decode(answer, (SECRET,))

    assert (read.status, read.timings) == (Status.FAIL, {"ping": 0.1})
    assert {len(shown) for shown in (read.summary, read.hint, read.expected, read.actual, read.said)} <= {1000}
    assert "canary" not in read.summary


@pytest.mark.parametrize(
    ("does", "how"),
    [
        (lambda _: os._exit(0), "exited with 0"),
        (lambda _: os._exit(7), "exited with 7"),
        (lambda _: os.abort(), "killed by SIGABRT"),
        (lambda _: ctypes.string_at(0), "killed by SIGSEGV"),
        (_kill_itself, "killed by SIGKILL"),
        (lambda _: os.closerange(0, 100), "exited with 0"),
        (_write_half, "exited with 0"),
        (_raise(_UnspeakableError()), "exited with 0"),
    ],
    ids=["exit-0", "exit-7", "abort", "segfault", "kill", "close-all", "half-a-line", "unspeakable"],
)
def test_death_is_no_answer(
    does: Callable[[Context], Any], how: str, make_check: MakeCheck, make_context: MakeContext
) -> None:
    """A child that ends without a whole line has given no answer, and it is known how it ended."""

    def quietly(ctx: Context) -> Any:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        return does(ctx)

    worker = spawn(make_check(does=quietly), make_context())
    worker.go()
    assert answer_of(worker) == b""
    wait_until(worker.gone, 1)  # else it would be killed before its own end is seen
    assert ended(worker) == how


def test_first_line_counts(make_check: MakeCheck, make_context: MakeContext) -> None:
    """What is written before the answer, to whatever file number, is read as the answer and refused as garbage."""

    def forge(_: Context) -> Outcome:
        for descriptor in range(3, 64):
            try:
                os.write(descriptor, b'{"status": "pass"}\n')
            except OSError:
                continue
        return GOOD

    answer, _ = ask(make_check(does=forge), make_context())
    assert answer == b'{"status": "pass"}'
    with pytest.raises(BadAnswerError, match="other fields"):
        decode(answer)


def test_endless_answer_is_cut(make_check: MakeCheck, make_context: MakeContext) -> None:
    """A child that writes without end and without a newline is read up to a bound, not further."""

    def flood(_: Context) -> Any:
        while True:
            for descriptor in range(3, 64):
                try:
                    os.write(descriptor, b"x" * 4096)
                except OSError:
                    continue

    answer, how = ask(make_check(does=flood), make_context())
    assert 96 * 1024 < len(answer) <= 96 * 1024 + 65536
    assert how == "killed by SIGKILL"


def test_grandchild_dies_too(make_check: MakeCheck, make_context: MakeContext, tmp_path: Path) -> None:
    """What a check forked is killed with it."""
    note = tmp_path / "pid"

    def fork(_: Context) -> Outcome:
        if (pid := os.fork()) == 0:
            select.select([], [], [], 60)
            os._exit(0)
        note.write_text(str(pid), encoding="utf-8")
        return GOOD

    answer, _ = ask(make_check(does=fork), make_context())
    assert decode(answer) == GOOD
    pid = int(note.read_text(encoding="utf-8"))
    assert wait_until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE, 2)


def test_signal_while_forking_stays_in_the_parent(
    make_check: MakeCheck, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal that reaches the child at the moment of the fork ends it; it never runs on in the parent's code."""
    fork = os.fork

    def fork_then_interrupt() -> int:
        pid = fork()
        if pid == 0:
            os.kill(os.getpid(), signal.SIGINT)
        return pid

    monkeypatch.setattr(os, "fork", fork_then_interrupt)
    me = os.getpid()
    try:
        worker = spawn(make_check(), make_context())
    finally:
        if os.getpid() != me:
            os._exit(99)  # this is the child, and it is where it must never be
    assert wait_until(worker.gone, 5)
    assert ended(worker) == "killed by SIGINT"


def test_interrupt_of_the_parent_while_forking_leaves_no_child(
    make_check: MakeCheck, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal to the parent during the fork is raised there, and the child it was making is gone."""
    fork = os.fork

    def interrupt_then_fork() -> int:
        signal.raise_signal(signal.SIGINT)  # to this thread: another one, a library's own, would take it unblocked
        return fork()

    monkeypatch.setattr(os, "fork", interrupt_then_fork)
    with pytest.raises(KeyboardInterrupt):
        spawn(make_check(), make_context())
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_a_fork_that_fails_leaves_nothing(
    make_check: MakeCheck, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no process can be had the error comes through, no file stays open and no signal stays blocked."""

    def no_more_processes() -> int:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", no_more_processes)

    def state() -> tuple[set[str], set[int | signal.Signals]]:
        files = {path.name for path in Path("/proc/self/fd").iterdir()}
        return files, signal.pthread_sigmask(signal.SIG_BLOCK, ())

    before = state()
    with pytest.raises(BlockingIOError):
        spawn(make_check(), make_context())
    assert state() == before


def test_a_child_that_cannot_die_is_left_behind(
    make_check: MakeCheck, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that not even SIGKILL ends at once, as in the kernel's own waits, is left there, and that is said."""
    worker = spawn(make_check(), make_context())
    with monkeypatch.context() as patched:
        patched.setattr(os, "killpg", lambda *_: None)
        patched.setattr("preflight.worker._REAP_SECONDS", 0.05)
        os.kill(worker.pid, signal.SIGSTOP)  # else it would end by itself as soon as the pipes are closed
        begun = time.monotonic()
        try:
            assert worker.end() == "stuck in the kernel"
            assert time.monotonic() - begun < 2
        finally:
            os.kill(worker.pid, signal.SIGKILL)
    assert wait_until(worker.gone, 5)
    assert worker.end() == "killed by SIGKILL"


def test_a_child_that_the_kernel_buried(make_check: MakeCheck, make_context: MakeContext) -> None:
    """Where SIGCHLD is ignored nobody learns how a child ended: it is still read, and its end raises nothing."""
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        worker = spawn(make_check(does=lambda _: GOOD), make_context())
        worker.go()
        assert decode(answer_of(worker)) == GOOD
        assert wait_until(lambda: not psutil.pid_exists(worker.pid), 5)
        assert not worker.gone()
        worker.end()
        assert worker._open == []
    finally:
        signal.signal(signal.SIGCHLD, before)


def test_end_can_be_called_again(make_check: MakeCheck, make_context: MakeContext) -> None:
    """A second `end` says the same and touches no file that has meanwhile got the number of one it closed."""
    worker = spawn(make_check(), make_context())
    assert ended(worker) == "killed by SIGKILL"
    others = os.pipe()
    assert worker.end() == "killed by SIGKILL"
    for descriptor in others:
        os.close(descriptor)


def test_child_of_a_killed_gate_ends_by_itself(tmp_path: Path) -> None:
    """`kill -9` of the gate leaves no hung check behind, not even one that holds the GIL."""
    note = tmp_path / "pid"
    program = textwrap.dedent(
        """
        import ctypes, os, signal, sys
        from types import SimpleNamespace
        from preflight.worker import spawn

        def run(ctx):
            open(sys.argv[1] + ".new", "w").write(str(os.getpid()))
            os.rename(sys.argv[1] + ".new", sys.argv[1])
            ctypes.PyDLL(None).sleep(60)

        signal.signal(signal.SIGALRM, signal.SIG_IGN)  # as its own parent may have left it
        settings = SimpleNamespace(timeout_of=lambda check_id, given: given)
        check = SimpleNamespace(id="a", imports=(), timeout=0.1, run=run)
        spawn(check, SimpleNamespace(settings=settings)).go()
        while not os.path.exists(sys.argv[1]):
            os.sched_yield()
        os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    done = subprocess.run([sys.executable, "-c", program, str(note)], check=False, timeout=30)
    assert done.returncode == -signal.SIGKILL
    pid = int(note.read_text(encoding="utf-8"))
    gone = wait_until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE, 5)
    if not gone:
        os.kill(pid, signal.SIGKILL)
    assert gone


@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_closed_standard_streams(
    closed: str, make_check: MakeCheck, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gate started without stdout or stderr can still fork its checks."""
    monkeypatch.setattr(sys, closed, None)
    answer, _ = ask(make_check(), make_context())
    assert decode(answer).status is Status.PASS


VALID = {"status": "pass", "summary": "s", "hint": "", "expected": "", "actual": "", "said": "", "timings": {}}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"", "not JSON"),
        (b"PASS", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 60_000, "not JSON"),
        (b"9" * 5000, "not JSON"),
        (b"null", "other fields"),
        (b'"pass"', "other fields"),
        (b"[]", "other fields"),
        (json.dumps(VALID | {"more": 1}).encode(), "other fields"),
        (json.dumps({k: v for k, v in VALID.items() if k != "hint"}).encode(), "other fields"),
        (json.dumps(VALID | {"status": "PASS"}).encode(), "its status is none that there is"),
        (json.dumps(VALID | {"status": []}).encode(), "its status is none that there is"),
        (json.dumps(VALID | {"status": None}).encode(), "its status is none that there is"),
        (json.dumps(VALID | {"summary": 1}).encode(), "summary is not text"),
        (json.dumps(VALID | {"actual": None}).encode(), "actual is not text"),
        (json.dumps(VALID | {"timings": []}).encode(), "not seconds"),
        (json.dumps(VALID | {"timings": {"a": None}}).encode(), "not seconds"),
        (json.dumps(VALID | {"timings": {"a": math.nan}}).encode(), "not seconds"),
        (json.dumps(VALID | {"timings": {"a": 10**400}}).encode(), "not seconds"),
        (json.dumps(VALID | {"timings": {"a": 86_401}}).encode(), "not seconds"),
        (json.dumps(VALID | {"timings": {"": 1}}).encode(), "not letters and underscores"),
        (json.dumps(VALID | {"timings": {"a" * 41: 1}}).encode(), "not letters and underscores"),
        (json.dumps(VALID | {"timings": {"hunter2-Canary": 1}}).encode(), "not letters and underscores"),
        (json.dumps(VALID | {"timings": {"ping\n": 1}}).encode(), "not letters and underscores"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_decode_refuses(line: bytes, told: str) -> None:
    """Anything but an outcome is refused with the reason, and with no other exception."""
    with pytest.raises(BadAnswerError, match=re.escape(told)):
        decode(line)


@pytest.mark.parametrize("before", [0, 985, 995, 999, 1000])
@pytest.mark.parametrize("secret", ["hunter2-Canary", "two\nlines", "of\x00bytes"])
def test_no_part_of_a_secret_arrives(secret: str, before: int) -> None:
    """A secret is cut out whole wherever it stands: also where the text is cut, and where it is no one line."""
    text = "x" * before + secret + "y" * 50
    outcome = decode(
        encode(Outcome(status=Status.FAIL, summary=Message(text), hint=Message(text), expected=text, actual=text)),
        (secret,),
    )
    for found in (outcome.summary, outcome.hint, outcome.expected, outcome.actual):
        assert found == ("x" * before + "[secret]" + "y" * 50)[:1000]


@given(st.binary(max_size=300))
def test_decode_of_anything(line: bytes) -> None:
    """No bytes whatever make `decode` raise anything but its own error."""
    try:
        outcome = decode(line)
    except BadAnswerError:
        return
    assert isinstance(outcome.status, Status)


@given(st.text(max_size=1500))
def test_texts_are_one_line_that_can_be_written(text: str) -> None:
    """A text that arrives has no control character, can be encoded, and is cut at 1000 characters."""
    outcome = decode(
        encode(Outcome(status=Status.FAIL, summary=Message(text), hint=Message(text), expected=text, actual=text))
    )
    for found in (outcome.summary, outcome.hint, outcome.expected, outcome.actual):
        assert len(found) == min(len(text), 1000)
        assert not re.search(r"[\x00-\x1f\x7f-\x9f]", found)
        assert found.encode("utf-8")[:1] or not text
        assert len(found.splitlines()) <= 1


@pytest.mark.parametrize(("size", "kept"), [(10, True), (3_000, False)])
def test_a_message_keeps_what_it_was_made_from_unless_that_is_long(size: int, kept: bool) -> None:
    """Then only the text is sent, which is cut; a text that is not what its message makes has none either."""
    said = message("{where} is {how}", where="here", how=message("{what} " * 3, what="x" * size))
    line = encode(Outcome(status=Status.FAIL, summary=said, hint=message("look")))
    assert (to_data(decode(line).summary) == to_data(said)) is kept
    other = json.loads(line)
    for text in ("a", "z"):  # before and after what the message says
        told = decode(json.dumps({**other, "summary": text}).encode()).summary
        assert (told, to_data(told)) == (text, None)
