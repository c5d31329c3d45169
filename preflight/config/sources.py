"""Where settings come from, strongest first.

1. flags
2. `PREFLIGHT_*` variables (`PREFLIGHT_REDIS__HOST` is `redis.host`); empty ones count as unset
3. `.env.<env>`: its `PREFLIGHT_*` lines; the bot's own lines beside them are left alone
4. a running local stack's `.stack/preflight.toml` (never for live, only for its own env)
5. `preflight.toml`
6. `REDIS_URL` and `DATABASE_URL`, as platforms set them: of the environment, else of `.env.<env>`; each only where
   nothing above says where that server is

Each layer is read into plain nested data first. They are laid over each other, and pydantic validates the whole. A
value that is refused is reported with its key and with the layer it came from.
"""

from __future__ import annotations

import io
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dotenv.parser import parse_stream
from pydantic import ValidationError

from preflight.config.known_keys import nearest_key
from preflight.config.owners import flaw_of
from preflight.config.plain_http import must_not_send_in_the_clear
from preflight.config.sections import ServerSection
from preflight.config.settings import Settings
from preflight.config.trust import files_of, must_be_trusted
from preflight.config.weakened import overrides_of
from preflight.config.wrong_values import what_is_wrong
from preflight.errors import NoEnvError, UsageError
from preflight.message import Message, joined, message
from preflight.model import Env
from preflight.system.io import read_text as read_regular
from preflight.system.process_id import is_running

PREFIX = "PREFLIGHT_"
STACK_FILE = Path(".stack", "preflight.toml")
CONFIG_FILE = Path("preflight.toml")
_FOREIGN = frozenset({"PREFLIGHT_IMAGE", "PREFLIGHT_ENV_FILE"})  # read by docker compose, not by the gate
# https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables; no setting has such a name.
_LINK = re.compile(
    r"PREFLIGHT(_[A-Z0-9]+)*"
    r"(_SERVICE_HOST|_SERVICE_PORT(_[A-Z0-9]+)*|_PORT(_[0-9]+_(TCP|UDP|SCTP)(_(ADDR|PORT|PROTO))?)?)"
)
_PLATFORM = {"redis": "REDIS_URL", "postgres": "DATABASE_URL"}  # as platforms name them
_REACH = ("url", "url_file", "host", "socket", "sentinels")  # each says where a server is
_FLAG = message("flag")
_FLAG_OF = {"env": "--env", "textfile_dir": "--metrics-output", "run_timeout": "--timeout"}


@dataclass(frozen=True, slots=True)
class Layer:
    """One source of values: what it is called in messages, and its values as nested data."""

    name: str
    values: Mapping[str, Any]
    prefix: str = ""  # how its keys are written: PREFLIGHT_REDIS__HOST or redis.host
    named: Mapping[tuple[str, ...], str] = field(default_factory=dict)  # keys that are written in a way of their own
    path: Path | None = None  # of the file it was read from

    def holds(self, loc: tuple[str, ...]) -> bool:
        """Return whether this layer has a value at `loc`."""
        node: Any = self.values
        for part in loc:
            if not isinstance(node, Mapping) or part not in node:
                return False
            node = node[part]
        return True

    def spell(self, loc: tuple[str, ...]) -> str:
        """Write the key `loc` the way this layer writes it."""
        if loc in self.named:
            return self.named[loc]
        if self.name == _FLAG:
            return _FLAG_OF[loc[0]]
        return self.prefix + "__".join(loc).upper() if self.prefix else ".".join(loc)

    def place(self, loc: tuple[str, ...]) -> Message:
        """Say where the value at `loc` stands."""
        return message("{layer} {key}", layer=self.name, key=self.spell(loc))


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings together with the layers they were merged from, strongest first."""

    settings: Settings
    layers: tuple[Layer, ...]
    notes: tuple[str, ...] = ()  # what each run's report says of where they come from
    overrides: tuple[str, ...] = ()  # why a GO with them is not ready for live

    def source(self, loc: tuple[str, ...]) -> str:
        """Say where the value at `loc` comes from: a layer and its spelling of the key, or `default`.

        A secret may come from the file that a key of its own names; then it is that key. What a URL says comes from it.
        """
        keys = [loc, (*loc[:-1], f"{loc[-1]}_file")]
        if self._is_of_url(loc):
            keys += [(loc[0], "url"), (loc[0], "url_file")]
        for key in keys:
            for layer in self.layers:
                if layer.holds(key):
                    return layer.place(key)
        return message("default")

    def _is_of_url(self, loc: tuple[str, ...]) -> bool:
        section = getattr(self.settings, loc[0])
        return isinstance(section, ServerSection) and section.url is not None and loc[-1] in section.model_fields_set


def load(flags: Mapping[str, Any], *, environ: Mapping[str, str], cwd: Path, config: Path | None = None) -> Settings:
    """Build the settings of one run.

    Args:
        flags: Values given on the command line, `None` where a flag was not given.
        environ: The process environment.
        cwd: Directory in which `.env.<env>`, `.stack/` and `preflight.toml` are looked for.
        config: A `preflight.toml` named by `--config`; it must then exist.

    Raises:
        NoEnvError: Nothing says which env this is.
        UsageError: Anything is unknown, malformed, unreadable or out of range.
    """
    return load_with_sources(flags, environ=environ, cwd=cwd, config=config).settings


def load_with_sources(
    flags: Mapping[str, Any], *, environ: Mapping[str, str], cwd: Path, config: Path | None = None
) -> Loaded:
    """Do what `load` does, and keep the layers, so that a value's origin can be told."""
    given = Layer(_FLAG, {key: value for key, value in flags.items() if value is not None})
    variables = Layer(message("variable"), _nest(environ, message("the environment")), PREFIX)
    foreign = _foreign_stack(cwd)
    stack = None if foreign else _stack_layer(cwd)
    env = _choose_env(given, variables, stack, foreign)
    file = cwd / f".env.{env}"
    lines = _dotenv_lines(file)
    dotenv = _dotenv_layer(file, lines, env)
    layers = [given, variables, dotenv]
    if env is not Env.LIVE and stack is not None and stack.values.get("env") == env.value:
        layers.append(stack)
    layers.append(_config_layer(cwd, config))
    layers += _platform_layers([(variables, environ), (dotenv, lines)], layers)
    if env is Env.LIVE:  # before anything is made of what they say
        must_be_trusted([(layer.name, layer.path) for layer in layers if layer.values and layer.path is not None], ())
    loaded = Loaded(_merge(layers, env), tuple(layers))
    if env is Env.LIVE:
        must_be_trusted(files_of(loaded.settings, secret=False), files_of(loaded.settings, secret=True))
    must_not_send_in_the_clear(loaded.settings, loaded.source)
    overrides = overrides_of(loaded.settings, loaded.source)
    return replace(loaded, notes=(*([foreign] if foreign else []), *overrides), overrides=overrides)


