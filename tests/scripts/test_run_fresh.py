from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "run_fresh.sh"
TOOLS = ("bash", "dirname", "awk", "tail", "tr", "df", "date")


class Machine:
    """A made-up machine on which a bare Debian could be made; every fake takes down that it was called."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.bin.mkdir()
        for name in TOOLS:
            real = next(Path(part, name) for part in os.defpath.split(os.pathsep) if Path(part, name).exists())
            (self.bin / name).symlink_to(real)
        codename = re.search(r"^VERSION_CODENAME=(\w+)$", Path("/etc/os-release").read_text(), flags=re.MULTILINE)
        release = codename[1] if codename else ""
        self.fake("id", "echo 0")
        self.fake("unshare", "exit 0")
        self.fake("debootstrap", "exit 1")
        self.fake("git", "exit 1")
        self.fake("apt-config", "exit 0")
        self.fake("apt-get", f"echo '{release} http://127.0.0.1:1/debian Debian'")

    def fake(self, name: str, script: str) -> None:
        """Put a program on the machine."""
        path = self.bin / name
        path.unlink(missing_ok=True)
        path.write_text(f'#!/bin/bash\necho "{name} $*" >>"{self.bin}/calls"\n{script}\n', encoding="utf-8")
        path.chmod(0o755)

    def lacks(self, name: str) -> None:
        """Take a program away."""
        (self.bin / name).unlink()

    @property
    def calls(self) -> str:
        """Every fake that was called, with its arguments."""
        path = self.bin / "calls"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def run(self, *args: str) -> tuple[int, str]:
        """Run the script on it; give its exit code and what it said."""
        done = subprocess.run(
            [SCRIPT, *args], env={"PATH": str(self.bin)}, capture_output=True, text=True, check=False, timeout=30
        )
        return done.returncode, done.stderr


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine that has all it takes."""
    return Machine(tmp_path)


def test_an_unknown_option_is_usage(machine: Machine) -> None:
    """A mistyped option is exit 2 and nothing is tried."""
    code, said = machine.run("--relase", "trixie")

    assert (code, said.count("\n")) == (2, 1)
    assert "usage:" in said
    assert machine.calls == ""


def test_only_root_can_make_one(machine: Machine) -> None:
    """Anybody else is told in one sentence, with the reason."""
    machine.fake("id", "echo 1000")
    code, said = machine.run()

    assert (code, said.count("\n")) == (3, 1)
    assert "root" in said


@pytest.mark.parametrize("tool", ["debootstrap", "unshare", "apt-get", "git"])
def test_a_missing_tool_is_named(tool: str, machine: Machine) -> None:
    """What has to be installed is said before anything is made."""
    machine.lacks(tool)
    code, said = machine.run()

    assert (code, said.count("\n")) == (3, 1)
    assert f"{tool} is missing" in said


def test_a_machine_without_namespaces_is_told(machine: Machine) -> None:
    """Where nothing could be mounted privately nothing is mounted at all."""
    machine.fake("unshare", "exit 1")
    code, said = machine.run()

    assert (code, said.count("\n")) == (3, 1)
    assert "namespaces" in said


def test_a_machine_without_an_archive_is_told(machine: Machine) -> None:
    """The mirror comes from apt's own sources; without one there is none to guess."""
    machine.fake("apt-get", "exit 0")
    code, said = machine.run()

    assert (code, said.count("\n")) == (3, 1)
    assert "no Debian archive" in said


def test_a_full_disk_is_known_beforehand(machine: Machine) -> None:
    """Too little room is said with both numbers, before the first byte is written."""
    machine.fake("df", "printf 'Avail\\n  3G\\n'")
    code, said = machine.run()

    assert (code, said.count("\n")) == (3, 1)
    assert "has 3 GB free and about 9 GB are needed" in said


def test_no_address_is_written_down() -> None:
    """The script names no host: archive, index and proxies are those of the machine it runs on."""
    text = SCRIPT.read_text(encoding="utf-8")

    assert re.findall(r"https?://\S+", text) == []
    assert re.findall(r"\b[\w-]+\.(?:org|com|net|io|dev)\b", text) == []
