"""The user's text: no line is missing, and each has its place here."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

from evidence import errors
from evidence.claims import seed, seed_map, table
from evidence.claims.seed import BEFORE, Line
from evidence.promote import places

ROOT = Path(__file__).parents[3]
LINES = seed.load().line
#: How many lines with words in them the two documents have, headings left out, and the last one of each.
COUNTS = {"D98_6_GAP_LIST.md": (110, 186), "design_card.md": (6, 7)}
#: What the design card names, by the module under which it is imported.
PACKAGES = {
    "pytest": "pytest",
    "pytest-docker": "pytest_docker",
    "testcontainers": "testcontainers",
    "prometheus-client": "prometheus_client",
    "requests": "requests",
    "redis": "redis",
    "psycopg2-binary": "psycopg2",
    "jsonschema": "jsonschema",
}


def test_no_line_is_missing() -> None:
    """Every line of both documents is there once, in their order."""
    for document, (count, last) in COUNTS.items():
        numbers = [line.number for line in LINES if line.document == document]
        assert (len(numbers), numbers[-1]) == (count, last)
        assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line.document}-{line.number}")
def test_each_place_exists(line: Line) -> None:
    """What a line of the seed names is in the tree where the table says."""
    assert [path for path in line.here if not (ROOT / path).exists()] == []


def test_each_line_stands_on_claims_that_exist() -> None:
    """No line is proved by a claim that is not in the table, and no claim is there that no line asks for."""
    assert list(seed.unknown_claims(seed.load(), table.load())) == []
    asked = {name for line in LINES for name in line.claims}
    assert {claim.id for claim in table.load().claim} - asked == {"counters-add-up"}  # beyond the seed


@pytest.mark.parametrize(
    "name",
    sorted({name for line in LINES for name in re.findall(r"`([\w./-]+\.(?:py|ya?ml|json|log|txt))`", line.text)}),
)
def test_a_file_that_the_seed_names_is_there_under_its_name(name: str) -> None:
    """The seed wins in names: a file it names is at that path, or promotion puts it there."""
    promoted = [str(places.FOLDER / target) for target in places.targets({"gates": {}, "stacks": {}})]
    here = [path for line in LINES if f"`{name}`" in line.text for path in line.here]
    assert [path for path in (*here, *promoted) if path.endswith(name)] != []


def test_the_named_packages_are_declared_and_imported() -> None:
    """Each package of the design card is a dependency, and some module imports it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = [*project["dependencies"], *project["optional-dependencies"]["acceptance"]]
    names = {re.split(r"[^\w-]", one)[0] for one in declared}
    imported = {
        module.partition(".")[0]
        for folder in ("preflight", "acceptance", "evidence", "engine", "tests")
        for path in (ROOT / folder).rglob("*.py")
        for module in _imports(path)
    }
    assert PACKAGES.keys() - names == set()
    assert set(PACKAGES.values()) - imported == set()


def test_the_page_is_in_step() -> None:
    """`python -m evidence.claims` would change nothing."""
    assert (ROOT / seed_map.PAGE).read_text(encoding="utf-8") == seed_map.render(seed.load())


def test_lines_are_counted_from_one(tmp_path: Path) -> None:
    """As an editor does: there is no line 0."""
    path = tmp_path / "seed.toml"
    path.write_text(
        f"[[line]]\ndocument='a'\nnumber=0\nsection='s'\ntext='t'\nhere=['x']\nclaims=[]\nkind='{BEFORE}'\n"
    )
    seed.load.cache_clear()
    with pytest.raises(errors.ClaimsError, match="number"):
        seed.load(path)
    seed.load.cache_clear()


def test_a_line_without_a_claim_is_an_error(tmp_path: Path) -> None:
    """Only what tells how things stood at the start needs no proof."""
    path = tmp_path / "seed.toml"
    row = "[[line]]\ndocument='a'\nnumber=1\nsection='s'\ntext='t'\nhere=['x']\nclaims=[]\nkind='{}'\n"
    path.write_text(row.format("rule"))
    with pytest.raises(errors.ClaimsError, match="line 1 has no place here or no claim: t"):
        seed.load(path)
    path.write_text(row.format(BEFORE))
    seed.load.cache_clear()
    assert len(seed.load(path).line) == 1


def _imports(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.append(node.module)
    return found
