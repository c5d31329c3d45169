"""Reads provisioning files: YAML whose values are filled from the environment, as Grafana documents it.

``$NAME`` and ``${NAME}`` in a value (never in a key) become the environment's value, or nothing where it has none;
``$$`` is a dollar sign.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

__all__ = ["ProvisioningError", "fill", "number", "read_folder", "truth"]

_NAME = re.compile(r"\$(?:(\$)|(\w+)|\{(\w+)\})")
_TRUE = frozenset({"1", "t", "true"})


class ProvisioningError(Exception):
    """A provisioning file cannot be used: Grafana does not start then; the text names the file and the reason."""


def read_folder(folder: Path, environ: Mapping[str, str]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Give each ``*.yaml`` and ``*.yml`` of a folder, filled, by name; none where there is no folder.

    Raises:
        ProvisioningError: A file cannot be read, is no YAML, or is no mapping.
    """
    if not folder.is_dir():
        return
    for path in sorted(each for each in folder.iterdir() if each.suffix in {".yaml", ".yml"}):
        try:
            loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise ProvisioningError(f"{path}: cannot be read: {error}") from error
        except yaml.YAMLError as error:
            raise ProvisioningError(f"{path}: yaml: {' '.join(str(error).split())}") from error
        if loaded is not None and not isinstance(loaded, dict):
            raise ProvisioningError(f"{path}: yaml: a mapping is wanted, not a {type(loaded).__name__}")
        yield path, fill(loaded or {}, environ)


def fill(value: Any, environ: Mapping[str, str]) -> Any:
    """Fill every string of a loaded document; keys stay."""
    if isinstance(value, str):
        return _NAME.sub(lambda found: found[1] or environ.get(found[2] or found[3], ""), value)
    if isinstance(value, dict):
        return {key: fill(inner, environ) for key, inner in value.items()}
    if isinstance(value, list):
        return [fill(inner, environ) for inner in value]
    return value


def truth(value: object) -> bool:
    """Read a setting that may have been filled from the environment as a boolean."""
    return value is True or str(value).lower() in _TRUE


def number(value: object, default: float) -> float:
    """Read a setting that may have been filled from the environment as a number above zero, else the default."""
    try:
        read = float(str(value))
    except ValueError:
        return default
    return read if read > 0 else default
