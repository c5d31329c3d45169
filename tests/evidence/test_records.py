from __future__ import annotations

from pathlib import Path

import pytest

from evidence import errors, records


def test_a_test_that_failed_and_broke_counts_once(tmp_path: Path) -> None:
    """JUnit XML writes such a test twice; it is one test, failed."""
    case = '<testcase classname="a" name="x">'
    (tmp_path / "junit.xml").write_text(
        f"<testsuites><testsuite>{case}<failure/></testcase>{case}<error/></testcase>"
        '<testcase classname="b" name="x"/></testsuite></testsuites>'
    )
    assert records.junit(tmp_path) == records.JUnit(failed=1, error=0, skipped=0, plain=1)


@pytest.mark.parametrize("content", ["[]", "{}", '{"selected": []}', "x"])
def test_a_list_of_tests_that_is_none_is_an_error(tmp_path: Path, content: str) -> None:
    """Without the list of tests nothing can be counted."""
    (tmp_path / "collection.json").write_text(content)
    with pytest.raises(errors.DocumentError, match=r"collection\.json does not list the tests"):
        records.counts(tmp_path)


def test_a_report_log_line_that_is_no_object_is_an_error(tmp_path: Path) -> None:
    """The line is named."""
    (tmp_path / "collection.json").write_text('{"selected": [], "deselected": []}')
    (tmp_path / "reportlog.jsonl").write_text("{}\n[]\n")
    with pytest.raises(errors.DocumentError, match="line 2 is no JSON object"):
        records.counts(tmp_path)
