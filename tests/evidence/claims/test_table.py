from __future__ import annotations

import ast
from pathlib import Path

import pytest

from evidence import errors
from evidence.claims import table

ROOT = Path(__file__).parents[3]
CLAIM = "[[claim]]\nid='a'\nsection='s'\nen='a claim in English'\nko='우리 주장'\ntests=['tests/x.py::test_x']\n"
CRITERION = "[[criterion]]\nid='AC-1'\nen='a criterion in English'\nko='한국어 조건'\nclaims=['a']\n"
TESTS = sorted({test for claim in table.load().claim for test in claim.tests})


@pytest.mark.parametrize("test", TESTS)
def test_each_test_that_a_claim_names_exists(test: str) -> None:
    """A renamed or deleted test is found here, before a bundle cannot be sealed."""
    path, _, name = test.partition("::")
    module = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    assert name in {node.name for node in module.body if isinstance(node, ast.FunctionDef)}


def test_ac_2_stands_on_grafana() -> None:
    """What is said of the panels says what served them."""
    claims = {claim.id: claim for claim in table.load().claim}
    (criterion,) = (one for one in table.load().criterion if one.id == "AC-2")
    assert all("grafana" in claims[name].about for name in criterion.claims)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "claim: Field required"),
        ("x = ", "cannot be read"),
        (CLAIM, "criterion: Field required"),
        (CLAIM.replace("tests=['tests/x.py::test_x']", "") + CRITERION, "claim a: .*names no test, gate or git fact"),
        (CLAIM.replace("::test_x", "") + CRITERION, "claim a: .*does not name a test function"),
        (CLAIM.replace("::test_x", "::test_x[a]") + CRITERION, "claim a: .*without a case"),
        (CLAIM + "about=['kafka']\n" + CRITERION, "claim a, about, 0: "),
        (CLAIM + "gates=['slow']\n" + CRITERION, "claim a, gates, 0: "),
        (CLAIM + "proof='none'\n" + CRITERION, "claim a, proof: Extra inputs"),
        (CLAIM + CLAIM + CRITERION, "is there twice: a"),
        (CLAIM.replace("우리 주장", "주장이다") + CRITERION, "claim a, ko: "),
        (f"claim=[{{{', '.join(CLAIM.splitlines()[1:])}}}, 2]\n{CRITERION}", "claim 2: "),
        (CLAIM + CLAIM.replace("id='a'", "about=[]") + CRITERION, "claim 2, id: Field required"),
        (CLAIM + CRITERION + CRITERION, "is there twice: AC-1"),
        (CLAIM + CRITERION.replace("['a']", "['a', 'b']"), "no such claim: b"),
    ],
)
def test_a_table_that_proves_nothing_is_refused(text: str, said: str, tmp_path: Path) -> None:
    """One sentence names the file, the row and the fault."""
    path = tmp_path / "claims.toml"
    path.write_text(text, encoding="utf-8")
    table.load.cache_clear()
    with pytest.raises(errors.ClaimsError, match=rf"claims\.toml.*{said}"):
        table.load(path)


def test_a_table_that_is_missing_is_refused(tmp_path: Path) -> None:
    """Without a table nothing is claimed, and nothing may look proven."""
    with pytest.raises(errors.ClaimsError, match="cannot be read"):
        table.load(tmp_path / "gone.toml")
