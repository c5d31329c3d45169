from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from babel.messages import Catalog

from preflight.language import speaker
from preflight.message import fields_of, message
from scripts.translations import LANGUAGES, compiled, extracted, po_file, read

SOURCE = extracted()
TEMPLATES = sorted(str(each.id) for each in SOURCE if each.id)
KOREAN = {str(each.id): str(each.string) for each in read("ko") if each.id}
ROOT = Path(__file__).parents[1]
HANGUL = re.compile("[가-힣]")
# Words of a language, not of a command, a setting or a path: three in a row are a part of a sentence.
SENTENCE = re.compile(r"(?<![-\w./`])(?:[a-z]{2,},? ){2,}[a-z]{2,}(?![-\w./(`])")
COMMANDS = re.compile(r"`[^`]*`|(?:preflight|git|ACL|CONFIG|GRANT|ALTER|redis-cli|timedatectl|chmod|mkdir|pip)[^가-힣.]*")


def parts(template: str) -> list[str]:
    """Return the values that a template takes, each as it is written, sorted."""
    return sorted(set(re.findall(r"\{[^{}]*\}", template)))


def samples(template: str) -> dict[str, object]:
    """Return a value for each field: a number where the format asks for one."""
    found: dict[str, object] = {}
    for name in fields_of(template):
        number = re.search(rf"\{{{name}:[^}}]*[fgd]\}}", template)
        found[name] = 7 if number else f"«{name}»"
    return found


def test_the_source_is_read() -> None:
    """The templates are found: of checks, servers, exchanges, verdicts, the console and the alerts."""
    files = {name.split("/")[1] for each in SOURCE if each.id for name, _ in each.locations}
    assert {"checks", "servers", "exchange", "model.py", "runner.py", "render", "alerts", "config"} <= files
    assert len(TEMPLATES) > 500


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_untranslated_and_nothing_is_left_over(language: str) -> None:
    """Catalogue and source hold the same templates, each with a translation; `make translations` sees to it."""
    known: Catalog = read(language)
    assert sorted(str(each.id) for each in known if each.id) == TEMPLATES
    assert [each.id for each in known if each.id and (not each.string or each.fuzzy)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_read_at_run_time_is_what_was_translated(language: str) -> None:
    """The compiled catalogue is made from the one in git."""
    assert po_file(language).with_suffix(".mo").read_bytes() == compiled(read(language))


@pytest.mark.parametrize("template", TEMPLATES)
def test_each_message_in_both_languages(template: str) -> None:
    """In English and in Korean a message has all its values; the Korean one has no English sentence in it."""
    values = samples(template)
    english = message(template, **values)
    korean = speaker("ko")(english)
    for value in values.values():
        assert str(value) in english
        assert str(value) in korean
    bare = re.sub("«[^»]*»", "«»", korean)
    assert HANGUL.search(bare) or not SENTENCE.search(template)
    assert SENTENCE.findall(COMMANDS.sub("", bare)) == []


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_translation_is_sound(template: str) -> None:
    """It takes its values in the same form, and puts no particle, which depends on the sound before, after one."""
    string = KOREAN.get(template, "")
    assert parts(string) == parts(template)
    assert not re.search(r"\}`?(을|를|이|가|은|는|으로|로|와|과)(?![가-힣])", string)


def test_every_message_is_given_its_values() -> None:
    """A template that is not given exactly what it takes would raise, and where errors are told at that."""
    calls = [
        (path, node)
        for path in sorted((ROOT / "preflight").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "message"
    ]
    known = [
        (f"{path.name}:{node.lineno}", str(node.args[0].value), {word.arg for word in node.keywords})
        for path, node in calls
        if isinstance(node.args[0], ast.Constant) and all(word.arg is not None for word in node.keywords)
    ]
    wrong = [f"{place}: {text}" for place, text, given in known if set(fields_of(text)) != given]
    assert len(known) > 300
    assert wrong == []
