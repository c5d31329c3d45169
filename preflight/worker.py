"""One check in one process of its own, from the parent's side and from the child's.

The child is forked while the parent has a single thread. It loads what the check needs, waits for the word "go",
runs the check and sends one JSON line. The parent never waits for more than that line: a child that hangs in C,
holds the GIL, exits, crashes, prints, forks or sends nonsense cannot reach beyond its own result.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import re
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from preflight.check import Check, Context
from preflight.message import BadMessageError, Message, cleaned, from_data, message, to_data
from preflight.model import Outcome, Status, one_line
from preflight.redaction import scrub
from preflight.system.fork import fork_child, kill_group, wait_for

_MAX_BYTES = 96 * 1024  # of one answer; more than that is nonsense
_MAX_TEXT = 1000  # characters of one field that are shown
_MAX_SENT = 1050  # that are sent: of one field 12.6 kB, were it all characters that JSON writes as two escapes
_MAX_SECONDS = 86_400.0  # no measurement of a check takes a day
_REAP_SECONDS = 0.1  # for a killed child to be gone; a child stuck in the kernel is left behind
_ORPHAN_SECONDS = 1.0  # how long after its deadline a child may live whose parent is gone
_MAX_MESSAGE = 12_000  # bytes of JSON of one message; of a larger one only the text is sent
_TIMING = re.compile("[A-Za-z_]{1,40}")  # what a timing may be called
_TEXTS = ("summary", "hint", "expected", "actual", "said")  # of an outcome
_MESSAGES = ("summary", "hint")  # those of them that can be said in another language
_CRASH_HINT = message("this is a bug in the check or in a library it uses: run it alone with --only and report it")


class BadAnswerError(Exception):
    """What came through the pipe is not an outcome."""


@dataclass(slots=True)
class Worker:
    """A forked child and the pipe on which its answer arrives."""

    check: Check
    pid: int
    answers: int  # file descriptor to read from, non-blocking
    _go: int  # file descriptor to write the starting word to
    _buffer: bytearray = field(default_factory=bytearray)
    _reaped: int | None = None  # wait status, once the child is gone
    _open: list[int] = field(init=False)  # file descriptors that are still to be closed

    def __post_init__(self) -> None:
        self._open = [self.answers, self._go]

    def go(self) -> None:
        """Let the check start. A child that is already dead is noticed by its silence."""
        with contextlib.suppress(BrokenPipeError):
            os.write(self._go, b"g")

    def read(self) -> bytes | None:
        """Give the whole answer once it is there, `b""` when there will be none, None when it is not there yet."""
        while True:
            try:
                chunk = os.read(self.answers, 65536)
            except BlockingIOError:
                return None
            if not chunk:
                return b""
            self._buffer += chunk
            line, newline, _ = bytes(self._buffer).partition(b"\n")
            if newline or len(self._buffer) > _MAX_BYTES:
                return line

    def gone(self) -> bool:
        """Tell whether the child has ended, even where a grandchild still holds its pipe open."""
        if self._reaped is None:
            with contextlib.suppress(ChildProcessError):
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                self._reaped = status if pid else None
        return self._reaped is not None

    def _wait(self, seconds: float) -> None:
        """Wait for the end of the child; not by asking again and again, which would take its processor from it."""
        wait_for(self.pid, seconds)
        self.gone()

    def end(self) -> str:
        """Kill the child and what it forked, close the pipes, and say how it ended.

        A signal may interrupt this half way, and whoever cleans up then calls it again: no file number is closed
        twice, since it may be somebody else's by then, and nothing is killed once the pipes are closed.
        """
        if self._open:
            kill_group(self.pid)
        if not self.gone():
            self._wait(_REAP_SECONDS)
        while self._open:
            os.close(self._open.pop())
        if self._reaped is None:
            return message("stuck in the kernel")
        if os.WIFSIGNALED(self._reaped):
            return message("killed by {signal}", signal=signal.Signals(os.WTERMSIG(self._reaped)).name)
        return message("exited with {code}", code=os.waitstatus_to_exitcode(self._reaped))


def spawn(check: Check, ctx: Context) -> Worker:
    """Fork the child of one check; it does nothing but load modules until `go`."""
    answers, to_parent = os.pipe()
    from_parent, go = os.pipe()
    try:
        pid = fork_child(lambda: _live(check, ctx, to_parent, from_parent), to_parent, from_parent)
    except BaseException:  # no process could be had, or a handler raised and ended it
        os.close(answers)
        os.close(go)
        raise
    finally:
        os.close(to_parent)
        os.close(from_parent)
    os.set_blocking(answers, False)
    return Worker(check=check, pid=pid, answers=answers, _go=go)


def _live(check: Check, ctx: Context, to_parent: int, from_parent: int) -> None:
    """Be the child of one check, until its answer is sent."""
    pid = os.getpid()
    with contextlib.suppress(Exception):  # the check will meet the same error and its outcome will say so
        for name in check.imports:
            importlib.import_module(name)
    # Not for a process that an import forked: it would take the word, or answer a second time.
    if os.getpid() == pid and os.read(from_parent, 1) == b"g":
        # The parent ends this process at the deadline. If the parent was killed, the kernel does it, whatever
        # handler an import has left.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        limit = ctx.settings.timeout_of(check.id, check.timeout)
        signal.setitimer(signal.ITIMER_REAL, limit + _ORPHAN_SECONDS)
        os.write(to_parent, _answer(check, ctx) + b"\n")


def _answer(check: Check, ctx: Context) -> bytes:
    try:
        outcome = check.run(ctx)
        if isinstance(outcome, Outcome):
            return encode(outcome)
        kind = type(outcome).__name__
        problem = message("the check returned {kind}, not an outcome", kind=kind)
    except BaseException as e:  # noqa: BLE001 - SystemExit and KeyboardInterrupt of a check are its result too
        kind = type(e).__name__
        problem = message("the check raised {kind}: {error}", kind=kind, error=e)
    return encode(Outcome(status=Status.ERROR, summary=problem, hint=_CRASH_HINT, expected="an outcome", actual=kind))


def encode(outcome: Outcome) -> bytes:
    """Write an outcome as one line of JSON."""
    return json.dumps(
        {
            "status": str(outcome.status),
            **{name: _sent(getattr(outcome, name)) for name in _TEXTS},
            "messages": {name: data for name in _MESSAGES if (data := _sent_message(getattr(outcome, name)))},
            "timings": dict(outcome.timings),
        }
    ).encode()


def _sent(text: Any) -> Any:
    """Cut what is too long to be sent: what a server says may be of any length."""
    return text[:_MAX_SENT] if isinstance(text, str) else text


def _sent_message(text: Any) -> dict[str, Any] | None:
    """Return template and values of a message that is short enough to be sent whole."""
    data = to_data(text)
    return data if data is not None and len(json.dumps(data)) <= _MAX_MESSAGE else None


def decode(line: bytes, secrets: Sequence[str] = ()) -> Outcome:
    """Read what `encode` wrote, believing nothing.

    Args:
        line: What came through the pipe.
        secrets: What may not be in any text: libraries put what they were given into their messages.

    Raises:
        BadAnswerError: The line is not JSON, has other keys, or values of other types or ranges.
    """
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as e:
        raise BadAnswerError(message("its answer is not JSON")) from e
    if not isinstance(data, dict) or data.keys() - {"messages"} != {"status", *_TEXTS, "timings"}:
        raise BadAnswerError(message("its answer has other fields than an outcome has"))
    texts = dict(_texts(data, secrets))
    messages = {name: _message(data, name, texts[name], secrets) for name in _MESSAGES}
    if data["status"] not in tuple(Status):
        raise BadAnswerError(message("its status is none that there is"))
    status, timings = Status(data["status"]), data["timings"]
    if not isinstance(timings, dict) or not all(_is_seconds(value) for value in timings.values()):
        raise BadAnswerError(message("its timings are not seconds"))
    if not all(_TIMING.fullmatch(name) for name in timings):
        raise BadAnswerError(message("its timings have names that are not letters and underscores"))
    return Outcome(
        status=status,
        summary=messages["summary"],
        hint=messages["hint"],
        expected=texts["expected"],
        actual=texts["actual"],
        said=texts["said"],
        timings=timings,
    )


def _texts(data: dict[str, Any], secrets: Sequence[str]) -> Iterator[tuple[str, str]]:
    longest = max(map(len, secrets), default=0)
    for name in _TEXTS:
        text = data[name]
        if not isinstance(text, str):
            raise BadAnswerError(message("its {name} is not text", name=name))
        if len(text) >= _MAX_SENT:  # what was cut off may have been the rest of a secret
            text = text[: max(0, len(text) - longest)]
        # In this order: neither a cut nor a blank may hide a part of a secret from the one who looks for all of it.
        yield name, one_line(scrub(text, secrets))[:_MAX_TEXT]


def _message(data: dict[str, Any], name: str, text: str, secrets: Sequence[str]) -> Message:
    """Return a text with what it was made from; without that, unless it makes the very same text once it is clean."""
    sent = data.get("messages")
    if not isinstance(sent, dict) or name not in sent:
        return Message(text)
    try:
        known = cleaned(from_data(sent[name]), lambda part: one_line(scrub(part, secrets)))
    except BadMessageError as e:
        raise BadAnswerError(message("its {name} is not a message: {reason}", name=name, reason=e)) from e
    return known if known == text else Message(text)


def _is_seconds(value: Any) -> bool:
    # Compared, not converted: JSON can hold integers that no float can.
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _MAX_SECONDS
