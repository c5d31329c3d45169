"""How long certificates are good for, and what a handshake that failed means."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from preflight.message import Message, message

SOON = timedelta(days=14)  # that is left of a certificate, and is a WARN
_VALIDITY = 4  # place of the field in a certificate: after version, serial number, algorithm and issuer


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a server cannot be trusted, or does not trust us."""

    meaning: Message
    hint: Message


# OpenSSL's number of what is wrong with a certificate (X509_V_ERR_*)
_EXPIRED, _NOT_YET, _OTHER_NAME = 10, 9, frozenset({62, 64})


def refusal_of(error: BaseException | None, table: str) -> Refusal | None:
    """Return why TLS could not be had; None where the error is about something else.

    Args:
        error: What was raised.
        table: The table of settings, such as `REDIS`, as variables name it.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        return _of_certificate(error.verify_code, table)
    if not isinstance(error, ssl.SSLError):
        return None
    if "ALERT" in (error.reason or "") or isinstance(
        error, ssl.SSLEOFError
    ):  # the second where TLS 1.3 is refused late
        return Refusal(
            meaning=message("broke the TLS handshake off"),
            hint=message(
                "it may want a certificate of ours: PREFLIGHT_{table}__CERT_FILE and __KEY_FILE; see its log",
                table=table,
            ),
        )
    if error.reason == "KEY_VALUES_MISMATCH":
        return Refusal(
            meaning=message("cannot be asked: our key does not belong to our certificate"),
            hint=message("set PREFLIGHT_{table}__CERT_FILE and __KEY_FILE to a pair", table=table),
        )
    return Refusal(
        meaning=message("does not speak TLS 1.2 or later"),
        hint=message("check PREFLIGHT_{table}__PORT, and whether TLS is on there", table=table),
    )


def _of_certificate(code: int, table: str) -> Refusal:
    if code == _EXPIRED:
        return Refusal(
            meaning=message("shows a certificate that has expired"),
            hint=message("have the server's certificate renewed"),
        )
    if code == _NOT_YET:
        return Refusal(
            meaning=message("shows a certificate that is not valid yet"),
            hint=message("compare the clocks of both machines"),
        )
    if code in _OTHER_NAME:
        return Refusal(
            meaning=message("shows a certificate for another name"),
            hint=message("set PREFLIGHT_{table}__HOST to a name that is in its certificate", table=table),
        )
    return Refusal(
        meaning=message("shows a certificate that no trusted authority signed"),
        hint=message("set PREFLIGHT_{table}__CA_FILE to the certificate of the authority that signed it", table=table),
    )


def left_of(until: datetime, whose: str, now: datetime) -> tuple[bool, Message] | None:
    """Judge when a certificate ends.

    Returns:
        Whether it is over, and that as a sentence; None where it is good for long enough.
    """
    if until <= now:
        return True, message("{whose} certificate expired on {day}", whose=whose, day=f"{until:%Y-%m-%d}")
    if until - now <= SOON:
        return False, message("{whose} certificate expires on {day}", whose=whose, day=f"{until:%Y-%m-%d}")
    return None


def end_of_peer(shown: Any) -> datetime:
    """Return when a certificate that the peer showed ends, from what `SSLSocket.getpeercert` gives."""
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(shown["notAfter"]), UTC)


def end_of_file(path: Path) -> datetime:
    """Return when the first certificate in a PEM file ends.

    Raises:
        ValueError: There is none in it.
    """
    text = path.read_text(encoding="ascii", errors="replace")
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    if begin not in text or end not in text:
        raise ValueError("no certificate in PEM form")
    der = ssl.PEM_cert_to_DER_cert(begin + text.split(begin, 1)[1].split(end, 1)[0] + end)
    # X.509 in DER: sequences of (tag, length, value); the validity is a sequence of two moments.
    fields = list(_inside(next(_inside(next(_inside(der))[1]))[1]))
    if fields[0][0] != 0xA0:  # the tag of the version, which certificates of version 1 have not
        fields.insert(0, fields[0])
    tag, moment = list(_inside(fields[_VALIDITY][1]))[1]
    form = "%y%m%d%H%M%SZ" if tag == 0x17 else "%Y%m%d%H%M%SZ"  # UTCTime, else GeneralizedTime
    return datetime.strptime(moment.decode("ascii"), form).replace(tzinfo=UTC)


def _inside(der: bytes) -> Iterator[tuple[int, bytes]]:
    """Return tag and value of each element that stands in the bytes."""
    at = 0
    while at < len(der):
        tag, length, at = der[at], der[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            length, at = int.from_bytes(der[at : at + size], "big"), at + size
        yield tag, der[at : at + length]
        at += length
