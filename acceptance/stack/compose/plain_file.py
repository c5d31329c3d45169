"""Reads the compose file as far as its rules look at it, on a machine that has no Docker.

`docker compose config` is the reference (tests/docker/test_compose_file.py). This fills in the defaults of variables
and brings ports, volumes and sizes into the long form that it prints, so that the same rules can judge both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

_VARIABLE = re.compile(r"\$\$|\$\{(?P<name>\w+)(?:(?P<how>:?[-?])(?P<word>[^{}]*))?\}")
_UNITS = {"b": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


class ComposeFileError(Exception):
    """The file is not of the form that is known here."""


def read_services(path: Path, variables: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Read the services.

    Args:
        path: The compose file.
        variables: What its environment holds; where one is neither here nor has a default it is refused.

    Raises:
        ComposeFileError: It cannot be read, a variable has no value, or a port or volume is in a form not known here.
    """
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ComposeFileError(f"{path.name} cannot be read ({type(error).__name__})") from error
    services = _filled(raw["services"], variables)
    return {name: _long(name, service) for name, service in services.items()}


def _filled(value: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(each, variables) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, variables) for each in value]
    if not isinstance(value, str):
        return value

    def fill(match: re.Match[str]) -> str:
        name, how, word = match["name"], match["how"] or "", match["word"] or ""
        if name is None:
            return "$"
        given = variables.get(name)
        if given or (given is not None and not how.startswith(":")):
            return given
        if how.endswith("-"):
            return word
        raise ComposeFileError(f"{name} has no value: {word}")

    before = None
    while before != value:  # a default may hold another variable
        before, value = value, _VARIABLE.sub(lambda m: m[0] if m[0] == "$$" else fill(m), value)
    return value.replace("$$", "$")


def _long(name: str, service: dict[str, Any]) -> dict[str, Any]:
    return {
        **service,
        "ports": [_port(name, each) for each in service.get("ports", [])],
        "volumes": [_volume(name, each) for each in service.get("volumes", [])],
        "mem_limit": _bytes(str(service.get("mem_limit", 0))),
    }


def _port(service: str, each: Any) -> dict[str, Any]:
    if isinstance(each, dict):
        return {"host_ip": "", **each}
    *address, published, target = ["", *str(each).rsplit(":", 2)][-3:]
    if not target.isdecimal():
        raise ComposeFileError(f"{service}: a port is written as [ADDRESS:]PUBLISHED:TARGET, not as {each!r}")
    return {"host_ip": "".join(address), "published": published, "target": int(target)}


def _volume(service: str, each: Any) -> dict[str, Any]:
    if not isinstance(each, str):
        raise ComposeFileError(f"{service}: a volume is written as SOURCE:TARGET[:ro], not as {each!r}")
    source, target, *options = each.split(":")
    bound = source.startswith((".", "/", "~"))
    return {"type": "bind" if bound else "volume", "source": source, "target": target, "read_only": options == ["ro"]}


def _bytes(text: str) -> int:
    number = text.rstrip("bkmgBKMG")
    unit = text[len(number) :].lower()[:1] or "b"
    return int(number) * _UNITS[unit]
