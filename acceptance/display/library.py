"""Runs Grafana's own display library: one Node process for all panels and all major versions."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol, Self

from acceptance.display.model import Displayed, PanelRequest

__all__ = ["Display", "DisplayError", "GrafanaLibrary"]

_MAIN = Path(__file__).with_name("node") / "main.mjs"
_SECONDS = 60.0  # for one answer; all panels take 3 on an idle machine
_HEAP_MIB = 400


class DisplayError(RuntimeError):
    """What panels display cannot be determined; the text says why and what to do."""


class Display(Protocol):
    """What can say what panels display; a `GrafanaLibrary` is one."""

    def show(self, requests: Sequence[PanelRequest]) -> tuple[Mapping[str, Displayed], ...]:
        """Return, for each panel in order, major version -> what it displays.

        Raises:
            DisplayError: It cannot be determined.
        """


@dataclass(slots=True, kw_only=True)
class GrafanaLibrary:
    """Grafana's library as installed. The process starts with the first question; use it as a context manager."""

    node: Path  # the program
    folder: Path  # of the component: package.json, node_modules, schema.json
    majors: tuple[str, ...] = ()  # which to ask; all that are installed if empty
    _process: subprocess.Popen[bytes] | None = None
    _errors: IO[bytes] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._end()

    def show(self, requests: Sequence[PanelRequest]) -> tuple[Mapping[str, Displayed], ...]:
        """Return, for each panel in order, major version -> what it displays. Safe to call from several threads.

        Raises:
            DisplayError: The process fails, does not answer in time, or its answer cannot be read.
        """
        if not requests:
            return ()
        with self._lock:
            raw = self._ask({"majors": list(self.majors), "panels": [request.to_dict() for request in requests]})
        try:
            versions = raw["versions"]
            found = tuple(
                {major: Displayed.read(major, versions[major], one[major]) for major in versions}
                for one in raw["panels"]
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise DisplayError(f"Grafana's library answered in an unknown form: {error!r}") from error
        if len(found) != len(requests) or not versions:
            raise DisplayError(f"Grafana's library answered {len(found)} of {len(requests)} panels")
        return found

    def _ask(self, request: Mapping[str, object]) -> Any:
        try:
            process = self._started()
            if process.stdin is None or process.stdout is None:
                raise OSError("it has no pipes")
            with _ended_after(process, _SECONDS):
                process.stdin.write(json.dumps(request).encode() + b"\n")
                process.stdin.flush()
                line = _line(process.stdout, time.monotonic() + _SECONDS)
            return json.loads(line)
        except (OSError, ValueError) as error:
            said = self._said()
            self._end()
            raise DisplayError(f"Grafana's library gave no answer: {said or error}; remedy: make components") from error

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by _end
            command = [str(self.node), f"--max-old-space-size={_HEAP_MIB}", str(_MAIN), str(self.folder)]
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors
            )
        return self._process

    def _said(self) -> str:
        """Return the line in which the process says what went wrong; "" if it says nothing."""
        if self._errors is None:
            return ""
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return next((line for line in lines if "Error" in line), lines[-1] if lines else "")[:300]

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(BrokenPipeError):  # what it did not read is lost with it
                        pipe.close()
        if self._errors is not None:
            self._errors.close()
            self._errors = None


@contextlib.contextmanager
def _ended_after(process: subprocess.Popen[bytes], seconds: float) -> Iterator[None]:
    """Kill the process if the block takes longer: a write to a process that does not read would wait for ever."""
    timer = threading.Timer(seconds, process.kill)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _line(pipe: IO[bytes], deadline: float) -> bytes:
    """Read one line.

    Raises:
        OSError: The process ends first, or the deadline passes.
    """
    parts: list[bytes] = []
    while not (parts and parts[-1].endswith(b"\n")):
        if not select.select([pipe], [], [], max(deadline - time.monotonic(), 0))[0]:
            raise OSError("it took too long")
        part = os.read(pipe.fileno(), 1 << 20)
        if not part:
            raise OSError("it ended")
        parts.append(part)
    return b"".join(parts)
