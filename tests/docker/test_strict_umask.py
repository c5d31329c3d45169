"""A checkout cloned under umask 077, and what docs/compose.md says of it: everything starts, no secret is opened."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from acceptance.stack.compose.images import choose
from tests.docker.operator import DOCS, Operator, at_work, documented

pytestmark = [pytest.mark.compose, pytest.mark.timeout(600)]

OTHER = 4711
"""A user of this machine whom nothing of the checkout is for."""


@pytest.fixture(scope="module")
def operator() -> Iterator[Operator]:
    """Somebody whose umask is 077; `make images secrets` has run."""
    # Not below pytest's own folder, which is closed for others whatever the checkout's modes are.
    with tempfile.TemporaryDirectory() as outer:
        Path(outer).chmod(0o755)
        root = Path(outer, "checkout")
        root.mkdir(mode=0o700)
        with at_work(root, umask=0o077) as made:
            yield made


def _secrets_are_closed(operator: Operator) -> bool:
    """Whether another user gets at none of the secret files."""
    folder = operator.folder / "secrets"
    files = [path for path in folder.rglob("*") if path.is_file()]
    script = "import sys; [open(each).close() for each in sys.argv[1:]]"
    tried = [
        subprocess.run(["python3", "-c", script, str(path)], user=OTHER, check=False, capture_output=True).returncode
        for path in files
    ]
    return stat.S_IMODE(folder.stat().st_mode) == 0o700 and len(files) >= 5 and all(tried)


def test_make_images_secrets_is_all_that_is_needed(operator: Operator) -> None:
    """K2: Every service gets healthy and the gate says GO; the secrets are nobody else's."""
    operator.comes_up()
    operator.types(documented("docker compose run --rm preflight db migrate"))
    assert "GO" in operator.types(documented("docker compose run --rm preflight --env paper")).stdout
    assert _secrets_are_closed(operator)
    operator.types("docker compose down --timeout 5")


def test_the_documented_line_opens_configuration_and_no_secret(operator: Operator) -> None:
    """K3: After a pull under the same umask a service that cannot read says so; the line helps, secrets stay closed."""
    root = operator.folder.parent
    for path in ((root / "monitoring"), *(root / "monitoring").rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
    done = operator.tries("docker compose up -d --wait --wait-timeout 15")
    assert done.code != 0
    assert "/etc/prometheus cannot be read" in operator.types("docker compose logs prometheus").stdout
    operator.types(f"cd .. && {documented('chmod -R a+rX')}")
    operator.types("docker compose down --timeout 5")
    operator.comes_up()
    assert _secrets_are_closed(operator)
    operator.types("docker compose down --timeout 5")


def test_the_documented_line_lets_the_check_git_read_and_no_secret(operator: Operator) -> None:
    """What git has of a checkout can be read by others afterwards, its untracked secrets cannot."""
    root = operator.folder.parent
    argv = "git init -q . && git -c core.fileMode=false add monitoring docker/docker-compose.yml && git commit -qm x"
    identity = "git config user.email a@example.org && git config user.name a"
    operator.types(f"cd .. && umask 077 && {argv.replace('&& git -c', f'&& {identity} && git -c')}")
    operator.types(f"cd .. && {documented('chmod a+rx .')}")
    status = ("git", "-c", f"safe.directory={root}", "-C", str(root), "status", "--porcelain", "-uno")
    home = {"HOME": "/nonexistent", "PATH": os.environ["PATH"]}
    done = subprocess.run(status, user=OTHER, capture_output=True, text=True, check=False, env=home)
    assert (done.returncode, done.stderr) == (0, "")
    assert _secrets_are_closed(operator)


def test_no_page_opens_a_whole_checkout() -> None:
    """K3: Each recursive chmod that the documents show names folders, none of them above the secrets."""
    pages = [*choose.ROOT.glob("*.md"), *(choose.ROOT / "docs").rglob("*.md")]
    shown = [each for page in pages for each in re.findall(r"chmod -R a\+rX([^`&\n]*)", page.read_text("utf-8"))]
    assert shown
    assert "chmod -R a+rX monitoring/prometheus" in DOCS
    for each in shown:
        folders = each.split()
        assert folders, "the whole folder that somebody stands in"
        assert {*folders} <= {"monitoring/prometheus", "monitoring/grafana", "docker/postgres", ".git"}
