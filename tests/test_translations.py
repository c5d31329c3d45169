from __future__ import annotations

import ast
import re
from collections.abc import Iterator
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


def wrong_in_either_language(template: str) -> Iterator[str]:
    """Say what a message lacks, or has too much, once it is filled in and told in English and in Korean."""
    values = samples(template)
    english = message(template, **values)
    korean = speaker("ko")(english)
    for value in map(str, values.values()):
        yield from (f"{value} is not in {text!r}" for text in (english, korean) if value not in text)
    bare = re.sub("«[^»]*»", "«»", korean)
    if SENTENCE.search(template) and not HANGUL.search(bare):
        yield f"{korean!r} is not Korean"
    yield from (f"{words!r} in {korean!r} is English" for words in SENTENCE.findall(COMMANDS.sub("", bare)))


def wrong_in_a_translation(template: str, string: str) -> Iterator[str]:
    """Say where a translation takes other values, or puts a particle, which depends on the sound before, after one."""
    if parts(string) != parts(template):
        yield f"{string!r} takes {parts(string)}, {template!r} takes {parts(template)}"
    if sorted(OLD_STYLE.findall(string)) != sorted(OLD_STYLE.findall(template)):  # as argparse fills its own
        yield f"{string!r} takes other values than {template!r}"
    if found := re.search(r"\}`?(을|를|이|가|은|는|으로|로|와|과)(?![가-힣])", string):
        yield f"{found[0]!r} in {string!r}: a particle after a value"


# Not a test for each of a thousand messages: they were a quarter of all tests, and took longer to count than to run.
def test_each_message_in_both_languages() -> None:
    """In English and in Korean a message has all its values; the Korean one has no English sentence in it."""
    assert [wrong for template in TEMPLATES for wrong in wrong_in_either_language(template)] == []


def test_a_translation_is_sound() -> None:
    """It takes its values in the same form, and puts no particle after one."""
    assert [wrong for template in TEMPLATES for wrong in wrong_in_a_translation(template, KOREAN[template])] == []


@pytest.mark.parametrize(
    ("korean", "wrong"),
    [
        ("«{count}»개를 찾지 못함", []),
        ("«{number}»개를 찾지 못함", ["takes ['{number}']"]),
        ("{count}를 찾지 못함", ["}를"]),
        ("%(prog)s: {count}개를 찾지 못함", ["takes other values"]),
    ],
    ids=["sound", "another value", "a particle", "one more"],
)
def test_what_is_not_sound_is_found(korean: str, wrong: list[str]) -> None:
    """A value of another name, a particle after one, and one more to be filled in are each told."""
    found = list(wrong_in_a_translation("{count} are not found", korean))
    assert len(found) == len(wrong)
    assert all(words in text for words, text in zip(wrong, found, strict=True))


def test_what_is_english_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A translation that forgets a value, or keeps a sentence of the source, is told."""
    template = "{count} of them are not found"
    said = {
        "{count}개를 찾지 못함": [],
        "찾지 못함": ["«count» is not in '찾지 못함'"],
        "{count} of them are not found": ["is not Korean", "is English"],
        "{count}개: some words are left": ["'some words are left' in"],
    }
    for string, wrong in said.items():
        monkeypatch.setattr(f"{__name__}.speaker", lambda _, string=string: lambda each: string.format(**each.values))
        found = list(wrong_in_either_language(template))
        assert len(found) == len(wrong), found
        assert all(words in text for words, text in zip(wrong, found, strict=True)), found


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


def test_no_sentence_goes_past_the_catalogue() -> None:
    """Whatever is raised for a person, printed, or said of a check, a setting or an option is a message."""
    modules = sorted((ROOT / "preflight").rglob("*.py"))
    assert len(modules) > 100
    assert [found for path in modules for found in past_the_catalogue(path)] == []


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
