from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest

from supply import __main__ as command
from supply import table
from supply.check import faults
from supply.installed import Installed, installed, read
from supply.licences import Justification, Licences, Standing, load, standing
from supply.locks import parts
from supply.part import Kind, Part, SupplyError

pytestmark = pytest.mark.leg("pure")  # it reads names of servers, and starts none
ROOT = Path(__file__).parents[2]
REASON = Justification(english="because", korean="그래서")


def part(kind: Kind = "pypi", name: str = "one", **more: object) -> Part:
    usual = Part(kind=kind, name=name, version="1", hashes=frozenset({"sha256:aa"}), pinned_by="requirements.lock")
    return replace(usual, **more)  # type: ignore[arg-type] # a test's own words


def found(one: Part, licence: str, *, reason: bool = False, here: tuple[Installed, ...] = ()) -> list[str]:
    licences = Licences(expressions={one.key: licence} if licence else {}, reasons={one.key: REASON} if reason else {})
    return list(faults([one], licences, here))


def test_this_checkout_is_without_fault() -> None:
    """What is committed holds against the locks and against what is installed."""
    assert list(faults(parts(ROOT), load(), installed())) == []
    assert table.page(parts(ROOT), load()) == (ROOT / table.PAGE).read_text(encoding="utf-8")


def test_what_is_permissive_and_pinned_is_right() -> None:
    assert found(part(), "MIT OR SSPL-1.0") == []


@pytest.mark.parametrize(
    ("one", "licence", "reason", "words"),
    [
        (part(), "", False, "has no licence"),
        (part(), "AGPL-3.0-only", True, "may not be here"),
        (part(), "SSPL-1.0", True, "may not be here"),
        (part(), "MIT AND SSPL-1.0", True, "may not be here"),
        (part(), "GPL-2.0-only", True, "may not be here"),
        (part(), "Home-Made-1.0", True, "may not be here"),
        (part(), "MIT and and", True, "may not be here"),
        (part("debian"), "AGPL-3.0-only", True, "may not be here"),
        (part(), "MPL-2.0", False, "no reason is given"),
        (part(), "LGPL-3.0-or-later", False, "no reason is given"),
        (part("image"), "AGPL-3.0-only", False, "no reason is given"),
        (part(), "MIT", True, "still has a reason"),
        (part(hashes=frozenset()), "MIT", False, "has no hash"),
        (part(version=""), "MIT", False, "has no exact version"),
        (part("npm", hashes=frozenset()), "MIT", False, "has no hash"),
        (part("npm", licence="SSPL-1.0"), "", False, "may not be here"),
        (part("go", hashes=frozenset()), "MIT", False, "has no hash"),
    ],
)
def test_what_may_not_be_is_red(one: Part, licence: str, reason: bool, words: str) -> None:
    """Each fault is one sentence that names the part."""
    (sentence,) = found(one, licence, reason=reason)
    assert one.key in sentence
    assert words in sentence


@pytest.mark.parametrize(
    ("kind", "licence", "expected"),
    [
        ("pypi", "MPL-2.0 OR Apache-2.0", Standing.PERMISSIVE),
        ("pypi", "MIT AND MPL-2.0", Standing.NAMED),
        ("pypi", "MIT AND (MPL-2.0 OR SSPL-1.0)", Standing.NAMED),
        ("debian", "GPL-2.0-only", Standing.NAMED),
        ("go", "GPL-2.0-only", Standing.REFUSED),
        ("pypi", "", Standing.REFUSED),
    ],
)
def test_or_takes_the_best_and_and_the_worst(kind: Kind, licence: str, expected: Standing) -> None:
    assert standing(licence, kind) is expected


def distribution(**fields: str) -> metadata.Distribution:
    """Stand in for an installed package with these metadata."""

    class One(metadata.Distribution):
        def read_text(self, filename: str) -> str | None:
            assert filename in {"METADATA", "PKG-INFO", ""}
            return "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in fields.items())

        def locate_file(self, path: object) -> Path:
            return Path(str(path))

    return One()


@pytest.mark.parametrize(
    "fields",
    [
        {"License_Expression": "AGPL-3.0-only"},
        {"License_Expression": "MIT AND SSPL-1.0"},
        {"License": "GPL-3.0"},
        {"Classifier": "License :: OSI Approved :: GNU Affero General Public License v3"},
    ],
)
def test_an_installed_package_that_says_otherwise_is_red(fields: dict[str, str]) -> None:
    """A new version may come under another licence: its own metadata tell."""
    here = read([distribution(Name="One", Version="1", **fields)])
    (sentence,) = found(part(), "MIT", here=here)
    assert "the installed package says" in sentence


@pytest.mark.parametrize("fields", [{}, {"License": "MIT License"}, {"License_Expression": "MIT"}])
def test_an_installed_package_that_agrees_or_says_nothing_is_right(fields: dict[str, str]) -> None:
    assert found(part(), "MIT", here=read([distribution(Name="One", Version="1", **fields)])) == []


def test_a_row_for_nothing_leaves_the_table() -> None:
    licences = Licences(expressions={"pypi:one": "MIT", "pypi:gone": "MIT"}, reasons={"go:gone": REASON})
    sentences = list(faults([part()], licences, ()))
    assert [sentence.split()[2] for sentence in sentences] == ["go:gone,", "pypi:gone,"]


def test_an_npm_lock_that_says_otherwise_is_red() -> None:
    (sentence,) = faults([part("npm", licence="ISC")], Licences(expressions={"npm:one": "MIT"}, reasons={}), ())
    assert "requirements.lock says ISC" in sentence


def test_no_part_at_all_is_red(tmp_path: Path) -> None:
    """An empty folder proves nothing."""
    assert next(faults(parts(tmp_path), load(), ())).startswith("no part was found")


def _lose_a_hash(text: str) -> str:
    head, tail = text.split("\nrich==", 1)
    rest = tail[tail.index("    # via") :]
    return f"{head}\nrich==15.0.0\n{rest}"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text, ""),
        (_lose_a_hash, "pypi:rich 15.0.0 has no hash"),
        (lambda text: f"{text}\nstranger==1 \\\n    --hash=sha256:{'0' * 64}\n", "pypi:stranger has no licence"),
        (lambda text: text.replace("\nrich==15.0.0", "\nrich==15.0.1"), "run `python -m supply renew`"),
    ],
    ids=["untouched", "a hash less", "a stranger", "another version"],
)
def test_the_step_of_the_gate_turns_red(
    tmp_path: Path, change: Callable[[str], str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command that `gate fast` runs, on a copy of all that it reads."""
    for name in {each.pinned_by for each in parts(ROOT)} | {"docs/supply.md", "docker/components/prometheus/go.sum"}:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / name)
    lock = tmp_path / "requirements.lock"
    lock.write_text(change(lock.read_text(encoding="utf-8")), encoding="utf-8")
    assert command.main(["check"], project=tmp_path) == (1 if words else 0)
    assert words in capsys.readouterr().out


@pytest.mark.parametrize("text", ["[pypi]\nrich = 1\nx", "[cpan]\n", '[[named]]\nparts = ["pypi:one"]\n', "pypi = 1\n"])
def test_a_table_that_is_none_is_an_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "licences.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SupplyError):
        load(path)
