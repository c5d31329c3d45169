"""A canary in the place of every secret setting is found in no file of a bundle, however it came there."""

from __future__ import annotations

import gzip
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import get_args

import pytest
from pydantic import BaseModel, SecretStr

from evidence.bundle import Bundle
from evidence.bundle.seal import seal
from preflight.config import sections
from tests.evidence.hidings import ENCODINGS, FOLDS

# What folds put between the parts of a secret.
_BETWEEN = re.compile(rb"\\r|\\n|\r|\n|E   |redis-1  \||postgres-1 \||2026-01-02T03:04:05.678Z|[ ]")


def secret_settings() -> Iterator[str]:
    """Name every setting that holds a secret, by its class and field."""
    for name, section in inspect.getmembers(sections, inspect.isclass):
        if issubclass(section, BaseModel) and section.__module__ == sections.__name__:
            for field, info in section.model_fields.items():
                kinds = get_args(info.annotation) if isinstance(info.annotation, UnionType) else (info.annotation,)
                if SecretStr in kinds:
                    yield f"{name}.{field}"


SETTINGS = sorted(set(secret_settings()))


def canary(setting: str) -> str:
    """Return a value that nothing else holds, with signs that URLs, base64 and shells treat differently."""
    return f"cAnary+{setting}/{len(setting)}=&"


def test_there_are_secret_settings() -> None:
    """The list is read from the settings themselves, and is not empty."""
    assert {name.partition(".")[2] for name in SETTINGS} >= {"password", "token", "chat_id", "secret", "private_key"}


@pytest.mark.parametrize("fold", [None, *FOLDS])
def test_no_canary_is_in_any_file(opened: Bundle, fold: str | None, tmp_path: Path) -> None:
    """Plain, base64, URL-encoded and otherwise, on one line and over several, in logs, documents and packed files."""
    for setting in SETTINGS:
        opened.know_secret(canary(setting))
    whole = [
        FOLDS[fold](encode(canary(setting))) if fold else encode(canary(setting))
        for setting in SETTINGS
        for encode in ENCODINGS.values()
    ]
    text = "\nlevel=info msg=ok\n".join(whole) + "\n"
    (tmp_path / "source").write_text(text)
    stack = opened.inside("e2e/compose")
    stack.add_text("logs/redis.log", text)
    stack.add_json("document.json", {"lines": whole, "whole": text})
    stack.add_json("pictures.json", {"schema_version": 1, "parts": whole, "pictures": {text: [0]}}, compact=True)
    opened.add_text("fast_gate.log", text)
    opened.add_file("copied.txt", tmp_path / "source")
    opened.where("tool.xml").write_text(text)
    opened.adopt("tool.xml")
    opened.leave()
    folder = seal(opened.path).path

    files = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    files |= {path: gzip.decompress(data) for path, data in files.items() if path.suffix == ".gz"}
    needles = [encode(canary(setting)).encode() for setting in SETTINGS for encode in ENCODINGS.values()]
    found = [
        (path.name, needle)
        for path, data in files.items()
        for unfolded in (data, _BETWEEN.sub(b"", data))
        for needle in needles
        if needle in unfolded
    ]
    assert found == []
    assert "level=info msg=ok" in (folder / "fast_gate.log").read_text()
    assert json.loads((folder / "e2e/compose/document.json").read_text())["lines"]
