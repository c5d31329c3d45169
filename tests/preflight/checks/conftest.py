from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from mirakuru import TCPExecutor

from acceptance.stack.components import resolve
from acceptance.stack.ports import HOST, Ports

Start = Callable[..., int]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a real Redis with lines of its configuration; gives its port."""
    component = resolve("redis")
    with ExitStack() as stack:

        def begin(*lines: str) -> int:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            ports = Ports.free(("redis", "bus"))
            port, bus = ports["redis"], ports["bus"]
            if "cluster-enabled yes" in lines:
                lines = (*lines, f"cluster-port {bus}")
            config = folder / "redis.conf"
            text = (f"bind {HOST}", f"port {port}", f"dir {folder}", 'save ""', *lines, "")
            config.write_text("\n".join(text), encoding="utf-8")
            ports.release()
            command = [str(component.binary), str(config)]
            stack.enter_context(TCPExecutor(command, HOST, port, timeout=20, envvars=dict(component.env)))
            return port

        yield begin
