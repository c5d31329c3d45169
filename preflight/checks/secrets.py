"""secrets: needed secrets are set, are not placeholders, and are not shared between paper and live."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple

from pydantic import SecretStr

from preflight.check import Context
from preflight.config.dotenv_file import UnreadableError, read_dotenv
from preflight.config.key_form import why_misshapen
from preflight.config.placeholders import MIN_LENGTH, why_no_chat_id, why_placeholder
from preflight.config.settings import Settings
from preflight.message import AND, joined, message
from preflight.model import Env, Outcome, Status

_EXPECTED = "every needed secret set, none a placeholder, none shared between paper and live"
_NEW_HINT = message(
    "make a new secret of its own for each, such as `openssl rand -hex 20`, and set it by "
    "its _FILE key or in the env's own .env file"
)
_COPY_HINT = message(
    "copy each key again from where it was made, alone and in one line (a PEM as it is), "
    "into a file that its _FILE key names"
)
_LOOKS_SECRET = ("KEY", "SECRET", "TOKEN", "PASS")  # PASS covers PASSWORD and PASSPHRASE
_NOT_SECRET = frozenset({"PREFLIGHT_LIVE__KILL_SWITCH_KEY"})  # the name of a Redis key
_PLAIN = frozenset({"true", "false", "yes", "no", "on", "off", "none", "null"})
_SHORT_NUMBER = 8  # digits; a number below that is a setting (a port, seconds), not a secret


class Form(Enum):
    """How a secret is written."""

    ANY = auto()  # a server's password is whatever its owner chose
    KEY = auto()  # one word, as an exchange gave it out
    PASSPHRASE = auto()  # likewise, but chosen by a person
    PEM = auto()  # a word, or a private key in PEM


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret that this run has, or should have."""

    variable: str  # how it is set
    value: str  # "" where it is not set
    service: str
    min_length: int = MIN_LENGTH
    secret: bool = True  # False: what comes along with secrets, and is judged by its form alone
    form: Form = Form.ANY

    @property
    def misshapen(self) -> str | None:
        """What is wrong with its form, so that the same value has to be copied once more; or None."""
        if self.form is Form.ANY:
            return None
        return why_misshapen(self.value, spaced=self.form is Form.PASSPHRASE, pem=self.form is Form.PEM)

    @property
    def trouble(self) -> str | None:
        """Why the value cannot be right, or None."""
        if not self.value:
            return None
        if (why := self.misshapen) is not None:
            return why
        if not self.secret:
            return why_no_chat_id(self.value)
        return why_placeholder(self.value, service=self.service, min_length=self.min_length)


