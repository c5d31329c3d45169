from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from evidence import errors
from evidence.attest import keys


def ec_pem(*, public: bool) -> bytes:
    """Return a key of another kind."""
    key = ec.generate_private_key(ec.SECP256R1())
    if public:
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return key.public_key().public_bytes(serialization.Encoding.PEM, form)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def test_a_pair_signs_and_verifies(tmp_path: Path) -> None:
    """What `keygen` writes can be read back from the file and from the variable; only its owner can read it."""
    public, key = keys.generate(tmp_path / "key")
    assert oct((tmp_path / "key").stat().st_mode & 0o777) == "0o600"
    assert keys.read_public(public).keyid == key.keyid
    from_file = keys.configured({keys.KEY_FILE_VARIABLE: str(tmp_path / "key")})
    from_text = keys.configured({keys.KEY_VARIABLE: (tmp_path / "key").read_text()})
    assert from_file is not None
    assert from_text is not None
    key.verify_signature(from_file.sign(b"x"), b"x")
    key.verify_signature(from_text.sign(b"x"), b"x")
    assert keys.configured({}) is None


@pytest.mark.parametrize("taken", ["key", "key.pub"])
def test_a_key_is_never_overwritten(tmp_path: Path, taken: str) -> None:
    """Neither half replaces a file, or goes through a link."""
    (tmp_path / taken).write_text("mine")
    with pytest.raises(errors.KeyFileError, match="never overwritten"):
        keys.generate(tmp_path / "key")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(taken, "mine")]


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """The sentence says how to put it right."""
    keys.generate(tmp_path / "key")
    (tmp_path / "key").chmod(0o640)
    with pytest.raises(errors.KeyFileError, match=r"can be read by others \(mode 0640\): chmod 600"):
        keys.configured({keys.KEY_FILE_VARIABLE: str(tmp_path / "key")})


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"hunter22", "does not hold"), (b"", "does not hold"), (ec_pem(public=False), "of another kind")],
    ids=["text", "empty", "other kind"],
)
def test_what_is_not_a_key_is_named_and_not_quoted(tmp_path: Path, content: bytes, sentence: str) -> None:
    """A wrong key is an error and never UNSIGNED; its content stays out of the message and its causes."""
    (tmp_path / "key").write_bytes(content)
    (tmp_path / "key").chmod(0o600)
    given = [{keys.KEY_FILE_VARIABLE: str(tmp_path / "key")}]
    given += [{keys.KEY_VARIABLE: content.decode()}] if content else []
    for environ in given:
        with pytest.raises(errors.KeyFileError, match=sentence) as caught:
            keys.configured(environ)
        assert "hunter22" not in str(caught.value)
        assert caught.value.__cause__ is None


def test_two_keys_at_once_are_refused(tmp_path: Path) -> None:
    """Which one was meant cannot be guessed."""
    with pytest.raises(errors.KeyFileError, match="both set"):
        keys.configured({keys.KEY_FILE_VARIABLE: str(tmp_path), keys.KEY_VARIABLE: "x"})


def test_what_is_not_a_public_key_is_named(tmp_path: Path) -> None:
    """The private half, another kind, text, a pipe, nothing: each has its sentence."""
    keys.generate(tmp_path / "key")
    (tmp_path / "other.pub").write_bytes(ec_pem(public=True))
    (tmp_path / "text.pub").write_text("x")
    os.mkfifo(tmp_path / "pipe.pub")
    for name, sentence in (
        ("key", "that is the private half"),
        ("other.pub", "only Ed25519"),
        ("text.pub", "not a public Ed25519 key"),
        ("pipe.pub", "not a regular file"),
        ("none.pub", "cannot be read"),
    ):
        with pytest.raises(errors.KeyFileError, match=sentence):
            keys.read_public(tmp_path / name)
