from __future__ import annotations

import base64

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from evidence.redact import MARK, SHORTEST_SECRET, Redactor
from tests.evidence.hidings import ENCODINGS, FOLDS

SECRETS = st.text(
    # What a person or a generator would use: printable, any script, quotes, backslash, line breaks.
    alphabet=st.one_of(
        st.sampled_from("aZ09'\"\\/%&<>+ =\n\t"),
        st.characters(exclude_categories=["Cs", "Cc"], min_codepoint=33),
    ),
    min_size=SHORTEST_SECRET,
    max_size=40,
)


@settings(max_examples=200, deadline=None)  # each example tries every encoding
@given(secret=SECRETS, left=st.text(max_size=5), right=st.text(max_size=5))
@example(secret="*****", left="*", right="**")
@example(secret="00'\t", left="", right="")
@example(secret="\\'\\'", left="", right="")
def test_no_secret_survives_in_any_encoding(secret: str, left: str, right: str) -> None:
    """Whatever the secret, its neighbours and its encoding, it is gone from what enters a bundle."""
    redactor = Redactor([secret])
    for name, encode in ENCODINGS.items():
        written = encode(secret)
        data = f"{left}{written}{right}".encode("utf-8", "backslashreplace")
        clean = redactor.redact(data)
        assert written.encode() not in clean, name
        assert not redactor.found_in(clean), name


@given(
    secret=st.text(alphabet=st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=8, max_size=40),
    user=st.text(alphabet="abcdefgh", min_size=1, max_size=9),
)
def test_basic_authorization_is_redacted(secret: str, user: str) -> None:
    """A secret inside a longer base64 text is found wherever it starts."""
    header = base64.b64encode(f"{user}:{secret}".encode())
    clean = Redactor([secret]).redact(b"Authorization: Basic " + header)
    assert header not in clean
    assert MARK in clean


@given(data=st.binary(max_size=200))
def test_without_a_secret_nothing_changes(data: bytes) -> None:
    """What holds no secret enters as it is, binary data too."""
    assert Redactor(["not-in-these-bytes-7f3a"]).redact(data) == data


def test_every_secret_goes_and_the_rest_stays() -> None:
    """Several secrets, one inside another, go; what is around them stays."""
    redactor = Redactor(["hunter22", "hunter22-longer"])
    redactor.know("anotherone")
    clean = redactor.redact_text("a hunter22 b hunter22-longer c anotherone d")
    assert clean == "a *** b *** c *** d"


def test_a_line_of_a_long_key_is_a_secret_too() -> None:
    """A log that indents a many-line key shows none of its long lines."""
    line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC"
    redactor = Redactor([f"-----BEGIN PRIVATE KEY-----\n{line}\n-----END PRIVATE KEY-----"])
    assert line not in redactor.redact_text(f"E     {line}\nE     end")


def test_a_tree_is_redacted_in_keys_and_values_and_stays_a_tree() -> None:
    """Strings of a document are redacted wherever they stand; numbers and shape stay."""
    tree = {"hunter22": [1.5, None, {"k": "x hunter22"}], "n": True}
    assert Redactor(["hunter22"]).redact_tree(tree) == {"***": [1.5, None, {"k": "x ***"}], "n": True}


@pytest.mark.parametrize("secret", ["", "abc"])
def test_a_secret_too_short_is_refused_without_showing_it(secret: str) -> None:
    """An empty or tiny secret would redact ordinary text, so it is refused, and not quoted."""
    with pytest.raises(ValueError, match="cannot be told from ordinary text") as caught:
        Redactor([secret])
    assert secret == "" or secret not in str(caught.value)


SPLIT = "opensesame-1/with+signs"
HIDINGS = ("plain", "base64", "url", "hex")


@pytest.mark.parametrize("hiding", HIDINGS)
@pytest.mark.parametrize("fold", FOLDS)
def test_a_secret_split_over_lines_is_found(fold: str, hiding: str) -> None:
    """A folded line hides no secret, in whatever encoding; what is around it stays."""
    folded = FOLDS[fold](ENCODINGS[hiding](SPLIT))
    redactor = Redactor([SPLIT])
    data = f"before\n{folded}\nafter".encode()

    clean = redactor.redact(data)

    assert redactor.found_in(data)
    assert not redactor.found_in(clean)
    assert clean.startswith(b"before\n")
    assert clean.endswith(b"\nafter")
    assert MARK in clean
    assert ENCODINGS[hiding](SPLIT)[7:].encode() not in clean


def test_lines_that_only_look_alike_stay() -> None:
    """Text in several lines that holds no secret enters as it is."""
    data = b"open\nsesame\n\n  -1\nredis-1 | ready\n"
    assert Redactor([SPLIT]).redact(data) == data
