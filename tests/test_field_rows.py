from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROWS = (*(f"{kind}{number}" for kind in "GX" for number in range(1, 22)), "M1", "M2", "M10", "M11", "M12", "M14", "M15")


@pytest.fixture(scope="module")
def tests() -> str:
    """All tests but these, and promtool's."""
    files = (*(ROOT / "tests").rglob("*.py"), *(ROOT / "monitoring" / "prometheus" / "tests").glob("*.yml"))
    return "\n".join(path.read_text(encoding="utf-8") for path in files if path != Path(__file__))


@pytest.mark.parametrize("row", ROWS)
def test_each_row_of_the_field_reports_has_a_test(row: str, tests: str) -> None:
    """What people met is found by its number: in a test's name, or beside the row of a table of tests."""
    assert re.search(rf"def test_{row.lower()}_|\b{row}\b", tests)
