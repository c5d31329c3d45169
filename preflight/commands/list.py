"""`preflight list`: the checks, and which of them block."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from preflight.errors import UsageError
from preflight.model import EXIT_GO, Env, is_required
from preflight.plugins import find_plugins, with_plugins
from preflight.registry import default_registry
from preflight.render.listing import render_list, render_list_json


def main(argv: Sequence[str]) -> int:
    """Print the checks.

    Raises:
        UsageError: The env is unknown.
    """
    parsed = _parser().parse_args(argv)
    env = None if parsed.env is None else _env(parsed.env)
    render = render_list_json if parsed.format == "json" else render_list
    blocking = None if env is None else (lambda check_id: is_required(check_id, env))
    registry = with_plugins(default_registry(), find_plugins())
    sys.stdout.write(render(registry.checks, blocking))
    return EXIT_GO


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="preflight list", description="Show the checks.", allow_abbrev=False)
    parser.add_argument("--env", metavar="ENV", help="also say which checks block in this env")
    parser.add_argument("--format", choices=("console", "json"), default="console", help="table or JSON")
    return parser


def _env(value: str) -> Env:
    try:
        return Env(value)
    except ValueError as e:
        raise UsageError(f"--env: {value!r} is not an env; it is one of {', '.join(Env)}") from e
