"""For whoever writes a check: runs one with fakes, the way the gate would."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from preflight.check import Check, Context
from preflight.config.sources import load
from preflight.model import Env, Mode, Outcome
from preflight.worker import decode, encode

__all__ = ["run_check"]


def run_check(
    check: Check,
    *,
    env: Env = Env.TEST,
    settings: Mapping[str, Any] | None = None,
    cwd: Path = Path("/nonexistent"),
    environ: Mapping[str, str] | None = None,
    **fakes: Any,
) -> Outcome:
    """Run one check once, in this process, and give its outcome as the gate would receive it.

    Args:
        check: The check.
        env: Where it believes to run.
        settings: Settings as in `preflight.toml`, nested.
        cwd: Folder of the project's own files, such as `.env.test`.
        environ: Variables the gate was started with.
        **fakes: Fields of `preflight.check.Context`, such as `open_redis` or `now`.

    Raises:
        UsageError: The settings are refused.
        preflight.worker.BadAnswerError: The outcome has fields of wrong types: the gate would call it ERROR.
        Exception: Whatever the check raises: the gate would call it ERROR.
    """
    ctx = Context(
        settings=load({**(settings or {}), "env": env.value}, environ={}, cwd=cwd),
        mode=Mode.REAL,
        run_id="20260101T000000Z-testing0",
        environ=environ or {},
        cwd=cwd,
        **fakes,
    )
    return decode(encode(check.run(ctx)))
