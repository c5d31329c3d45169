"""An embedded stack on which sabotages are tried, put back to its beginning before each run.

Before a run it forgets: the metrics files, the ledger and the spool are empty, and Prometheus has no data. What the
run's copy has changed of `monitoring/` is laid over the stack's own copy, and the servers that read it are restarted.
Redis, Postgres, node_exporter and the engine run on.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from acceptance.stack import prometheus_config
from acceptance.stack.embedded.lent import Lender
from acceptance.stack.embedded.stack import EmbeddedStack

INTERVAL = "1s"


class SharedStack:
    """See above. Made by `open_shared_stack`."""

    def __init__(self, stack: EmbeddedStack, monitoring: Path, lender: Lender) -> None:
        self._stack = stack
        self._monitoring = monitoring
        self._lender = lender

    @property
    def file(self) -> Path:
        """What a pytest run is given as `--lent-stack`."""
        return self._lender.file

    def prepare(self, checkout: Path, textfiles: Mapping[str, str]) -> None:
        """Put it back to its beginning, with a copy's `monitoring/`.

        Args:
            checkout: The broken copy.
            textfiles: Name -> content of what else lies where node_exporter reads.

        Raises:
            StackError: A server does not come up with what the copy has; nothing of the run can be believed then.
        """
        layout = self._stack.layout
        self._stop("prometheus")
        for folder in (layout.textfile, layout.ledger.parent, layout.spool, layout.data("prometheus")):
            _empty(folder)
        for name, content in textfiles.items():
            (layout.textfile / name).write_text(content, encoding="utf-8")
            (layout.textfile / name).chmod(0o644)
        before = _fingerprint(self._monitoring / "grafana")
        shutil.rmtree(self._monitoring)
        shutil.copytree(checkout / "monitoring", self._monitoring)
        shutil.rmtree(layout.conf / "prometheus")
        prometheus_config.copy(
            self._monitoring / "prometheus",
            layout.conf / "prometheus",
            interval=INTERVAL,
            ports=self._stack.ports,
        )
        if _fingerprint(self._monitoring / "grafana") != before:
            self._stop("grafana")
        self._start_what_is_not_running()

    def _stop(self, name: str) -> None:
        if any(row["service"] == name and row["pid"] is not None for row in self._stack.processes()):
            self._stack.stop_service(name)

    def _start_what_is_not_running(self) -> None:
        """Also what a run that was ended midway has left stopped or frozen, or what did not start with its copy."""
        for row in self._stack.processes():
            if row["state"] == "paused":
                self._stack.resume_service(row["service"])
            elif row["pid"] is None:
                self._stack.start_service(row["service"])


@contextmanager
def open_shared_stack(checkout: Path, folder: Path) -> Iterator[SharedStack]:
    """Start the stack and lend it.

    Args:
        checkout: The whole one.
        folder: Is made, private to this user.

    Raises:
        StackError: It does not start.
    """
    folder.mkdir(mode=0o700)
    monitoring = folder / "monitoring"
    shutil.copytree(checkout / "monitoring", monitoring)
    with EmbeddedStack(monitoring=monitoring, interval=INTERVAL, grafana="standin") as stack:
        lender = Lender(stack, folder)
        try:
            yield SharedStack(stack, monitoring, lender)
        finally:
            lender.close()


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _fingerprint(folder: Path) -> str:
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            found.update(f"{path.relative_to(folder)}\0".encode())
            found.update(path.read_bytes())
    return found.hexdigest()
