"""`--output`: what is planted in its folder while the gate runs leads nowhere."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from preflight.check import Check, Context
from preflight.cli import main
from preflight.commands.outfile import open_output
from preflight.errors import UsageError
from preflight.message import Message
from preflight.model import Outcome, Status
from preflight.registry import Registry

pytestmark = pytest.mark.leg("servers")


@pytest.fixture
def sticky(open_dir: Path) -> Path:
    """A folder in which everybody may make files, as /tmp is."""
    open_dir.chmod(0o1777)
    return open_dir


@pytest.mark.parametrize("plant", ["link", "parent"])
def test_q7_a_link_planted_during_the_run_is_not_followed(
    plant: str, sticky: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_check: Callable[..., Check]
) -> None:
    """A link that appears at `--output`, or in place of its folder, while checks run costs nobody a file."""
    private = tmp_path / "private"
    private.mkdir()
    (private / "report.json").write_text("the key", encoding="utf-8")
    (private / "report.json").chmod(0o600)
    output = sticky / "reports" / "report.json"
    output.parent.mkdir()

    def attack(_: Context) -> Outcome:
        if plant == "link":
            output.symlink_to(private / "report.json")
        else:
            output.parent.rename(sticky / "aside")
            output.parent.symlink_to(private)
        return Outcome(status=Status.PASS, summary=Message("planted"))

    textfile = tmp_path / "textfile"
    textfile.mkdir(mode=0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("preflight.registry.default_registry", lambda _=None: Registry((make_check("redis", attack),)))
    main(["--env", "paper", "--output", str(output), "--metrics-output", str(textfile)])
    written = (output.parent if plant == "link" else sticky / "aside") / "report.json"
    assert (private / "report.json").read_text(encoding="utf-8") == "the key"
    assert not written.is_symlink()
    assert json.loads(written.read_text(encoding="utf-8"))["env"] == "paper"


def test_q7_the_report_is_for_this_user_alone(tmp_path: Path) -> None:
    """Mode 0600 whatever the umask, also where a file that others may read has the name."""
    target = tmp_path / "report.json"
    target.write_text("old", encoding="utf-8")
    target.chmod(0o644)
    before = os.umask(0)
    try:
        with closing(open_output(target)) as file:
            file.write("new")
    finally:
        os.umask(before)
    assert (target.read_text(encoding="utf-8"), stat.S_IMODE(target.stat().st_mode)) == ("new", 0o600)


@pytest.mark.parametrize("owners", [{os.geteuid() + 1}, frozenset[int]()], ids=["another", "nobody"])
def test_q7_a_link_of_another_user_is_refused(sticky: Path, tmp_path: Path, owners: frozenset[int]) -> None:
    """A link that somebody else planted before the run is named, with what to do."""
    link = sticky / "report.json"
    link.symlink_to(tmp_path / "private")
    with pytest.raises(UsageError, match=rf"^--output {link}: is a link that user {os.geteuid()} made: remove it"):
        open_output(link, owners=owners)
