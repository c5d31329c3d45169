"""Runs promtool over the monitoring files: the judge of what is valid to Prometheus."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

__all__ = ["PromtoolError", "check_config", "check_metrics", "check_rules", "test_rules"]

TIMEOUT = 100  # seconds; the rules' tests take about five


class PromtoolError(Exception):
    """promtool found something wrong; the message holds what it said."""


def check_config(promtool: Path, config: Path) -> str:
    """Check prometheus.yml and the rule and target files it names.

    Raises:
        PromtoolError: Anything is invalid, or a rule is there twice.
    """
    return _run(promtool, ["check", "config", "--lint=all", "--lint-fatal", str(config)])


def check_rules(promtool: Path, rules: Path) -> str:
    """Check one file of rules.

    Raises:
        PromtoolError: Anything is invalid.
    """
    return _run(promtool, ["check", "rules", "--lint=none", str(rules)])


def test_rules(promtool: Path, tests: Sequence[Path]) -> str:
    """Run the unit tests of the rules.

    Raises:
        PromtoolError: Tests fail, each file's failures told, or there is none.
    """
    if not tests:
        raise PromtoolError("there are no promtool tests to run")
    with ThreadPoolExecutor() as pool:  # a process for each file: one takes as long as all others together
        running = [pool.submit(_run, promtool, ["test", "rules", str(path)]) for path in tests]
    failures = [str(error) for one in running if (error := one.exception()) is not None]
    if failures:
        raise PromtoolError("\n".join(failures))
    return "\n".join(one.result() for one in running)


def check_metrics(promtool: Path, text: str) -> str:
    """Check a page or ``.prom`` file in the exposition format, its naming and HELP texts included.

    Raises:
        PromtoolError: It is malformed, or promtool advises against something in it.
    """
    return _run(promtool, ["check", "metrics"], text)


def _run(promtool: Path, arguments: Sequence[str], text: str | None = None) -> str:
    try:
        done = subprocess.run(
            [str(promtool), *arguments],
            input=text,
            stdin=subprocess.DEVNULL if text is None else None,
            capture_output=True,
            text=True,
            # A third less CPU time: it collects its garbage less often, and each file has a process of its own anyway.
            env={"GOGC": "400", "GOMAXPROCS": "1", **os.environ},
            timeout=TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PromtoolError(f"promtool {' '.join(arguments)} could not be run: {error}") from error
    said = (done.stdout + done.stderr).strip()
    if done.returncode != 0:
        raise PromtoolError(f"promtool {' '.join(arguments)} exited with {done.returncode}:\n{said}")
    return said
