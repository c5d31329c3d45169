from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from babel.messages import Catalog

from preflight.language import speaker
from preflight.message import fields_of, message
from scripts.translations import LANGUAGES, compiled, extracted, po_file, read

KOREAN = {str(each.id): str(each.string) for each in read("ko") if each.id}
TEMPLATES = sorted(KOREAN)  # those of the source, as a test sees to; reading that takes long
ROOT = Path(__file__).parents[1]
HANGUL = re.compile("[가-힣]")
OLD_STYLE = re.compile(r"%\(\w+\)[rs]|%[rs]")
# Words of a language, not of a command, a setting or a path: three in a row are a part of a sentence.
SENTENCE = re.compile(r"(?<![-\w./`])(?:[a-z]{2,},? ){2,}[a-z]{2,}(?![-\w./(`])")
COMMANDS = re.compile(
    r"`[^`]*`|(?:preflight|git|ACL|CONFIG|GRANT|ALTER|redis-cli|timedatectl|chmod|mkdir|pip)[^가-힣.]*"
)


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


@pytest.fixture(scope="module")
def source() -> Catalog:
    return extracted()


def test_the_source_is_read(source: Catalog) -> None:
    """The templates are found: of checks, servers, exchanges, verdicts, the console and the alerts."""
    files = {name.split("/")[1] for each in source if each.id for name, _ in each.locations}
    assert {"checks", "servers", "exchange", "model.py", "runner.py", "render", "alerts", "config"} <= files
    assert len(TEMPLATES) > 500


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_untranslated_and_nothing_is_left_over(language: str, source: Catalog) -> None:
    """Catalogue and source hold the same templates, each with a translation; `make translations` sees to it."""
    known: Catalog = read(language)
    assert sorted(str(each.id) for each in known if each.id) == sorted(str(each.id) for each in source if each.id)
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
    assert sorted(OLD_STYLE.findall(string)) == sorted(OLD_STYLE.findall(template))  # as argparse fills its own
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


SPOKEN = {"tell", "complain", "trouble", "refused"}
# Errors whose text no person is told: a check judges by the class, and the text is the `actual` of the JSON report...
BY_CLASS = {"ForbiddenRequestError", "TooLargeError", "EndlessAnswerError", "InvalidResponse",
            "ConnectionError", "ConnectionResetError", "TimeoutError", "SSLError", "OperationalError"}  # fmt: skip
BUGS = {"ValueError", "RuntimeError"}  # ...and what only a mistake in this code raises; in settings a person makes it
SHOWN = {"description", "help", "epilog", "usage", "proves", "summary", "hint", "problem", "note"}
WORDS = re.compile(r"[A-Za-z]{2,} [a-z]+")
WRITERS = {"preflight/said.py": "the way out"}


def words_of(node: ast.expr) -> str:
    """Return what a literal, or the literal parts of an f-string, say in words; nothing for a value or a message."""
    if isinstance(node, ast.JoinedStr):
        return "«»".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def past_the_catalogue(path: Path) -> list[str]:
    """Return the places of a module where a sentence would reach a person in English only."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        said: list[ast.expr] = []
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name in SPOKEN or (name == "write" and str(path.relative_to(ROOT)) not in WRITERS):
                said += node.args
            said += [word.value for word in node.keywords if word.arg in SHOWN]
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            raised = node.exc.func
            name = raised.id if isinstance(raised, ast.Name) else getattr(raised, "attr", "")
            if name.endswith("Error") and name not in BY_CLASS | (BUGS if path.parent.name != "config" else set()):
                said += node.exc.args
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id in SHOWN:
            said += [node.value] if node.value is not None else []
        found += [f"{path.name}:{each.lineno}: {words_of(each)}" for each in said if WORDS.search(words_of(each))]
    return found


@pytest.mark.parametrize(
    "path", sorted((ROOT / "preflight").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT))
)
def test_no_sentence_goes_past_the_catalogue(path: Path) -> None:
    """Whatever is raised for a person, printed, or said of a check, a setting or an option is a message."""
    assert past_the_catalogue(path) == []


def test_what_goes_past_the_catalogue_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The measure sees literals and f-strings in each place where words come out."""
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    (tmp_path / "config").mkdir()
    path = tmp_path / "config" / "some.py"
    path.write_text(
        'raise UsageError(f"{path}: is not there")\n'
        'raise ValueError("is not there")\n'
        'raise AnyOtherError("is not there")\n'
        'raise InvalidResponse("is not there")\n'
        'sys.stdout.write("all is well\\n")\n'
        'x: int = Field(1, description="how many there are")\n'
        'class Check:\n    proves: str = "all is well"\n'
        'raise UsageError(message("{path}: is not there", path=path))\n'
        'sys.stdout.write(f"{key:{width}}  {value}\\n")\n',
        encoding="utf-8",
    )
    assert len(past_the_catalogue(path)) == 6
