"""A machine for the set-up scripts that has nothing but what a test puts on it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

TOOLS = ("bash", "dirname", "timeout", "grep", "sed", "cut", "cat", "mkdir", "rm", "sleep", "flock", "awk", "env")


class Machine:
    """A made-up machine: a PATH with a few real tools and whatever fakes a test writes."""

    def __init__(self, folder: Path, script: Path) -> None:
        self.script = script
        self.bin = folder / "bin"
        self.state = folder / "state"
        self.bin.mkdir()
        for name in TOOLS:
            real = next(Path(part, name) for part in os.defpath.split(os.pathsep) if Path(part, name).exists())
            (self.bin / name).symlink_to(real)

    def fake(self, name: str, script: str) -> None:
        """Put a program on the machine; each call is taken down in `calls`."""
        path = self.bin / name
        path.write_text(f'#!/bin/bash\necho "{name} $*" >>"{self.bin}/calls"\n{script}\n', encoding="utf-8")
        path.chmod(0o755)

    @property
    def calls(self) -> list[str]:
        """Every fake that was called, with its arguments."""
        path = self.bin / "calls"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    def run(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Run the script on it."""
        env = {"PATH": str(self.bin), "ARBITRAGE_DOCKER_STATE": str(self.state)}
        return subprocess.run([self.script, *args], env=env, capture_output=True, text=True, check=False, timeout=60)