def _choose_env(given: Layer, variables: Layer, stack: Layer | None, foreign: str | None) -> Env:
    for layer in (given, variables, stack):
        if layer is not None and "env" in layer.values:
            value, where = layer.values["env"], layer.place(("env",))
            break
    else:
        missing = message(
            "env: not set, and there is no default; give --env live|paper|dev|test, set PREFLIGHT_ENV, "
            "or start a local stack with `make up`"
        )
        raise NoEnvError(joined((missing, *([foreign] if foreign else []))))
    try:
        return Env(value)
    except ValueError as e:
        raise UsageError(
            message(
                "{where}: {value!r} is not an env; it is one of {known}", where=where, value=value, known=", ".join(Env)
            )
        ) from e


def _merge(layers: list[Layer], env: Env) -> Settings:
    merged: Mapping[str, Any] = {}
    for layer in reversed(layers):
        merged = _laid_over(merged, layer.values)
    try:
        settings = Settings.model_validate(merged)
    except ValidationError as e:
        raise UsageError(joined(_explain(error, layers) for error in e.errors())) from e
    if settings.env is not env:
        raise UsageError(message("env: the layers disagree: {one} and {other}", one=settings.env, other=env))
    return settings


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return both in one, key by key; where both have a value that of `above` stays."""
    both = {**below, **above}
    for key in below.keys() & above.keys():
        if isinstance(below[key], Mapping) and isinstance(above[key], Mapping):
            both[key] = _laid_over(below[key], above[key])
    return both


def _explain(error: Any, layers: list[Layer]) -> Message:
    """Turn one pydantic error into: which key, where, what is wrong. Values are not repeated: one may be secret."""
    loc = tuple(str(part) for part in error["loc"])
    while loc and not any(layer.holds(loc) for layer in layers):
        loc = loc[:-1]
    source = next((layer for layer in layers if layer.holds(loc)), None) if loc else None
    if source is not None:
        place: str = source.place(loc)
    else:
        place = ".".join(str(part) for part in error["loc"]) or message("settings")
    if error["type"] != "extra_forbidden":
        return message("{place}: {wrong}", place=place, wrong=what_is_wrong(error))
    meant = nearest_key(loc)
    if meant is None or source is None:
        return message("{place}: unknown key; `preflight config --keys` lists the known ones", place=place)
    return message(
        "{place}: unknown key; did you mean {meant}? `preflight config --keys` lists the known ones",
        place=place,
        meant=source.spell(meant),
    )


def _nest(variables: Mapping[str, str | None], where: str) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for name, value in variables.items():
        if not name.startswith(PREFIX) or name in _FOREIGN or value == "" or _is_service_link(name, value):
            continue
        if value is None:
            raise UsageError(message("{where}: {name} has no value; write {name}=VALUE", where=where, name=name))
        *tables, key = name.removeprefix(PREFIX).lower().split("__")
        node = nested
        for table in tables:
            node = node.setdefault(table, {})
            if not isinstance(node, dict):
                raise UsageError(
                    message("{where}: {name} goes below a key that already has a plain value", where=where, name=name)
                )
        if isinstance(node.get(key), dict):
            raise UsageError(
                message("{where}: {name} gives a plain value to a key that has keys of its own", where=where, name=name)
            )
        node[key] = value
    return nested


def service_links(environ: Mapping[str, str]) -> list[str]:
    """Name the variables that Kubernetes sets for a Service called `preflight` or `preflight-...`: no settings."""
    return sorted(name for name, value in environ.items() if _is_service_link(name, value))


def _is_service_link(name: str, value: str | None) -> bool:
    if name.endswith("PORT") and not name.endswith(("SERVICE_PORT", "_TCP_PORT", "_UDP_PORT", "_SCTP_PORT")):
        return _LINK.fullmatch(name) is not None and re.match(r"(tcp|udp|sctp)://", value or "") is not None
    return _LINK.fullmatch(name) is not None


def _dotenv_lines(path: Path) -> dict[str, str | None]:
    if not _exists(path):
        return {}
    lines: dict[str, str | None] = {}
    for line in parse_stream(io.StringIO(_read(path))):
        if line.error and PREFIX in line.original.string:
            raise UsageError(
                message(
                    "{name}: line {line} cannot be read; write PREFLIGHT_KEY=VALUE",
                    name=path.name,
                    line=line.original.line,
                )
            )
        if line.key is not None:
            lines[line.key] = line.value
    return lines


def _dotenv_layer(path: Path, lines: Mapping[str, str | None], env: Env) -> Layer:
    values = _nest(lines, path.name)
    if values.get("env", env.value) != env.value:
        raise UsageError(
            message(
                "{name}: PREFLIGHT_ENV={value} contradicts the file's own name; was it copied?",
                name=path.name,
                value=values["env"],
            )
        )
    return Layer(path.name, values, PREFIX, path=path)


def _platform_layers(found: Sequence[tuple[Layer, Mapping[str, str | None]]], layers: Sequence[Layer]) -> list[Layer]:
    """Return a layer for each URL that a platform has set, unless something stronger says where that server is."""
    given = []
    for table, variable in _PLATFORM.items():
        if any(layer.holds((table, key)) for layer in layers for key in _REACH):
            continue
        for layer, variables in found:
            if variables.get(variable):
                values = {table: {"url": variables[variable]}}
                given.append(
                    Layer(layer.name, values, path=layer.path, named={(table, "url"): variable, (table,): variable})
                )
                break
    return given


def _config_layer(cwd: Path, config: Path | None) -> Layer:
    path = cwd / CONFIG_FILE if config is None else config
    if config is None and not _exists(path):
        return Layer(path.name, {})
    values = _read_toml(path)
    if "env" in values:
        raise UsageError(
            message("{name}: env: one file serves every env; give --env or set PREFLIGHT_ENV instead", name=path.name)
        )
    return Layer(path.name, values, path=path)


def _foreign_stack(cwd: Path) -> str | None:
    """Return that there is a stack's file which another user may have written, and which is ignored; else None."""
    path = cwd / STACK_FILE
    if not _exists(path):
        return None
    for each in (path, path.parent):
        flaw = flaw_of(each)
        if flaw is not None:
            return message(
                "{file} is ignored: {problem}; {hint}",
                file=STACK_FILE,
                problem=flaw.problem,
                hint=flaw.hint,
            )
    return None


def _stack_layer(cwd: Path) -> Layer | None:
    path = cwd / STACK_FILE
    if not _exists(path):
        return None
    values = _read_toml(path)
    stack = values.pop("stack", {})
    if not isinstance(stack, Mapping) or values.get("env") == Env.LIVE:
        return None
    pid, born = stack.get("supervisor_pid"), stack.get("supervisor_born")
    if not isinstance(pid, int) or not isinstance(born, str) or not is_running(pid, born):
        return None
    return Layer(str(STACK_FILE), values)


def _exists(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as e:
        raise UsageError(message("{path}: cannot be read: {strerror}", path=path, strerror=e.strerror)) from e
    return True


def _read(path: Path) -> str:
    try:
        return read_regular(path)
    except OSError as e:
        raise UsageError(message("{path}: cannot be read: {strerror}", path=path, strerror=e.strerror)) from e
    except UnicodeDecodeError as e:
        raise UsageError(message("{path}: is not UTF-8 text (byte {start})", path=path, start=e.start)) from e


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_read(path))
    except tomllib.TOMLDecodeError as e:
        raise UsageError(message("{path}: is not TOML: {reason}", path=path, reason=e)) from e
