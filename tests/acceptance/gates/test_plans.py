"""What each gate starts, and what it compares with; nothing is run."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from acceptance.gates import cli, core, e2e, every, expected, fast, git_gate, interface, own_network
from acceptance.gates.interface import FAILED, NOT_FULL, OK, USAGE
from acceptance.gates.lanes import Step
from acceptance.gates.legs import LEGS
from evidence.bundle import layout

PROJECT = Path("/project")
WORK = Path("/work-folder")


def _names(plan_parts: object) -> list[str]:
    return [part.name for part in plan_parts]  # type: ignore[attr-defined]


def test_fast() -> None:
    """Format, lint, git and types beside the pure tests, compared with the lines of that leg."""
    plan = fast.plan(PROJECT, WORK)
    assert [_names(lane) for lane in plan.lanes] == [
        ["pure"],
        ["format", "lint", "git", "supply", "documents", "types"],
    ]
    assert (plan.list_file, plan.legs, plan.log) == (expected.TESTS, ("pure",), "fast_gate.log")


@pytest.mark.parametrize(
    ("docker", "engine", "in_containers", "note"),
    [
        (True, True, ["images", "docker", "alone", "engine"], ""),
        (True, False, ["images", "docker", "alone"], "ENGINE RESTART NOT RUN"),
        (False, False, [], "COMPOSE NOT RUN"),
    ],
)
@pytest.mark.parametrize("apart", [True, False])
def test_core(*, docker: bool, engine: bool, apart: bool, in_containers: list[str], note: str) -> None:
    """The whole list, whatever can run here: what cannot is missing from it, and said.

    Nothing makes networks beside the browser, unless it has one of its own.
    """
    plan = core.plan(PROJECT, WORK, docker=docker, engine=engine, apart=apart)
    lanes = [["unit", "system"], [*in_containers, "browser"]]
    if apart:
        lanes = [["unit", "browser", "system"], *([in_containers] if in_containers else [])]
    assert [_names(lane) for lane in plan.lanes] == lanes
    within = {part.name for part in plan.runs if part.argv[: len(own_network.WRAPPER)] == own_network.WRAPPER}
    assert within == ({"browser"} if apart else set())
    assert (plan.list_file, plan.legs, plan.log) == (expected.TESTS, None, "full_regression.log")
    assert note in "".join(plan.notes)
    assert bool(plan.notes) == bool(note)


def test_every_leg_runs_once() -> None:
    """Together the parts of core select each leg once, in all of `tests`."""
    plan = core.plan(PROJECT, WORK, docker=True, engine=True, apart=True)
    chosen = [
        word for part in plan.runs for before, word in zip(part.argv, part.argv[1:], strict=False) if before == "--leg"
    ]
    assert sorted(chosen) == sorted(LEGS)
    assert all(part.run.paths == ("tests",) and "--ignore" not in " ".join(part.argv) for part in plan.runs)


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("Makefile", r"^test:.*\n\t@.*python -m acceptance\.gates all$"),
        ("Makefile", r"^acceptance:.*\n\t@.*python -m acceptance\.gates e2e "),
        (".ci/run", r"^exec .* make test$"),
        (".github/workflows/gates.yml", r"^ +sudo .* make test$"),
    ],
)
def test_what_people_and_ci_run_is_a_gate(file: str, says: str) -> None:
    """A plain pytest would end with 0 where a test was deleted, renamed or skips itself."""
    assert re.search(says, (interface.PROJECT / file).read_text(encoding="utf-8"), re.MULTILINE)


def test_e2e_writes_into_the_bundle() -> None:
    """The suite joins the run's bundle, and is compared with its own list."""
    plan = e2e.plan(PROJECT, WORK, stack="embedded", bundle=Path("/bundle"), options=("--grafana", "auto"))
    (part,) = plan.runs
    assert (plan.gate, plan.stack, plan.log) == ("e2e-embedded", "embedded", "e2e_embedded.log")
    assert (layout.VARIABLE, "/bundle") in part.run.variables
    assert plan.list_file == expected.ACCEPTANCE


def test_git() -> None:
    """One step, no tests."""
    plan = git_gate.plan(PROJECT)
    assert all(isinstance(part, Step) for part in plan.parts)
    assert plan.list_file is None


def test_the_whole_run_and_its_order() -> None:
    """Fast, core, e2e on both stacks, sabotage; without Docker what needs it is left out.

    The two stacks side by side, each followed by what breaks things; one by one where that is asked for.
    """

    def names(*, docker: bool, beside: bool) -> list[list[list[str]]]:
        groups = every.stages(docker=docker, beside=beside)
        return [[[stage.name for stage in lane] for lane in group] for group in groups]

    one_by_one = ["fast", "core", "e2e-embedded", "e2e-compose", "faults-compose", "sabotage"]
    assert names(docker=True, beside=False) == [[[name]] for name in one_by_one]
    assert set(layout.ALL_GATES) <= set(one_by_one)
    assert names(docker=True, beside=True) == [
        [["fast"]], [["core"]], [["e2e-embedded", "sabotage"], ["e2e-compose", "faults-compose"]],
    ]  # fmt: skip
    assert names(docker=False, beside=True) == [[["fast"]], [["core"]], [["e2e-embedded", "sabotage"]]]


