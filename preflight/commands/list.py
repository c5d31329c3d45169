"""`preflight list`: the checks, and which of them block."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from preflight import registry as registries
from preflight.commands.options import Parser, parse
from preflight.config.settings import Settings
from preflight.config.sources import load
from preflight.errors import NoEnvError
from preflight.language import read_in, say
from preflight.message import message
from preflight.model import EXIT_GO, is_required
from preflight.plugins import find_plugins, with_plugins
from preflight.render.listing import render_list, render_list_json


def main(argv: Sequence[str]) -> int:
    """Print the checks that a run would have here and now; where no env is known, those that come with the gate.

    Raises:
        UsageError: The env is unknown, or the configuration is refused.
    """
    parsed = parse(_parser, argv)
    settings = _settings(parsed)
    if settings is not None:
        read_in(parsed.lang or settings.alerts.lang, sys.stdout)
    blocking = None if settings is None else (lambda check_id: is_required(check_id, settings.env))
    plugins = find_plugins(secrets=() if settings is None else settings.secret_values())
    registry = with_plugins(registries.default_registry(settings), plugins)
    if parsed.format == "json":
        sys.stdout.write(render_list_json(registry.checks, blocking))
    else:
        sys.stdout.write(render_list(registry.checks, blocking, say))
    return EXIT_GO


def _settings(parsed: Namespace) -> Settings | None:
    try:
        return load({"env": parsed.env}, environ=os.environ, cwd=Path.cwd(), config=parsed.config)
    except NoEnvError:
        return None


def _parser() -> Parser:
    parser = Parser(prog="preflight list", description=say(message("Show the checks.")))
    parser.add_env(message("also say which checks block in this env (else PREFLIGHT_ENV)"))
    parser.add_config()
    parser.add_lang()
    parser.add_argument("--format", choices=("console", "json"), default="console", help=say(message("table or JSON")))
    return parser
