"""read_only_guard: outside live the engine cannot place orders; in live that is explicitly lifted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from preflight.check import Context
from preflight.config.dotenv_file import UnreadableError, read_dotenv
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
    proves: str = "outside live the engine cannot place orders; in live READ_ONLY is explicitly off"
    requires: tuple[str, ...] = ()
    timeout: float = 4.0
    network: bool = False  # a dry run looks at what was declared; the engine is then not asked
    imports: tuple[str, ...] = ()

    def run(self, ctx: Context) -> Outcome:
        """Look at every place where READ_ONLY can stand; they must agree, and with the env."""
        env = ctx.settings.env
        wanted = env is not Env.LIVE
        expected = f"READ_ONLY={_say(wanted)} in env {env}"
        set_it = f"set PREFLIGHT_BOT__READ_ONLY={_say(wanted)}, or {_VARIABLE}={_say(wanted)} in .env.{env}"
        try:
            told = _told(ctx)
        except UnreadableError as e:
            return Outcome(
                status=Status.ERROR,
                summary=f"whether the bot is read-only cannot be told: {e}",
                hint=f"make it readable and each line KEY=VALUE, or {set_it}",
                expected=expected,
                actual="unreadable",
            )
        problem = _problem(told, env, wanted=wanted)
        if problem is not None:
            return Outcome(
                status=Status.FAIL,
                summary=problem,
                hint=f"{set_it}; where it stands more than once, let all say the same" if told else set_it,
                expected=expected,
                actual=", ".join(f"{where}={text}" for where, text in told.items()) or "not set",
            )
        as_it_should = f"READ_ONLY is {_say(wanted)}, as env {env} wants it"
        url = ctx.settings.bot.metrics_url
        if url is None or ctx.mode is Mode.DRY_RUN:
            why = "no bot.metrics_url" if url is None else "a dry run"
            return Outcome(
                status=Status.PASS,
                summary=f"{as_it_should} (declared; the engine was not asked: {why})",
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
        f"variable {_VARIABLE}": ctx.environ.get(_VARIABLE, "").strip(),
        f"{dotenv} {_VARIABLE}": lines.get(_VARIABLE, "").strip(),
    }
    return {where: text for where, text in places.items() if text}


def _problem(told: Mapping[str, str], env: Env, *, wanted: bool) -> str | None:
    """What is wrong with what was declared, or None."""
    if not told:
        return "nothing says whether the engine may place orders: READ_ONLY is not set"
    unclear = [where for where, text in told.items() if text.lower() not in _WORDS]
    if unclear:
        return f"{unclear[0]} is neither true nor false, so that a bot may read it either way"
    values = {where: _WORDS[text.lower()] for where, text in told.items()}
    if len(set(values.values())) > 1:
        sides = " but ".join(f"{where} says {_say(value)}" for where, value in values.items())
        return f"READ_ONLY contradicts itself: {sides}"
    if wanted not in values.values():
        return (
            f"READ_ONLY is false in env {env}: the engine could place orders"
            if wanted
            else "READ_ONLY is true in live: the engine would place no order"
        )
    return None


def _ask_engine(ctx: Context, url: str, *, declared: bool) -> Outcome:
    """What was declared is as it should be; see whether the running engine knows."""
    expected, so_far = f"{_METRIC} {int(declared)}", f"READ_ONLY is {_say(declared)} by declaration"
    try:
        shown = _shown(ctx.fetch_text(url, _FETCH_SECONDS))
    except (OSError, ValueError) as e:
        return Outcome(
            status=Status.ERROR,
            summary=f"{so_far}, but what the engine does cannot be told: {url}: {e}",
            hint=f"start the engine and see that the page shows {_METRIC}, or correct PREFLIGHT_BOT__METRICS_URL",
            expected=expected,
            actual="no answer",
        )
    if shown != {float(declared)}:
        runs = "read-only" if 1.0 in shown else "able to place orders"
        return Outcome(
            status=Status.FAIL,
            summary=f"{so_far}, but the engine at {url} runs {runs}",
            hint=f"restart the engine with READ_ONLY={_say(declared)}: it was started with something else",
            expected=expected,
            actual=f"{_METRIC} {' and '.join(f'{value:g}' for value in sorted(shown))}",
        )
    return Outcome(
        status=Status.PASS,
        summary=f"READ_ONLY is {_say(declared)}, and the engine at {url} says so too",
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
        raise ValueError(f"the page has no metric {_METRIC}")
    values = {float(text) for text in samples}
    if not values <= {0.0, 1.0}:
        raise ValueError(f"the page has a {_METRIC} that is neither 0 nor 1")
    return values
