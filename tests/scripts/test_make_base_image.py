from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.scripts.machine import Machine

pytestmark = pytest.mark.leg("servers")

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "make_base_image.sh"
IS_DEBIAN = os.access("/etc/debian_version", os.R_OK)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine on which Docker answers and no registry does, without debootstrap; its archive is made up."""
    made = Machine(tmp_path, SCRIPT)
    made.fake("docker", 'case "$*" in version) exit 0;; *) exit 1;; esac')
    made.fake("id", "echo 0")
    made.fake("apt-config", "exit 0")
    for name in ("mktemp", "tail", "df", "tr", "cp"):
        real = next(Path(part, name) for part in os.defpath.split(os.pathsep) if Path(part, name).exists())
        (made.bin / name).symlink_to(real)
    _apt(made, f'cp "{made.bin}/unpacked" "{made.bin}/debootstrap"')
    made.fake("unpacked", "echo 'E: no such archive'; exit 1")
    return made


def _apt(machine: Machine, installing: str) -> None:
    codename = re.search(r"^VERSION_CODENAME=(\w+)$", Path("/etc/os-release").read_text(), flags=re.MULTILINE)
    archive = f"{codename[1] if codename else ''} http://127.0.0.1:1/debian Debian"
    machine.fake("apt-get", f"""case "$*" in indextargets*) echo '{archive}';; *install*) {installing};; esac""")


def test_debootstrap_is_installed_where_it_is_missing(machine: Machine) -> None:
    """Docker may come from anywhere, so whoever needs debootstrap sees to it, and sends nobody in a circle."""
    done = machine.run()
    installed = [call.split()[-1] for call in machine.calls if call.startswith("apt-get ") and " install " in call]
    assert (done.returncode, installed) == ((1, ["debootstrap"]) if IS_DEBIAN else (3, []))
    assert ("E: no such archive" in done.stderr) is IS_DEBIAN  # it was run, and its own words are shown


def test_one_that_cannot_be_installed_is_said(machine: Machine) -> None:
    """With apt's own words."""
    _apt(machine, "echo 'E: held broken packages'; exit 100")
    done = machine.run()
    assert done.returncode == (1 if IS_DEBIAN else 3)
    assert ("E: held broken packages" in done.stderr) is IS_DEBIAN
    assert ("debootstrap could not be installed" in done.stderr) is IS_DEBIAN


def test_who_is_not_root_is_told_once(machine: Machine) -> None:
    """The two ways on; nothing is tried."""
    machine.fake("id", "echo 1000")
    done = machine.run()
    assert done.returncode == 3
    assert "as root on Debian" in done.stderr
    assert not [call for call in machine.calls if call.startswith("apt-get")]
