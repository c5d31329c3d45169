"""read_only_guard: outside live the engine cannot place orders; in live that is explicitly lifted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from preflight.check import Context
from preflight.config.dotenv_file import UnreadableError, read_dotenv
from preflight.message import BUT, Message, joined, message
from preflight.model import Env, Mode, Outcome, Status

_VARIABLE = "READ_ONLY"  # the bot's own
_METRIC = "arbitrage_engine_read_only"
_SAMPLE = re.compile(rf"^{_METRIC}(?:\{{[^}}]*\}})?[ \t]+(\S+)", re.MULTILINE)
_WORDS = {
    **dict.fromkeys(("true", "1", "yes", "on"), True),
    **dict.fromkeys(("false", "0", "no", "off"), False),
}
_FETCH_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class ReadOnlyGuardCheck:
    """Compares what the bot was told (settings, variables, `.env.<env>`) and what its engine says of itself."""

    id: str = "read_only_guard"
    proves: str = message("outside live the engine cannot place orders; in live READ_ONLY is explicitly off")
    requires: tuple[str, ...] = ()
    timeout: float = 4.0
    network: bool = False  # a dry run looks at what was declared; the engine is then not asked
    imports: tuple[str, ...] = ()

    def run(self, ctx: Context) -> Outcome:
        """Look at every place where READ_ONLY can stand; they must agree, and with the env."""
        env = ctx.settings.env
        wanted = env is not Env.LIVE
        expected = f"READ_ONLY={_say(wanted)} in env {env}"
        set_it = message(
            "set PREFLIGHT_BOT__READ_ONLY={wanted}, or {variable}={wanted} in .env.{env}",
            wanted=_say(wanted),
            variable=_VARIABLE,
            env=env,
        )
        try:
            told = _told(ctx)
        except UnreadableError as e:
            return Outcome(
                status=Status.ERROR,
                summary=message("whether the bot is read-only cannot be determined: {error}", error=e),
                hint=message("make it readable and each line KEY=VALUE, or {set_it}", set_it=set_it),
                expected=expected,
                actual="unreadable",
            )
        problem = _problem(told, env, wanted=wanted)
        if problem is not None:
            return Outcome(
                status=Status.FAIL,
                summary=problem,
                hint=message("{set_it}; if it is set more than once, make all of them agree", set_it=set_it)
                if told
                else set_it,
                expected=expected,
                actual=", ".join(f"{where}={text}" for where, text in told.items()) or "not set",
            )
        as_it_should = message("READ_ONLY is {wanted}, as env {env} requires", wanted=_say(wanted), env=env)
        url = ctx.settings.bot.metrics_url
        if url is None or ctx.mode is Mode.DRY_RUN:
            why = message("no bot.metrics_url") if url is None else message("a dry run")
            return Outcome(
                status=Status.PASS,
                summary=message(
                    "{as_it_should} (declared; the engine was not asked: {why})", as_it_should=as_it_should, why=why
                ),
                expected=expected,
                actual=as_it_should,
            )
        return _ask_engine(ctx, url, declared=wanted)


def _say(value: bool) -> str:  # noqa: FBT001 - the value is all there is
    return "true" if value else "false"


def _told(ctx: Context) -> dict[str, str]:
    """Where READ_ONLY is set -> what it says there; what is empty counts as not set."""
    dotenv = f".env.{ctx.settings.env}"
    declared = ctx.settings.bot.read_only
    lines = read_dotenv(ctx.cwd / dotenv, ctx.read_text) or {}
    places = {
        "bot.read_only": "" if declared is None else _say(declared),
        message("variable {name}", name=_VARIABLE): ctx.environ.get(_VARIABLE, "").strip(),
        f"{dotenv} {_VARIABLE}": lines.get(_VARIABLE, "").strip(),
    }
    return {where: text for where, text in places.items() if text}


def _problem(told: Mapping[str, str], env: Env, *, wanted: bool) -> Message | None:
    """What is wrong with what was declared, or None."""
    if not told:
        return message("nothing says whether the engine may place orders: READ_ONLY is not set")
    unclear = [where for where, text in told.items() if text.lower() not in _WORDS]
    if unclear:
        return message("{unclear} is neither true nor false, so that a bot may read it either way", unclear=unclear[0])
    values = {where: _WORDS[text.lower()] for where, text in told.items()}
    if len(set(values.values())) > 1:
        says = (message("{where} says {value}", where=where, value=_say(value)) for where, value in values.items())
        return message("READ_ONLY contradicts itself: {sides}", sides=joined(says, BUT))
    if wanted not in values.values():
        return (
            message("READ_ONLY is false in env {env}: the engine could place orders", env=env)
            if wanted
            else message("READ_ONLY is true in live: the engine would place no order")
        )
    return None


def _ask_engine(ctx: Context, url: str, *, declared: bool) -> Outcome:
    """What was declared is as it should be; see whether the running engine knows."""
    expected, so_far = (
        f"{_METRIC} {int(declared)}",
        message("READ_ONLY is {wanted} by declaration", wanted=_say(declared)),
    )
    try:
        shown = _shown(ctx.fetch_text(url, _FETCH_SECONDS))
    except (OSError, ValueError) as e:
        return Outcome(
            status=Status.ERROR,
            summary=message(
                "{so_far}, but what the engine does cannot be determined: {url}: {error}",
                so_far=so_far,
                url=url,
                error=e,
            ),
            hint=message(
                "start the engine and see that the page shows {metric}, or correct PREFLIGHT_BOT__METRICS_URL",
                metric=_METRIC,
            ),
            expected=expected,
            actual="no answer",
        )
    if shown != {float(declared)}:
        runs = message("read-only") if 1.0 in shown else message("able to place orders")
        return Outcome(
            status=Status.FAIL,
            summary=message("{so_far}, but the engine at {url} runs {runs}", so_far=so_far, url=url, runs=runs),
            hint=message(
                "restart the engine with READ_ONLY={wanted}: it was started with something else", wanted=_say(declared)
            ),
            expected=expected,
            actual=f"{_METRIC} {' and '.join(f'{value:g}' for value in sorted(shown))}",
        )
    return Outcome(
        status=Status.PASS,
        summary=message("READ_ONLY is {wanted}, and the engine at {url} says so too", wanted=_say(declared), url=url),
        expected=expected,
        actual=expected,
    )


def _shown(page: str) -> set[float]:
    """The values that a metrics page gives, each 0 or 1.

    Raises:
        ValueError: It has none, or one that is neither.
    """
    samples = _SAMPLE.findall(page)
    if not samples:
        raise ValueError(message("the page has no metric {metric}", metric=_METRIC))
    values = {float(text) for text in samples}
    if not values <= {0.0, 1.0}:
        raise ValueError(message("the page has a {metric} that is neither 0 nor 1", metric=_METRIC))
    return values
