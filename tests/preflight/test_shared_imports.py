from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from preflight import runner as module
from preflight.check import Check, Context
from preflight.message import Message
from preflight.model import Mode, Outcome, Status
from preflight.runner import Runner

MakeCheck = Callable[..., Check]
MakeContext = Callable[..., Context]

ROOT = Path(__file__).parents[2]
NAME = "heavy_module_of_this_test"


@pytest.fixture
def imported_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[int]]]:
    """A shared module that takes down which process imported it; gives their ids so far."""
    notes = tmp_path / "imported-by"
    notes.touch()
    source = f"import os\nwith open({str(notes)!r}, 'a') as notes:\n    notes.write(f'{{os.getpid()}}\\n')\n"
    (tmp_path / f"{NAME}.py").write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(module, "SHARED_IMPORTS", frozenset({NAME}))
    yield lambda: [int(line) for line in notes.read_text(encoding="utf-8").split()]
    sys.modules.pop(NAME, None)


def pid(_: Context) -> Outcome:
    loaded = NAME in sys.modules
    return Outcome(status=Status.PASS, summary=Message(f"{os.getpid()} {loaded}"))


def run(checks: list[Check], ctx: Context) -> dict[str, str]:
    runner = Runner(checks, ctx)
    runner.prepare()
    return {result.id: result.outcome.summary for result in runner.run()}


def test_parent_imports_for_several(
    imported_by: Callable[[], list[int]], make_check: MakeCheck, make_context: MakeContext
) -> None:
    """What several checks share is imported once, by the parent, and every one of them has it."""
    checks = [
        make_check("a", pid, imports=(NAME,)),
        make_check("b", pid, imports=(NAME,)),
        make_check("c", pid, imports=(NAME,), requires=("a",)),
        make_check("d", pid),
    ]
    said = run(checks, make_context())
    assert imported_by() == [os.getpid()]
    assert [said[name].split()[1] for name in "abcd"] == ["True", "True", "True", "False"]


def test_two_are_several(
    imported_by: Callable[[], list[int]], make_check: MakeCheck, make_context: MakeContext
) -> None:
    """Two checks are enough for the parent to import what they share."""
    said = run([make_check(name, pid, imports=(NAME,)) for name in ("a", "b")], make_context())
    assert imported_by() == [os.getpid()]
    assert [text.split()[1] for text in said.values()] == ["True", "True"]


def test_a_single_check_imports_for_itself(
    imported_by: Callable[[], list[int]], make_check: MakeCheck, make_context: MakeContext
) -> None:
    """What one check needs only is loaded in its own process, where it can harm nobody."""
    said = run([make_check("a", pid, imports=(NAME,)), make_check("b", pid)], make_context())
    assert imported_by() == [int(said["a"].split()[0])]
    assert imported_by() != [os.getpid()]


def test_nothing_is_imported_for_checks_that_do_not_run(
    imported_by: Callable[[], list[int]], make_check: MakeCheck, make_context: MakeContext
) -> None:
    """In a dry run, where those checks are skipped, nobody pays for their import."""
    checks = [make_check(name, pid, imports=(NAME,), network=True) for name in ("a", "b")]
    run([*checks, make_check("c", pid)], make_context(mode=Mode.DRY_RUN))
    assert imported_by() == []


def test_somebody_elses_module_stays_out_of_the_parent(
    imported_by: Callable[[], list[int]],
    make_check: MakeCheck,
    make_context: MakeContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A module that is not on the gate's own list is imported by each check for itself, however many name it."""
    monkeypatch.setattr(module, "SHARED_IMPORTS", frozenset({"ccxt"}))
    run([make_check(name, pid, imports=(NAME,)) for name in ("a", "b")], make_context())
    assert len(imported_by()) == 2
    assert os.getpid() not in imported_by()


@pytest.mark.parametrize("body", ["raise RuntimeError('broken')", "1 +", "import no_such_module_anywhere"])
def test_an_import_that_fails_is_told_by_the_checks(
    body: str,
    tmp_path: Path,
    make_check: MakeCheck,
    make_context: MakeContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A shared module that cannot be imported breaks no run: each check that needs it meets the error and says so."""
    (tmp_path / f"{NAME}.py").write_text(body, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(module, "SHARED_IMPORTS", frozenset({NAME}))

    def needs(_: Context) -> Outcome:
        __import__(NAME)
        return Outcome(status=Status.PASS, summary=Message("imported"))

    said = run([make_check(name, needs, imports=(NAME,)) for name in ("a", "b")], make_context())
    assert all(text.startswith("the check raised ") for text in said.values()), said


TWENTY = """
import json, resource, select, sys, time
from pathlib import Path

def cpu_seconds():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)

before = cpu_seconds()
import ccxt
imported = cpu_seconds() - before

from preflight.check import Context
from preflight.model import Mode, Outcome, Status
from preflight.runner import Runner
from preflight.config.settings import Settings
from preflight.config.settings import Settings
from tests.preflight.conftest import FakeCheck

def ask(_):
    select.select([], [], [], 0.3)  # stands for the exchange
    return Outcome(status=Status.PASS, summary=str("ccxt" in sys.modules))

settings = Settings.model_validate({"env": "paper", "ledger": sys.argv[1] + "/l", "spool_dir": sys.argv[1] + "/s"})
context = Context(settings=settings, mode=Mode.REAL, run_id="r", environ={}, cwd=Path(sys.argv[1]))
runner = Runner([FakeCheck(id=f"c{n}", does=ask, imports=("ccxt",)) for n in range(20)], context)
used = cpu_seconds()
runner.prepare()
said = {result.outcome.summary for result in runner.run()}
json.dump({"said": sorted(said), "import": imported, "run": cpu_seconds() - used}, sys.stdout)
"""


def test_twenty_exchange_checks(tmp_path: Path) -> None:
    """Twenty checks that share ccxt have it, and all of them together cost less than importing it two more times.

    Counted in processor time, parent and children together, against the import in the same process: whatever a busy
    machine does to one it does to the other. bench/ has the seconds.
    """
    done = subprocess.run(
        [sys.executable, "-c", TWENTY, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    measured = json.loads(done.stdout)
    assert measured["said"] == ["True"]
    assert measured["run"] < 2 * measured["import"], measured


def test_ccxt_is_imported_for_exchange_checks_only(tmp_path: Path) -> None:
    """Neither listing the checks, nor building the settings, nor a run without exchange checks loads ccxt."""
    program = """
import sys
from pathlib import Path
from preflight.check import Context
from preflight.model import Mode
from preflight.registry import default_registry
from preflight.runner import Runner
from preflight.config.settings import Settings
from preflight.config.settings import Settings

settings = Settings.model_validate({"env": "paper", "ledger": sys.argv[1] + "/l", "spool_dir": sys.argv[1] + "/s"})
checks = default_registry(settings).select(("environment", "redis", "postgres", "storage"))
context = Context(settings=settings, mode=Mode.REAL, run_id="r", environ={}, cwd=Path(sys.argv[1]))
runner = Runner(checks, context)
runner.prepare()
runner.run()
print(sorted({"ccxt", "requests", "preflight.exchange.client"} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")
