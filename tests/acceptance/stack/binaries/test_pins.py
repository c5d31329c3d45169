from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from acceptance.stack.binaries import build, pins, recipes
from acceptance.stack.binaries.component import ComponentError
from acceptance.stack.binaries.recipes import GO, RECIPES, Recipe


def test_any_byte_changes_the_hash(tmp_path: Path) -> None:
    """A changed, added or renamed pin file, or another flag, is another component; the same content is the same one."""
    (tmp_path / "go.mod").write_text("one")
    first = pins.pin_hash(tmp_path, {"tags": "a"})
    assert pins.pin_hash(tmp_path, {"tags": "b"}) != first
    (tmp_path / "go.sum").write_text("")
    second = pins.pin_hash(tmp_path, {"tags": "a"})
    (tmp_path / "go.sum").rename(tmp_path / "go.sun")
    third = pins.pin_hash(tmp_path, {"tags": "a"})
    (tmp_path / "go.mod").write_text("two")
    fourth = pins.pin_hash(tmp_path, {"tags": "a"})
    assert len({first, second, third, fourth}) == 4
    (tmp_path / "go.mod").write_text("one")
    (tmp_path / "go.sun").unlink()
    assert pins.pin_hash(tmp_path, {"tags": "a"}) == first


def test_no_pins(tmp_path: Path) -> None:
    """Without pin files nothing is built."""
    with pytest.raises(ComponentError, match="run from a whole checkout"):
        pins.pin_hash(tmp_path / "absent", {})


@pytest.mark.parametrize("recipe", [*RECIPES, GO], ids=lambda recipe: recipe.name)
def test_committed_pins(recipe: Recipe) -> None:
    """Every committed pin is an exact version with hashes and names no address."""
    assert re.fullmatch(rf"{recipe.name}-[0-9a-f]{{16}}", recipes.key(recipe)[0])
    texts = {path.name: path.read_text() for path in recipe.pins.rglob("*") if path.is_file()}
    assert not any(re.search(r"https?://", text) for text in texts.values())
    if recipe.source == "wheel":
        text = texts["requirements.txt"]
        assert "==" in pins.wheel_pin(recipe.pins / "requirements.txt")
        assert len(re.findall(r"^[\w.-]+==", text, re.MULTILINE)) == 1
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", text)
    elif recipe.source == "npm":
        wanted = json.loads(texts["package.json"])["dependencies"]
        locked = json.loads(texts["package-lock.json"])["packages"]
        assert all(re.fullmatch(r"(npm:@grafana/data@)?\d+\.\d+\.\d+", version) for version in wanted.values())
        assert all(re.match(r"sha512-", one["integrity"]) for name, one in locked.items() if name)
        assert not any("resolved" in one for one in locked.values())
    else:
        assert pins.go_line(recipe.pins / "go.mod") >= (1, 26)
        assert " h1:" in texts["go.sum"]


def test_versions_from_pins() -> None:
    """The versions that the built programs must report follow from the pins."""
    go_mod = pins.PINS / "prometheus" / "go.mod"
    assert build.release(pins.module_version(go_mod, build.PROMETHEUS)).startswith("3.13.")
    assert build.release(pins.module_version(go_mod, build.NODE_EXPORTER)).startswith("1.12.")


@pytest.mark.parametrize(
    ("module", "expected"), [("v0.313.5", "3.13.5"), ("v0.400.0", "4.0.0"), ("v1.12.1", "1.12.1"), ("v3.0.1", "3.0.1")]
)
def test_release(module: str, expected: str) -> None:
    """Prometheus' Go tags are turned into its release numbers, others stay."""
    assert build.release(module) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("v3.13.5-rc.1", (3, 13, 5)), ("18.6", (18, 6)), ("16beta1", (16,)), ("x", ())]
)
def test_numbers(text: str, expected: tuple[int, ...]) -> None:
    """The leading numbers of a version are compared as numbers."""
    assert pins.numbers(text) == expected