@pytest.mark.parametrize(
    ("codes", "whole"),
    [([0, 0], OK), ([0, 3], NOT_FULL), ([3, 1], FAILED), ([0, -9], FAILED), ([2, 0], FAILED), ([], NOT_FULL)],
)
def test_the_exit_code_of_a_whole_run(codes: list[int], whole: int) -> None:
    """The worst of its stages; what died or could not begin has failed."""
    assert every.exit_code(codes) == whole


@pytest.mark.parametrize(
    "argv", [["slow"], [], ["fast", "-k", "x"], ["core", "--stack", "embedded"], ["e2e", "--stack", "other"]]
)
def test_a_wrong_option_runs_nothing(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Options for pytest have no other way in than after two dashes."""
    assert cli.main(argv) == USAGE
    assert "usage: " in capsys.readouterr().err


RECORD = (
    "import json, os, pathlib, sys\n"
    "path = pathlib.Path(os.environ['EVIDENCE_BUNDLE'], 'gates', sys.argv[1] + '.json')\n"
    "path.write_text(json.dumps({'result': sys.argv[2], 'counts': {'passed': 3}}))\n"
    "sys.exit(int(sys.argv[3]))\n"
)
NO_BUNDLE = "import os, sys; sys.exit('EVIDENCE_BUNDLE' in os.environ)"


def _stage(name: str, result: str, code: int) -> every.Stage:
    return every.Stage(name=name, argv=(sys.executable, "-c", RECORD, name, result, str(code)))


def test_a_whole_run_goes_on(tmp_path: Path) -> None:
    """Each stage has its row, whatever became of the one before; one that left no record is INCOMPLETE.

    One whose record is not FULL does not count, whatever it ended with.
    """
    (tmp_path / "gates").mkdir()
    silent = every.Stage(name="e2e-compose", argv=(sys.executable, "-c", "import os; os._exit(0)"))
    sabotage = every.Stage(name="sabotage", argv=(sys.executable, "-c", NO_BUNDLE), writes=False)
    groups = (
        ((_stage("fast", "PARTIAL", FAILED),),),
        ((_stage("core", "FULL", OK), _stage("e2e-embedded", "PARTIAL", NOT_FULL)),),
        ((_stage("faults-compose", "PARTIAL", OK),),),
        ((silent, sabotage),),
    )
    found, codes = every.conduct(groups, tmp_path, tmp_path)
    assert [(row.gate, row.result, row.counts) for row in found] == [
        ("fast", "FAILED", {"passed": 3}),
        ("core", "FULL", {"passed": 3}),
        ("e2e-embedded", "PARTIAL", {"passed": 3}),
        ("faults-compose", "PARTIAL", {"passed": 3}),
        ("e2e-compose", "INCOMPLETE", {}),
        ("sabotage", "ok", {}),
    ]
    assert codes == [FAILED, OK, NOT_FULL, NOT_FULL, NOT_FULL, OK]


def test_lanes_run_side_by_side(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Two that wait for each other both end, and what each prints begins with its name; a lane goes on after its first.

    One that cannot be started is told and has failed.
    """
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)  # opening it waits for whoever opens the other end
    meets = "import sys; open(*sys.argv[1:]).close(); print('met')"
    first, second = (
        every.Stage(name=name, argv=(sys.executable, "-c", meets, str(pipe), mode), writes=False)
        for name, mode in (("first", "r"), ("second", "w"))
    )
    missing = every.Stage(name="missing", argv=("/no/such/program",), writes=False)

    found, codes = every.conduct((((first, missing), (second,)),), tmp_path, tmp_path)

    assert {(row.gate, row.result) for row in found} == {("first", "ok"), ("second", "ok"), ("missing", "FAILED")}
    assert every.exit_code(codes) == FAILED
    said = capfd.readouterr().out
    assert {"first: met", "second: met"} <= set(said.splitlines())
    assert "missing: cannot be started: No such file or directory: /no/such/program" in said


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_lane_that_breaks_has_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stage that nothing is known of counts as failed, and so does what would have come after it."""

    def broken(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(every, "run_part", broken)
    stages = [every.Stage(name=name, argv=("true",), writes=False) for name in ("first", "second")]
    found, codes = every.conduct(((tuple(stages),),), tmp_path, tmp_path)
    assert [(row.gate, row.result) for row in found] == [("first", "FAILED"), ("second", "FAILED")]
    assert codes == [FAILED, FAILED]
