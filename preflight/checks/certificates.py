"""What becomes of a check whose connection stands on a certificate that ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from preflight.check import Context
from preflight.config.sections import ServerSection
from preflight.message import joined, message
from preflight.model import Outcome, Status


def client_certificate(settings: ServerSection) -> dict[str, datetime]:
    """Return when our own certificate ends, by what it is called; nothing where there is none."""
    from preflight.servers.certificates import end_of_file  # noqa: PLC0415 - only where TLS is used

    if settings.cert_file is None:
        return {}
    return {message("our own ({file})", file=settings.cert_file): end_of_file(settings.cert_file)}


def judged(outcome: Outcome, ends: Mapping[str, datetime], ctx: Context) -> Outcome:
    """Return a PASS back, or what a certificate makes of it: over is FAIL, over within two weeks is WARN.

    Args:
        outcome: What the check found otherwise.
        ends: Whose certificate -> its last moment.
        ctx: Tells the time.
    """
    from preflight.servers.certificates import left_of  # noqa: PLC0415 - as above

    now = datetime.fromtimestamp(ctx.now(), UTC)
    found = [left for whose, until in ends.items() if (left := left_of(until, whose, now)) is not None]
    if not found:
        return outcome
    over = any(is_over for is_over, _ in found)
    return replace(
        outcome,
        status=Status.FAIL if over else Status.WARN,
        summary=joined(said for _, said in found),
        hint=message("renew it, and have the server reload it"),
        expected="certificates that are good for two more weeks",
        actual=found[0][1],
    )
