from __future__ import annotations

from pathlib import Path

import pytest

from engine.reference import metrics_table, settings_table

DOCS = Path(__file__).parents[2] / "docs" / "engine.md"


@pytest.mark.parametrize(("name", "table"), [("settings", settings_table()), ("metrics", metrics_table())])
def test_the_docs_say_what_the_code_does(name: str, table: str) -> None:
    """The tables in docs/engine.md are the generated ones."""
    text = DOCS.read_text(encoding="utf-8")
    shown = text.split(f"<!-- {name} -->\n")[1].split(f"\n<!-- /{name} -->")[0]
    assert shown == table
