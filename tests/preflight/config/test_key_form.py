from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from preflight.config.key_form import why_misshapen

KEY = "9f86d081884c7d659a2feaa0c55ad015"
PRIVATE = Ed25519PrivateKey.generate()
PEM = PRIVATE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
LOCKED = PRIVATE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")).decode()
PUBLIC = PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.mark.parametrize(
    ("value", "why"),
    [
        pytest.param(f" {KEY}", "begins with a space", id="space-in-front"),
        pytest.param(f"{KEY} ", "ends with a space", id="space-at-the-end"),
        pytest.param(f"{KEY}\r", "ends with a carriage return: a file with Windows line ends", id="cr"),
        pytest.param(f"\ufeff{KEY}", "begins with a byte order mark (BOM, U+FEFF)", id="bom"),
        pytest.param(
            f"{KEY[:9]}\u200b{KEY}", "holds an invisible character (zero-width space, U+200B)", id="zero-width"
        ),
        pytest.param(f"{KEY}\n{KEY}", "holds a line break: more than one line", id="two-lines"),
        pytest.param(f"{KEY[:9]}\u2060{KEY}", "holds an invisible character (U+2060)", id="word-joiner"),
        pytest.param(f"{KEY[:9]}\x00{KEY}", "holds an invisible character (U+0000)", id="nul"),
        pytest.param(f"{KEY[:9]}\u3000{KEY}", "holds an invisible character (U+3000)", id="wide-space"),
        pytest.param(f'"{KEY}"', "is in quotation marks, which are read as a part of it", id="quotes"),
        pytest.param(f"{KEY}가", "holds a letter that no key has (not ASCII)", id="letter"),
        pytest.param(PEM, "is a PEM where the name of a key belongs", id="pem"),
        pytest.param(KEY, None, id="good"),
        pytest.param("organizations/1-2/apiKeys/3-4", None, id="coinbase"),
        pytest.param("c2VjcmV0+/c2VjcmV0==", None, id="base64"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_x9_a_key(value: str, why: str | None) -> None:
    """What is wrong with a key that was copied is told by its kind, and the key is not repeated."""
    assert why_misshapen(value) == why


@pytest.mark.parametrize(
    ("value", "why"),
    [
        pytest.param(PEM, None, id="good"),
        pytest.param(PEM.replace("\n", "\r\n"), None, id="windows"),
        pytest.param(KEY, None, id="no-pem"),
        pytest.param(LOCKED, "is an encrypted private key, which", id="encrypted"),
        pytest.param(
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAA\n"
            "-----END RSA PRIVATE KEY-----\n",
            "is an encrypted private key, which",
            id="encrypted-as-of-old",
        ),
        pytest.param(PEM.replace("\n", "\\n"), "is a PEM on one line", id="line-breaks-spelled-out"),
        pytest.param(PEM.replace("\n", " "), "is a PEM on one line", id="line-breaks-as-spaces"),
        pytest.param(PEM.replace("\n", ""), "is a PEM on one line", id="line-breaks-lost"),
        pytest.param(PEM.partition("-----END")[0] + "\n\n\n", "is a PEM without its end", id="cut"),
        pytest.param(f" {PEM}", "has something in front of its PEM", id="space-in-front"),
        pytest.param(PUBLIC, "is a PEM, but not a private key", id="public"),
        pytest.param(f" {KEY}", "begins with a space", id="space"),
    ],
)
def test_x9_a_secret_may_be_a_pem(value: str, why: str | None) -> None:
    """A private key in PEM is welcome as it is; encrypted, on one line or cut it is not."""
    found = why_misshapen(value, pem=True)
    assert (found is None) is (why is None)
    assert why is None or str(found).startswith(why)
    assert found is None or KEY not in found


@pytest.mark.parametrize(("value", "good"), [("my own 암호", True), ("my own ", False), ("my\u200bown", False)])
def test_x9_a_passphrase_is_chosen_by_a_person(value: str, *, good: bool) -> None:
    """Inside a passphrase spaces and letters of any language are its owner's choice."""
    assert (why_misshapen(value, spaced=True) is None) is good
