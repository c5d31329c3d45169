"""Ed25519 keys: made, read from a file or a variable, never printed."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from securesystemslib.signer import CryptoSigner, SSlibKey

from evidence.errors import KeyFileError

#: Variables of the environment that name the signing key: a file, or the key itself (a secret of a CI service).
KEY_FILE_VARIABLE: Final = "EVIDENCE_SIGNING_KEY_FILE"
KEY_VARIABLE: Final = "EVIDENCE_SIGNING_KEY"
_LARGEST = 64 << 10  # bytes: a key file is far smaller


def generate(path: Path) -> tuple[Path, SSlibKey]:
    """Make a key pair: the private half in `path` (mode 0600), the public half beside it as ``<path>.pub``.

    Returns:
        Where the public half lies, and it.

    Raises:
        KeyFileError: one of the files is there already, or cannot be written.
    """
    private = Ed25519PrivateKey.generate()
    public_path = path.with_name(path.name + ".pub")
    secret = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    if public_path.exists() or public_path.is_symlink():
        raise KeyFileError(f"{public_path} is there already: a key is never overwritten; name another file")
    _write_new(path, secret, 0o600)
    _write_new(public_path, public, 0o644)
    return public_path, SSlibKey.from_crypto(private.public_key())


def configured(environ: Mapping[str, str] | None = None) -> CryptoSigner | None:
    """Return the signer that the environment names; None if it names none.

    Raises:
        KeyFileError: it names a key that cannot be used. To sign with nothing instead would hide that.
    """
    given = os.environ if environ is None else environ
    text, file = given.get(KEY_VARIABLE, ""), given.get(KEY_FILE_VARIABLE, "")
    if text and file:
        raise KeyFileError(f"{KEY_VARIABLE} and {KEY_FILE_VARIABLE} are both set: unset one")
    if text:
        return _signer(text.encode("utf-8", "surrogateescape"), KEY_VARIABLE)
    if not file:
        return None
    path = Path(file)
    data, mode = _read(path)
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyFileError(f"{path} can be read by others (mode {mode:04o}): chmod 600 {path}")
    return _signer(data, str(path))


def read_public(path: Path) -> SSlibKey:
    """Read a public key.

    Raises:
        KeyFileError: it is missing or not a public Ed25519 key.
    """
    data, _ = _read(path)
    try:
        key = serialization.load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        hint = "that is the private half: name the file that ends in .pub" if b"PRIVATE KEY" in data else "not PEM"
        message = f"{path} is not a public Ed25519 key ({hint})"
        raise KeyFileError(message) from error
    if not isinstance(key, Ed25519PublicKey):
        raise KeyFileError(f"{path} is a public key of another kind: only Ed25519 is used")
    return SSlibKey.from_crypto(key)


def _signer(data: bytes, origin: str) -> CryptoSigner:
    try:
        key = serialization.load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # The cause is left out: it may quote what was given.
        raise KeyFileError(
            f"{origin} does not hold an unencrypted private key in PEM: make one by `evidence keygen`"
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(f"{origin} holds a private key of another kind: make one by `evidence keygen`")
    return CryptoSigner(key)


def _read(path: Path) -> tuple[bytes, int]:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            if not stat.S_ISREG(mode):
                raise KeyFileError(f"{path} is not a regular file, so it is not read as a key")
            return stream.read(_LARGEST), stat.S_IMODE(mode)
    except OSError as error:
        message = f"the key {path} cannot be read: {error.strerror}"
        raise KeyFileError(message) from error


def _write_new(path: Path, data: bytes, mode: int) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
    except FileExistsError as error:
        message = f"{path} is there already: a key is never overwritten; name another file"
        raise KeyFileError(message) from error
    except OSError as error:
        message = f"the key {path} cannot be written: {error.strerror}"
        raise KeyFileError(message) from error
