from __future__ import annotations

from pathlib import Path

import pytest

from acceptance.stack.binaries import on_path


def program(folder: Path, name: str, prints: str, code: int = 0) -> Path:
    """Put a program into a folder that prints a text, whatever it is asked."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\ncat <<'E'\n{prints}\nE\nexit {code}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def bin_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder that comes first on PATH; behind it are only the shell's own tools."""
    folder = tmp_path / "prefix" / "bin"
    folder.mkdir(parents=True)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.delenv("GF_PATHS_HOME", raising=False)
    return folder


@pytest.mark.parametrize(
    ("name", "binary", "prints", "version"),
    [
        ("redis", "redis-server", "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.2.1 bits=64", "7.0.15"),
        ("redis", "valkey-server", "Valkey server v=9.1.2 sha=00000000:1 malloc=libc bits=64", "9.1.2"),
        ("prometheus", "prometheus", "prometheus, version 3.0.1 (branch: HEAD, revision: x)", "3.0.1"),
        ("promtool", "promtool", "promtool, version 3.5.0-rc.1 (branch: HEAD, revision: x)", "3.5.0-rc.1"),
        ("node_exporter", "node_exporter", "node_exporter, version 1.8.0 (branch: HEAD)", "1.8.0"),
        ("node_exporter", "prometheus-node-exporter", "node_exporter, version 1.9.1 (branch: debian)", "1.9.1"),
    ],
)
def test_good_enough(bin_dir: Path, name: str, binary: str, prints: str, version: str) -> None:
    """A program on PATH that is new enough is taken, with the version that it reports itself."""
    path = program(bin_dir, binary, prints)
    component, passed_over = on_path.find(name)
    assert component is not None
    assert (component.binary, component.version, component.source) == (path, version, "path")
    assert passed_over == ()


@pytest.mark.parametrize(
    ("name", "answer", "reason"),
    [
        ("redis", ("redis-server", "Redis server v=5.0.14 sha=0", 0), "version 5.0.14 is older than 6"),
        ("redis", ("redis-server", "Redis server v=7.0.15 sha=0", 1), "it cannot answer --version"),
        ("redis", ("redis-server", "hello", 0), "its answer to --version is not redis's"),
        (
            "prometheus",
            ("prometheus", "prometheus, version 2.53.0 (branch: HEAD)", 0),
            "version 2.53.0 is older than 3",
        ),
        (
            "prometheus",
            ("prometheus", "prometheus, version  (branch: )", 0),
            "its answer to --version is not prometheus's",
        ),
        ("node_exporter", ("node_exporter", "node_exporter, version 1.7.0", 0), "version 1.7.0 is older than 1.8"),
        ("postgres", ("postgres", "postgres (PostgreSQL) 12.4", 0), "version 12.4 is older than 13"),
        ("postgres", ("postgres", "postgres (PostgreSQL) 16.4", 0), "there is no initdb beside it"),
        ("grafana", ("grafana", "grafana version 9.5.2", 0), "version 9.5.2 is older than 10"),
    ],
)
def test_passed_over(bin_dir: Path, name: str, answer: tuple[str, str, int], reason: str) -> None:
    """A program that is too old, broken, incomplete or another one of that name is passed over, and a line says why."""
    binary, prints, code = answer
    path = program(bin_dir, binary, prints, code)
    component, passed_over = on_path.find(name)
    assert passed_over[0] == f"{name}: {path} passed over: {reason}"
    assert component is None or component.binary != path


def test_next_one_is_tried(bin_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a program that is passed over, the next one on PATH is tried, and the note stays with it."""
    old = program(bin_dir, "redis-server", "Redis server v=5.0.14")
    good = program(tmp_path / "second", "redis-server", "Redis server v=6.2.0")
    monkeypatch.setenv("PATH", f"{bin_dir}:{tmp_path / 'second'}:/usr/bin:/bin")
    component, passed_over = on_path.find("redis")
    assert component is not None
    assert component.binary == good
    assert component.notes == passed_over == (f"redis: {old} passed over: version 5.0.14 is older than 6",)


def test_postgres_link_is_followed(bin_dir: Path, tmp_path: Path) -> None:
    """A postgres that is a link is taken where it really lies, with initdb and pg_isready beside it."""
    real = program(tmp_path / "pg" / "bin", "postgres", "postgres (PostgreSQL) 17.2")
    program(tmp_path / "pg" / "bin", "initdb", "")
    (bin_dir / "postgres").symlink_to(real)
    component, _ = on_path.find("postgres")
    assert component is not None
    assert component.binary == real


def test_postgres_by_pg_config(bin_dir: Path, tmp_path: Path) -> None:
    """A postgres that is not on PATH is found where pg_config says."""
    real = program(tmp_path / "pg" / "bin", "postgres", "postgres (PostgreSQL) 17.2 (Debian 17.2-1)")
    program(tmp_path / "pg" / "bin", "initdb", "")
    program(bin_dir, "postgres", "no postgres")
    program(bin_dir, "pg_config", str(real.parent))
    component, passed_over = on_path.find("postgres")
    assert component is not None
    assert (component.binary, component.version) == (real, "17.2")
    assert len(passed_over) == 1


@pytest.mark.parametrize("where", ["prefix", "prefix/share/grafana"])
def test_grafana_home(bin_dir: Path, tmp_path: Path, where: str) -> None:
    """Grafana is taken together with the home path that lies with it."""
    path = program(bin_dir, "grafana", "grafana version 12.1.0 (commit: abc, branch: HEAD)")
    home = tmp_path / where
    (home / "conf").mkdir(parents=True)
    (home / "conf" / "defaults.ini").write_text("")
    (home / "public").mkdir()
    component, _ = on_path.find("grafana")
    assert component is not None
    assert (component.binary, component.home, component.version) == (path, home, "12.1.0")


def test_grafana_home_by_variable(bin_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GF_PATHS_HOME names Grafana's home path; without conf/defaults.ini it is none."""
    program(bin_dir, "grafana", "grafana version 11.0.0")
    home = tmp_path / "elsewhere"
    (home / "public").mkdir(parents=True)
    monkeypatch.setenv("GF_PATHS_HOME", str(home))
    component, passed_over = on_path.find("grafana")
    assert component is None or component.home != home
    (home / "conf").mkdir()
    (home / "conf" / "defaults.ini").write_text("")
    component, passed_over = on_path.find("grafana")
    assert component is not None
    assert component.home == home
    assert passed_over == ()
