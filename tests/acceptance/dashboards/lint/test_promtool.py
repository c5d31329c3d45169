from __future__ import annotations

from pathlib import Path

import pytest

from acceptance.dashboards.lint import promtool
from acceptance.dashboards.lint.promtool import PromtoolError


def program(folder: Path, body: str) -> Path:
    path = folder / "promtool"
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_arguments_and_input_reach_it(tmp_path: Path) -> None:
    """Each check calls promtool with its arguments, and a page goes to its standard input."""
    echo = program(tmp_path, 'echo "$@"; cat')

    assert promtool.check_config(echo, Path("p.yml")) == "check config --lint=all --lint-fatal p.yml"
    assert promtool.test_rules(echo, [Path("a.yml"), Path("b.yml")]) == "test rules a.yml\ntest rules b.yml"
    assert promtool.check_metrics(echo, "up 1\n") == "check metrics\nup 1"


def test_what_it_says_is_in_the_error(tmp_path: Path) -> None:
    """A failing promtool raises with its arguments, exit code and words."""
    broken = program(tmp_path, "echo '  FAILED: parse error' >&2; exit 3")

    with pytest.raises(PromtoolError, match=r"check metrics exited with 3:\nFAILED: parse error"):
        promtool.check_metrics(broken, "up{")


def test_no_program_and_no_tests_are_errors(tmp_path: Path) -> None:
    """A missing promtool, or nothing to test, is an error and not a success."""
    with pytest.raises(PromtoolError, match="could not be run"):
        promtool.check_config(tmp_path / "gone", Path("p.yml"))
    with pytest.raises(PromtoolError, match="no promtool tests"):
        promtool.test_rules(tmp_path / "gone", [])
