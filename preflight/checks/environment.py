"""environment: the run knows where it is and has been told what it needs."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path

from preflight.check import Context
from preflight.config.settings import Settings
from preflight.message import message
from preflight.model import Env, Outcome, Status

# What is asked of the settings -> how to set it. Without these the other checks have nothing to ask.
_NEEDED = {
    "redis.where": "PREFLIGHT_REDIS__HOST",
    "postgres.host": "PREFLIGHT_POSTGRES__HOST",
    "postgres.user": "PREFLIGHT_POSTGRES__USER",
    "postgres.database": "PREFLIGHT_POSTGRES__DATABASE",
}


@dataclass(frozen=True, slots=True)
class EnvironmentCheck:
    """The keys that the gate and the bot need are present, and the env's secrets file is private."""

    id: str = "environment"
    proves: str = message("the env is known, needed keys are present, and .env.<env> is private")
    requires: tuple[str, ...] = ()
    timeout: float = 2.0
    network: bool = False
    imports: tuple[str, ...] = ()

    def run(self, ctx: Context) -> Outcome:
        """Look at the settings, the variables and the mode of `.env.<env>`."""
        settings = ctx.settings
        dotenv = ctx.cwd / f".env.{settings.env}"
        missing = [*_unset(settings, metrics=ctx.metrics), *_absent(settings, ctx, dotenv)]
        if missing:
            local = (
                "" if settings.env is Env.LIVE else message(", or run `make up` for a local stack")
            )  # which never serves live
            return Outcome(
                status=Status.FAIL,
                summary=message("not set: {missing}", missing=", ".join(missing)),
                hint=message(
                    "set {missing} as a variable or in {name}{local}", missing=missing[0], name=dotenv.name, local=local
                ),
                expected="every needed key has a value",
                actual=f"{len(missing)} without",
            )
        return _judge_mode(settings.env, dotenv)


def _unset(settings: Settings, *, metrics: bool) -> list[str]:
    missing = []
    for key, variable in _NEEDED.items():
        table, name = key.split(".")
        if not getattr(getattr(settings, table), name):
            missing.append(variable)
    if metrics and settings.textfile_dir is None:
        missing.append("PREFLIGHT_TEXTFILE_DIR")
    return missing


def _absent(settings: Settings, ctx: Context, dotenv: Path) -> list[str]:
    if not settings.required_keys:
        return []
    from dotenv import dotenv_values  # noqa: PLC0415 - only where the bot's own keys are asked for

    known = {**dotenv_values(dotenv, interpolate=False), **ctx.environ} if dotenv.exists() else ctx.environ
    return [key for key in settings.required_keys if not known.get(key)]


def _judge_mode(env: Env, dotenv: Path) -> Outcome:
    if not dotenv.exists():
        return Outcome(status=Status.PASS, summary=message("env {env}, needed keys present", env=env))
    mode = stat.S_IMODE(dotenv.stat().st_mode)
    if not mode & (stat.S_IRWXG | stat.S_IRWXO):
        return Outcome(
            status=Status.PASS,
            summary=message("env {env}, needed keys present, {name} is private", env=env, name=dotenv.name),
        )
    return Outcome(
        status=Status.FAIL if env is Env.LIVE else Status.WARN,
        summary=message(
            "{name} has mode {mode}: others on this machine may read its secrets", name=dotenv.name, mode=f"{mode:04o}"
        ),
        hint=message("chmod 600 {name}", name=dotenv.name),
        expected="0600",
        actual=f"{mode:04o}",
    )
