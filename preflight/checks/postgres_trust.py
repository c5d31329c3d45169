"""Whether it is the bot's own Postgres that answers: how it proved itself, its certificate, libpq's variables."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import datetime

from preflight.check import Context
from preflight.checks.certificates import client_certificate
from preflight.checks.certificates import judged as judged_by_certificates
from preflight.config.dotenv_file import UnreadableError, read_dotenv
from preflight.config.sections import PostgresSection
from preflight.message import message
from preflight.model import Outcome, Status
from preflight.servers.certificates import Refusal, refusal_of

_EXPECTED = "a Postgres that proves to be the bot's"
_NO_PROOF = Refusal(
    meaning=message("asks for the password in a way that proves nothing about it"),
    hint=message(
        "have it ask by SCRAM: scram-sha-256 in pg_hba.conf, and the role's password set anew "
        "under password_encryption = scram-sha-256; or set "
        "PREFLIGHT_POSTGRES__SSLMODE=verify-full"
    ),
)
_NO_TLS = Refusal(
    meaning=message("has no TLS that proves who it is"),
    hint=message("turn `ssl` on there, and set PREFLIGHT_POSTGRES__SSLMODE=verify-full or have it ask by SCRAM"),
)
_KEY = Refusal(
    meaning=message("cannot be asked: the key file cannot be used"),
    hint=message("chmod 600 the file of PREFLIGHT_POSTGRES__KEY_FILE; it belongs to the certificate of __CERT_FILE"),
)
_WANTS_OURS = Refusal(
    meaning=message("asks for a certificate of ours"), hint=message("set PREFLIGHT_POSTGRES__CERT_FILE and __KEY_FILE")
)
_STRANGER = Refusal(
    meaning=message("cannot prove to be the bot's"),
    hint=message(
        "a Postgres behind a Unix socket may run as root, as this user or as an account of "
        "PREFLIGHT_POSTGRES__OWNERS: find out who listens there"
    ),
)

# Part of libpq's text, beside which there is no SQLSTATE -> what it means.
_TEXTS: tuple[tuple[str, Refusal], ...] = (
    # The whole login was ours to choose: libpq gives up on one that asks for nothing.
    (
        "server did not complete authentication",
        Refusal(
            meaning=message("lets everybody in: a password is configured, and it asks for none"),
            hint=message(
                "in pg_hba.conf (pgbouncer: auth_type) have this role log in by scram-sha-256 instead of trust"
            ),
        ),
    ),
    ("authentication method requirement", _NO_PROOF),
    ("channel binding", _NO_TLS),
    ("does not support SSL", _NO_TLS),
    (
        "does not match host name",
        Refusal(
            meaning=message("shows a certificate for another name"),
            hint=message("set PREFLIGHT_POSTGRES__HOST to a name that is in its certificate"),
        ),
    ),
    (
        "root certificate file",
        Refusal(
            meaning=message("shows a certificate that cannot be checked here"),
            hint=message("set PREFLIGHT_POSTGRES__CA_FILE to the certificate of the authority that signed it"),
        ),
    ),
    ("private key file", _KEY),
    ("could not load private key", _KEY),
    ("client certificate", _WANTS_OURS),
    ("certificate required", _WANTS_OURS),
    (
        "SSL error",
        Refusal(
            meaning=message("broke the TLS handshake off"),
            hint=message("see the server's log and PREFLIGHT_POSTGRES__SSLMODE"),
        ),
    ),
)


def refusal(error: Exception, where: str, settings: PostgresSection) -> Outcome | None:
    """Return why the server could not be trusted; None where the error is about something else."""
    from preflight.servers.postgres import UnprovenPostgresError  # noqa: PLC0415 - loads psycopg2

    text = str(error).strip()
    line = text.splitlines()[0] if text else "no reason given"
    why = _STRANGER if isinstance(error, UnprovenPostgresError) else _of_certificate(text, settings)
    if why is None:
        why = next((known for part, known in _TEXTS if part in text), None)
    if why is None:
        return None
    return Outcome(
        status=Status.FAIL,
        summary=message("Postgres at {where} {meaning}", where=where, meaning=why.meaning),
        hint=why.hint,
        expected=_EXPECTED,
        actual=line,
    )


def _of_certificate(text: str, settings: PostgresSection) -> Refusal | None:
    """Look at a certificate that libpq refused, for it does not say why."""
    from preflight.servers.postgres import checks_certificate, end_of_certificate  # noqa: PLC0415 - as above

    if "certificate verify failed" not in text or not checks_certificate(settings):
        return None
    try:
        end_of_certificate(settings)
    except OSError as e:
        return refusal_of(e, "POSTGRES")
    return None


def judged(outcome: Outcome, ctx: Context) -> Outcome:
    """Let certificates that end soon, and variables of libpq that lead elsewhere, spoil a PASS."""
    from preflight.servers.libpq import differing  # noqa: PLC0415 - only where there is an answer to judge
    from preflight.servers.postgres import checks_certificate, end_of_certificate  # noqa: PLC0415

    settings = ctx.settings.postgres
    if outcome.status is Status.PASS and checks_certificate(settings):
        ends: dict[str, datetime] = {
            message("Postgres at {where}: its", where=settings.where): end_of_certificate(settings)
        }
        outcome = judged_by_certificates(outcome, {**ends, **client_certificate(settings)}, ctx)
    if outcome.status is not Status.PASS:
        return outcome
    variables = dict(ctx.environ)
    with contextlib.suppress(UnreadableError):  # `secrets` and `environment` speak of that file
        variables = {**(read_dotenv(ctx.cwd / f".env.{ctx.settings.env}", ctx.read_text) or {}), **variables}
    names = differing(variables, settings)
    if not names:
        return outcome
    return replace(
        outcome,
        status=Status.WARN,
        summary=message(
            "{names} would lead libpq elsewhere than to Postgres at {where}, which was asked",
            names=", ".join(names),
            where=settings.where,
        ),
        hint=message(
            "unset {names}, or give the same as settings: the bot may obey what preflight does not",
            names=" ".join(names),
        ),
        expected="no variable of libpq that differs from the settings",
        actual=", ".join(names),
    )
