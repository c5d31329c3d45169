from __future__ import annotations

import ast
import re
import string
from itertools import count
from pathlib import Path

import pytest

from preflight.alerts import __file__ as alerts_file
from preflight.record import ledgerfile, textfile
from preflight.record.catalogue import LABEL_VALUES
from preflight.render import console
from preflight.render.korean import CATALOGUE, translate
from preflight.render.korean_exchange import EXCHANGE_HINTS
from preflight.render.korean_hints import HINTS
from preflight.render.korean_phrases import PHRASES, REASONS
from preflight.render.korean_servers import SERVER_HINTS
from tests.preflight.render.hint_templates import Module, UnknownHintError, hint_templates, raw, raw_templates

PACKAGE = Path(console.__file__).parents[1]
KOREAN_HINTS = {**HINTS, **EXCHANGE_HINTS, **SERVER_HINTS}
EVERYTHING = {**KOREAN_HINTS, **REASONS, **PHRASES}
HANGUL = re.compile("[가-힣]")
# Where a run's reasons, notes and an alert's reasons come from.
SPEAKERS = [
    PACKAGE / name
    for name in (
        "model.py",
        "gate.py",
        "conclusion.py",
        *(f"record/{name}.py" for name in ("ledger", "ledgerfile", "schema", "textfile")),
        *(f"config/{name}.py" for name in ("plain_http", "sources", "weakened")),
    )
] + sorted((PACKAGE / "launch").glob("*.py"))


def fields(template: str) -> list[str]:
    """Give the names of a template's values, "" where it is the next one."""
    return [name for _, name, _, _ in string.Formatter().parse(template) if name is not None]


def filled(template: str) -> tuple[str, tuple[str, ...]]:
    """Put values that stand nowhere else into a template."""
    number = count()
    values = tuple(f"/v{next(number)}/x y" for _ in fields(template))
    return template.format(*values), values


def test_every_hint_has_its_korean() -> None:
    """Each hint that the source can give has a Korean entry, and no entry is for a hint that nobody gives."""
    made = hint_templates(PACKAGE)
    assert {template: where for template, where in made.items() if template not in KOREAN_HINTS} == {}
    assert sorted(set(KOREAN_HINTS) - set(made)) == []
    assert len(made) > 100  # the reader of the source has not gone blind


@pytest.mark.parametrize(("english", "korean"), EVERYTHING.items())
def test_entry_is_sound(english: str, korean: str) -> None:
    """The Korean takes the values that the English takes, each once, is Korean, and puts no particle after a value."""
    names = fields(korean)
    assert len(names) == len(fields(english))
    assert names == [""] * len(names) or sorted(names) == [str(index) for index in range(len(names))]
    assert HANGUL.search(korean)
    assert not re.search(r"\}`?(을|를|이|가|은|는|으로|로|와|과)(?![가-힣])", korean)


@pytest.mark.parametrize("template", CATALOGUE)
def test_finished_sentence_finds_its_own_template(template: str) -> None:
    """A sentence made from a template becomes that template's Korean with the same values, whatever else might fit."""
    sentence, values = filled(template)
    assert translate(sentence) == CATALOGUE[template].format(*values)


def said_by_console() -> set[str]:
    """Give each template that `console` says."""
    tree = ast.parse(Path(console.__file__).read_text(encoding="utf-8"))
    calls = [
        node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) in {"say", "voice.say"}
    ]
    constants = {raw(call.args[0]) for call in calls}
    others = {ast.unparse(call.args[0]) for call in calls if not raw(call.args[0])}
    assert others == {"_MEANING[decision.verdict]", "item.outcome"}
    return (constants - {""}) | set(console._MEANING.values()) | set(LABEL_VALUES["outcome"])


def test_every_phrase_of_the_console_has_its_korean() -> None:
    """What the console says itself is in the table of phrases, and nothing else is."""
    assert said_by_console() == set(PHRASES)


def test_no_reason_is_left_from_former_times() -> None:
    """Each known reason or note still stands in the source that says it."""
    sources = [*SPEAKERS, *Path(alerts_file).parent.glob("*.py")]
    assert set(REASONS) - set().union(*map(raw_templates, sources)) == set()


def test_every_error_of_recording_has_its_korean() -> None:
    """Each error that makes a run UNRECORDED is known, and so is each piece of advice in it."""
    raised = {"LedgerError", "LedgerLockedError", "TextfileError", "kind"}
    found = set()
    for path in SPEAKERS:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in raised:
                found.add(raw(node.args[0]))
    assert found - set(REASONS) == set()
    assert len(found) > 5
    for advice in (*ledgerfile._ADVICE.values(), *textfile._REASONS.values()):
        assert HANGUL.search(translate(advice))


SAMPLE = """
TABLE = {"a": (1, "from a table"), "b": (2, f"from {x} table")}
ROWS = ((1, "row one"), (2, "row two"))
LOW = "low"
def one(given, key):
    what, hint = TABLE.get(key, (0, "by default"))
    Outcome(hint=hint)
    for number, words in ROWS:
        Outcome(hint=words)
    Outcome(hint=f"{LOW} and {key} and {given:g}" if key else "")
    Outcome(hint=given)
def two():
    one("passed " + "on", 1)
    Outcome(hint=other.hint)
"""


def test_reader_of_the_source() -> None:
    """Hints are found in tables, loops, branches, parameters and f-strings, where a part of the sentence is put in."""
    assert {text for text, _ in Module("sample.py", SAMPLE).hints()} == {
        "from a table",
        "from {} table",
        "by default",
        "row one",
        "row two",
        "low and {} and {}",
        "passed on",
    }


@pytest.mark.parametrize("hint", ["make_it()", "names[0]", "nowhere", "' or '.join(parts)"])
def test_reader_that_does_not_understand_says_so(hint: str) -> None:
    """A hint made in an unknown way is an error that names the line, not a hint that is passed over."""
    with pytest.raises(UnknownHintError, match=r"sample\.py:1: "):
        list(Module("sample.py", f"Outcome(hint={hint})").hints())
