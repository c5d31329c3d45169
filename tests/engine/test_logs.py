from __future__ import annotations

import logging
import re

import pytest

from engine.logs import set_up


def test_lines_are_plain_and_without_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    """A record is one UTC line on stderr in which every known secret is masked, in tracebacks too."""
    set_up("info", ("hunter2", "hunter2-longer"))
    logger = logging.getLogger("engine.test")
    logger.debug("not shown")
    logger.info("with %s and %s", "hunter2", "hunter2-longer")
    try:
        raise ValueError("hunter2")
    except ValueError:
        logger.exception("failed")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "hunter2" not in captured.err
    assert "longer" not in captured.err
    first = captured.err.splitlines()[0]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ INFO engine\.test: with \*\*\* and \*\*\*", first)
