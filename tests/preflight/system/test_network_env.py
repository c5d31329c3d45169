from __future__ import annotations

import ssl
from pathlib import Path

import certifi
import pytest

from preflight.system.network_env import why_no_way_out

URL = "https://api.exchange.example/v1/time"
WORD = "canary-word"


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave nothing of what this machine itself sets."""
    for name in ("https_proxy", "all_proxy", "no_proxy", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (f"htp://u:{WORD}@proxy:3128", "htp://proxy:3128"),
        (f"http://u:{WORD}@:3128", "http://:3128"),
        (f"http://u:{WORD}@[::1", "http://[::1"),
        (f"http://u:{WORD}@proxy:31x28", "http://proxy..."),
        (f"http://u:{WORD}", "http://u..."),
        (f"http://u:{WORD}@{WORD}@proxy:99999", "http://proxy:99999"),
        (f" http://u:{WORD}@proxy:3128", " http://proxy:3128"),
        ("http://", "http://"),
        ("http://proxy:abc", "http://proxy..."),
    ],
)
@pytest.mark.parametrize("name", ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
def test_x13_a_malformed_proxy(name: str, value: str, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable that counts is named, with its value but without anything that may be a password."""
    monkeypatch.setenv(name, value)
    assert why_no_way_out(URL) == f"{name} is not the address of a proxy ({shown}): write http://host:port, or unset it"


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks4", "socks4a"])
def test_x13_a_socks_proxy_takes_a_library(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A SOCKS proxy is named as what it is, with what is missing."""
    monkeypatch.setenv("all_proxy", f"{scheme}://u:{WORD}@127.0.0.1:1080")
    why = why_no_way_out(URL)
    assert why is not None
    assert why.startswith(f"all_proxy names a SOCKS proxy ({scheme}://127.0.0.1:1080), which takes a library")
    assert WORD not in why


@pytest.mark.parametrize("value", ["http://u:p@proxy:3128", "proxy:3128", "https://proxy", "http://[::1]:3128/", ""])
def test_a_proxy_that_can_be_one(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is said of an address that is one, though nobody may answer there."""
    monkeypatch.setenv("https_proxy", value)
    assert why_no_way_out(URL) is None


def test_a_proxy_that_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where `no_proxy` takes the host out, what the proxy's variable holds is nothing to this request."""
    monkeypatch.setenv("https_proxy", "http://")
    monkeypatch.setenv("no_proxy", "exchange.example")
    assert why_no_way_out(URL) is None


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_x13_a_bundle(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing, empty, no certificate, a directory without any: each is said; a good one is not, nor one for http."""
    (tmp_path / "empty").touch()
    (tmp_path / "text").write_text("no certificate\n", encoding="utf-8")
    (tmp_path / "folder").mkdir()
    for file, why in (
        ("missing", "cannot be read (No such file or directory)"),
        ("empty", "holds no certificate"),
        ("text", "holds no certificate"),
        ("folder", "is a directory without hashed certificates (openssl rehash makes them)"),
    ):
        path = tmp_path / file
        monkeypatch.setenv(name, str(path))
        found = why_no_way_out(URL)
        assert found == f"{name} names {path}, which {why}: name a file of CA certificates, or unset it"
        assert why_no_way_out(URL.replace("https", "http")) is None
    monkeypatch.setenv(name, certifi.where())
    assert why_no_way_out(URL) is None
    assert ssl.create_default_context(cafile=certifi.where()).get_ca_certs()
