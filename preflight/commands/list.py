"""`preflight list`: the checks, and which of them block."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from preflight import registry as registries
from preflight.config.settings import Settings
from preflight.config.sources import load
from preflight.errors import NoEnvError
from preflight.model import EXIT_GO, is_required
from preflight.plugins import find_plugins, with_plugins
from preflight.render.listing import render_list, render_list_json


def main(argv: Sequence[str]) -> int:
    """Print the checks that a run would have here and now; where no env is known, those that come with the gate.

    Raises:
        UsageError: The env is unknown, or the configuration is refused.
    """
    parsed = _parser().parse_args(argv)
    settings = _settings(parsed)
    render = render_list_json if parsed.format == "json" else render_list
    blocking = None if settings is None else (lambda check_id: is_required(check_id, settings.env))
    plugins = find_plugins(secrets=() if settings is None else settings.secret_values())
    registry = with_plugins(registries.default_registry(settings), plugins)
    sys.stdout.write(render(registry.checks, blocking))
    return EXIT_GO


def _settings(parsed: argparse.Namespace) -> Settings | None:
    try:
        return load({"env": parsed.env}, environ=os.environ, cwd=Path.cwd(), config=parsed.config)
    except NoEnvError:
        return None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="preflight list", description="Show the checks.", allow_abbrev=False)
    parser.add_argument("--env", metavar="ENV", help="also say which checks block in this env (else PREFLIGHT_ENV)")
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings file instead of ./preflight.toml")
    parser.add_argument("--format", choices=("console", "json"), default="console", help="table or JSON")
    return parser
