"""Keeps the catalogue of translations in step with the source: `make translations`.

Reads every `message(...)` and `template(...)` of preflight with Babel, brings `preflight/locale/<language>` up to date
and compiles it. What is new has no translation yet, which a test refuses; what no source says any more is dropped.
"""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stderr
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "preflight"
KEYWORDS = {"message": (1,), "template": (1,)}
LANGUAGES = ("ko",)


def extracted() -> Catalog:
    """Return the templates of the source, each with the files that hold it."""
    catalogue = Catalog(project="preflight", charset="utf-8")
    for path in sorted(PACKAGE.rglob("*.py")):
        with redirect_stderr(io.StringIO()):  # it complains of f-strings: those are values, and not to be translated
            found = list(extract_from_file("python", path, keywords=KEYWORDS))
        for _, text, _, _ in found:
            name = text if isinstance(text, str) else text[0]
            catalogue.add(name, locations=[(str(path.relative_to(ROOT)), 1)])
    return catalogue


def po_file(language: str) -> Path:
    """Return where the translations of a language are."""
    return PACKAGE / "locale" / language / "LC_MESSAGES" / "preflight.po"


def read(language: str) -> Catalog:
    """Read the translations of a language."""
    with po_file(language).open("rb") as file:
        return read_po(file, locale=language)


def compiled(catalogue: Catalog) -> bytes:
    """Return what gettext reads at run time."""
    target = io.BytesIO()
    write_mo(target, catalogue)
    return target.getvalue()


def update(language: str) -> int:
    """Bring the files of a language up to date; return how many templates still need a translation."""
    source, known = extracted(), read(language)
    fresh = Catalog(locale=language, project="preflight", charset="utf-8", fuzzy=False,
                    creation_date=known.creation_date, revision_date=known.revision_date)  # fmt: skip
    for each in source:
        if each.id:
            old = known.get(each.id)
            fresh.add(each.id, "" if old is None else old.string, locations=each.locations)
    path = po_file(language)
    with path.open("wb") as file:
        write_po(file, fresh, width=120, sort_by_file=True, include_lineno=False, omit_header=False)
    path.with_suffix(".mo").write_bytes(compiled(read(language)))
    return sum(not each.string for each in fresh if each.id)


def main() -> int:
    """Bring every language up to date."""
    missing = {language: update(language) for language in LANGUAGES}
    for language, count in missing.items():
        sys.stdout.write(f"{po_file(language).relative_to(ROOT)}: {count} without a translation\n")
    return 1 if any(missing.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
