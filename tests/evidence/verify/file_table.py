"""What can be done to the files of a bundle as such, and what `verify` says."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from evidence.bundle import layout
from tests.evidence.verify.changes import (
    edit,
    from_other,
    manifest_as_link,
    pipe_for,
    remove,
    replace_folder,
    replaced_by_link,
    swap,
)

# What is done to files as such, and what is said of it.
FILES: dict[str, tuple[Callable[[Path, Path], object], str, int]] = {
    "one byte": (lambda b, _: swap(b / "full_regression.log", "ran", "rAn"), "full_regression.log: sha256 is", 1),
    "a byte in a picture": (
        lambda b, _: (b / "e2e/compose/pictures.json.gz").write_bytes(b"x"),
        "pictures.json.gz: size is 1",
        1,
    ),
    "a file added": (lambda b, _: (b / "logs.txt").write_text(""), "logs.txt: lies in the bundle and is not listed", 1),
    "a file removed": (
        lambda b, _: (b / "fast_gate.log").unlink(),
        "fast_gate.log: is listed in the manifest and missing",
        1,
    ),
    "a file renamed": (
        lambda b, _: (b / "fast_gate.log").rename(b / "slow_gate.log"),
        "slow_gate.log: lies in the bundle and is not listed",
        1,
    ),
    "a link": (replaced_by_link, "fast_gate.log: is a link", 1),
    "a link to a folder": (lambda b, o: (b / "more").symlink_to(o), "more: is a link", 1),
    "the manifest as a link": (manifest_as_link, "manifest.json: is a link", 1),
    "a pipe": (lambda b, _: os.mkfifo(b / "pipe"), "pipe: is a pipe", 1),
    "a pipe for a file": (
        lambda b, _: pipe_for(b / "fast_gate.log"),
        "fast_gate.log: is a pipe",
        1,
    ),
    "another folder's name": (
        lambda b, _: b.rename(b.with_name("20260102T030406Z-0123456")),
        "this folder is 20260102T030406Z-0123456",
        1,
    ),
    "no manifest": (
        lambda b, _: (b / layout.MANIFEST).unlink(),
        "manifest.json: 20260102T030405Z-0123456 is INCOMPLETE",
        1,
    ),
    "no manifest and no statement": (
        lambda b, _: remove(b / layout.MANIFEST, b / layout.STATEMENT),
        "is INCOMPLETE",
        5,
    ),
    "no statement": (lambda b, _: (b / layout.STATEMENT).unlink(), "unsigned: the bundle is UNSIGNED", 3),
    "no run.json": (lambda b, _: (b / layout.RUN).unlink(), "run.json is missing", 1),
    "the manifest emptied": (lambda b, _: (b / layout.MANIFEST).write_text(""), "manifest.json is not JSON", 1),
    "the manifest of an older schema": (
        lambda b, _: edit(b / layout.MANIFEST, lambda d: d.update(schema_version=1)),
        "has the schema version 1 of an earlier version of this program, which reads 3: verify it with the program of",
        1,
    ),
    "the manifest of the last schema": (
        lambda b, _: edit(b / layout.MANIFEST, lambda d: d.update(schema_version=2)),
        "has the schema version 2 of an earlier version of this program, which reads 3: verify it with the program of",
        1,
    ),
    "the manifest of a schema to come": (
        lambda b, _: edit(b / layout.MANIFEST, lambda d: d.update(schema_version=4)),
        "has the schema version 4 of another version of this program, which reads 3",
        1,
    ),
    "the statement of another run": (
        lambda b, o: shutil.copyfile(o / layout.STATEMENT, b / layout.STATEMENT),
        "statement.dsse.json: says subject",
        1,
    ),
    "the manifest and statement of another run": (
        lambda b, o: from_other(b, o, layout.MANIFEST, layout.STATEMENT),
        "manifest.json: says bundle",
        1,
    ),
    "another run's bundle under this name": (
        replace_folder,
        "run.json: is of the bundle 20260102T030435Z-0123456",
        1,
    ),
    "a statement that says nothing": (
        lambda b, _: edit(b / layout.STATEMENT, lambda d: d.update(signatures=[])),
        "$.signatures",
        1,
    ),
    "half a statement": (lambda b, _: (b / layout.STATEMENT).write_text("{"), "statement.dsse.json is not JSON", 1),
}