class Named(NamedTuple):
    """A value that looks like a secret, and the variable that holds it."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class SecretsCheck:
    """Looks at the secrets of this run, and for values that stand both in `.env.paper` and in `.env.live`."""

    id: str = "secrets"
    proves: str = message("needed secrets are set, are not placeholders, and are not shared between paper and live")
    requires: tuple[str, ...] = ()
    timeout: float = 2.0
    network: bool = False
    imports: tuple[str, ...] = ()

    def run(self, ctx: Context) -> Outcome:
        """Judge; names of keys only ever leave this function, never a value."""
        wrong = list(_wrong(ctx.settings))
        known, unreadable = _secrets_by_env(ctx)
        wrong += sorted(_shared(known))
        if wrong:
            more = (message("(and: {unreadable})", unreadable=joined(unreadable)),) if unreadable else ()
            return Outcome(
                status=Status.FAIL,
                summary=joined((joined(wrong), *more), " "),
                hint=_COPY_HINT if any(each.misshapen for each in _all(ctx.settings)) else _NEW_HINT,
                expected=_EXPECTED,
                actual=f"{len(wrong)} wrong",
            )
        if unreadable:
            return Outcome(
                # That a paper run cannot read the live secrets is as it should be: say so, and let it go on.
                status=Status.ERROR if ctx.settings.env is Env.LIVE else Status.WARN,
                summary=message("paper and live were not compared: {unreadable}", unreadable=joined(unreadable)),
                hint=message(
                    "run it once as a user who may read both files, or keep the other env's file off this machine"
                ),
                expected=_EXPECTED,
                actual="not compared",
            )
        compared = joined((f".env.{env}" for env in (Env.PAPER, Env.LIVE) if env in known), AND)
        return Outcome(
            status=Status.PASS,
            summary=message(
                "needed secrets are set and look like secrets; no value is shared ({files})", files=compared
            )
            if len(known) > 1
            else message("needed secrets are set and look like secrets; there is no other env here to share them"),
            expected=_EXPECTED,
            actual=_EXPECTED,
        )


def _all(settings: Settings) -> Iterator[Secret]:
    def value(secret: SecretStr | None) -> str:
        return "" if secret is None else secret.get_secret_value()

    yield Secret("PREFLIGHT_REDIS__PASSWORD", value(settings.redis.password), "redis")
    yield Secret("PREFLIGHT_POSTGRES__PASSWORD", value(settings.postgres.password), "postgres")
    yield Secret("PREFLIGHT_TELEGRAM__TOKEN", value(settings.telegram.token), "telegram", form=Form.KEY)
    yield Secret("PREFLIGHT_TELEGRAM__CHAT_ID", value(settings.telegram.chat_id), "telegram", secret=False)
    for name, exchange in settings.exchanges.items():
        if not exchange.enabled:
            continue
        prefix = f"PREFLIGHT_EXCHANGES__{name.upper()}"
        key = ("PRIVATE_KEY", exchange.private_key) if exchange.by_wallet else ("API_KEY", exchange.api_key)
        secret = ("WALLET_ADDRESS", exchange.wallet_address) if exchange.by_wallet else ("SECRET", exchange.secret)
        for (part, given), form in ((key, Form.KEY), (secret, Form.PEM)):
            yield Secret(f"{prefix}__{part}", value(given), name, form=form)
        if exchange.password is not None:  # the exchange says how long
            yield Secret(f"{prefix}__PASSWORD", value(exchange.password), name, 1, form=Form.PASSPHRASE)


def _wrong(settings: Settings) -> Iterator[str]:
    """Judge each secret by itself; outside live Telegram and the exchanges' keys may be left out."""
    given = list(_all(settings))
    # Behind a socket, or with a certificate of ours, a server may know us without a password.
    open_otherwise = {
        name
        for name, reach in (("redis", settings.redis), ("postgres", settings.postgres))
        if reach.socket is not None or reach.cert_file is not None
    }
    missing = [
        each.variable
        for each in given
        if not each.value
        and each.service not in open_otherwise
        and (settings.env is Env.LIVE or each.service in {"redis", "postgres"})
    ]
    if missing:
        yield message("not set: {missing}", missing=", ".join(missing))
    for each in given:
        if each.trouble is not None:
            yield message("{variable} {trouble}", variable=each.variable, trouble=each.trouble)


def _secrets_by_env(ctx: Context) -> tuple[dict[Env, set[Named]], list[str]]:
    """Return the secrets that are known of paper and of live, and why something of them could not be read."""
    known: dict[Env, set[Named]] = {}
    unreadable: list[str] = []
    for env in (Env.PAPER, Env.LIVE):
        try:
            lines = read_dotenv(ctx.cwd / f".env.{env}", ctx.read_text)
        except UnreadableError as e:
            unreadable.append(str(e))
            lines = None
        if lines is not None:
            known[env] = set(_secret_looking(lines, ctx, unreadable))
    env = ctx.settings.env
    if env in {Env.PAPER, Env.LIVE}:
        own = {
            Named(each.variable, each.value)
            for each in _all(ctx.settings)
            if each.secret and each.min_length > 1 and each.value
        }
        known[env] = known.get(env, set()) | own | set(_secret_looking(ctx.environ, ctx, unreadable))
    return known, unreadable


def _secret_looking(variables: Mapping[str, str], ctx: Context, unreadable: list[str]) -> Iterator[Named]:
    for name, text in variables.items():
        value = text.strip()
        if not any(part in name.upper() for part in _LOOKS_SECRET) or name in _NOT_SECRET or not value:
            continue
        if name.upper().endswith("_FILE"):
            try:
                value = ctx.read_text(ctx.cwd / value).strip()
            except (FileNotFoundError, NotADirectoryError):
                continue  # it lies on another machine, or in a container: there is nothing here to compare
            except (OSError, UnicodeDecodeError):
                unreadable.append(message("the file that {name} names cannot be read", name=name))
                continue
        if value.lower() not in _PLAIN and not (value.isdigit() and len(value) < _SHORT_NUMBER) and value:
            yield Named(name, value)


def _shared(known: Mapping[Env, set[Named]]) -> Iterator[str]:
    paper, live = known.get(Env.PAPER, set()), known.get(Env.LIVE, set())
    for value in {each.value for each in paper} & {each.value for each in live}:
        names = [", ".join(sorted({each.name for each in side if each.value == value})) for side in (paper, live)]
        yield message(
            "paper and live share a value: {in_paper} in paper, {in_live} in live", in_paper=names[0], in_live=names[1]
        )
