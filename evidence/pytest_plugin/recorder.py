"""Watches one pytest run and writes it down in a bundle: what any suite's evidence has in common."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Final

import pytest

from evidence import gate_record
from evidence.attest import keys
from evidence.bundle import layout
from evidence.bundle.run import open_run, started
from evidence.bundle.seal import Sealed, seal
from evidence.bundle.writer import Bundle
from evidence.errors import EvidenceError
from evidence.times import iso
from evidence.verdict.gate import GateOutcome

#: Under this name pytest knows whichever plug-in records the run: there is one.
PLUGIN_NAME: Final = "arbitrage-evidence"
# Modes in which pytest runs no test.
_NO_RUN = (
    "help", "collectonly", "showfixtures", "show_fixtures_per_test", "setupplan", "markers", "cacheshow",
    "version",
)  # fmt: skip


def runs_no_test(config: pytest.Config) -> bool:
    """Tell whether pytest will only list something, or is a worker whose tests another process reports."""
    return hasattr(config, "workerinput") or any(config.getoption(name, None) for name in _NO_RUN)


def join_or_open(config: pytest.Config, folder: Path, *, joined: bool = True) -> tuple[Bundle, bool]:
    """Return the bundle that this run writes into, and whether it was opened for this run alone.

    Args:
        config: pytest's.
        folder: where a new bundle is opened.
        joined: write into the bundle that the environment names, if it names one.

    Raises:
        pytest.UsageError: there is none, or one of pytest's recorders is switched off.
    """
    for option, name in (("xmlpath", "junitxml"), ("report_log", "pytest-reportlog")):
        if not hasattr(config.option, option):
            raise pytest.UsageError(f"evidence needs pytest's plug-in {name}: do not switch it off")
    given = os.environ.get(layout.VARIABLE) if joined else None
    command = ("pytest", *map(str, config.invocation_params.args))
    try:
        path = Path(given) if given else open_run(folder, project=config.rootpath, command=command)
        return Bundle.join(path), not given
    except EvidenceError as error:
        raise pytest.UsageError(str(error)) from error


class Recorder:
    """Watches one run: which tests were chosen, what became of them, in pytest's own records and in a log."""

    def __init__(
        self,
        config: pytest.Config,
        run: Bundle,
        *,
        suite: tuple[Path, ...],
        gate: str,
        log_name: str,
        own: bool,
        expected: Path | None = None,
        stack: str | None = None,
    ) -> None:
        self._config = config
        self._run = run
        self._suite = suite  # folders; without a list of tests a run that asks for less is PARTIAL
        self._gate = gate
        self._log_name = log_name
        self._own = own  # the bundle was opened for this run alone, and is sealed at its end
        self._expected = expected  # the list of tests that have to run
        self._stack = stack
        self._start = time.time()
        self._session: pytest.Session | None = None
        self._selected: dict[str, None] = {}  # dictionaries as ordered sets of test ids
        self._deselected: dict[str, None] = {}
        self._signature = "UNSIGNED"
        command = " ".join(map(str, config.invocation_params.args))
        commit = started(run.path)["git"]["short"]
        self._log = [f"{iso(self._start)} pytest {command} (commit {commit})"]
        records = {
            "xmlpath": layout.gate_junit(self._gate),
            "report_log": layout.gate_report_log(self._gate),
        }
        # Where the caller asked for these files himself he gets a copy, as clean as the bundle's.
        self._copies = {name: getattr(config.option, option) for option, name in records.items()}
        for option, name in records.items():
            target = run.where(name)
            target.parent.mkdir(parents=True, exist_ok=True)
            setattr(config.option, option, str(target))

    def know_secrets(self, values: Sequence[str]) -> None:
        """Keep these values out of the bundle; to be called before anything can log them."""
        for value in values:
            self._run.know_secret(value)

    def before_the_end(self) -> None:
        """Write what else is known of the run; a plug-in that knows more than pytest says it here."""

    def facts(self) -> str:
        """Say in a few words what else stands beside the verdict on the last line; empty: nothing."""
        return ""

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Keep the session: its exit status is known at the end only."""
        self._session = session

    @pytest.hookimpl(wrapper=True)
    def pytest_report_to_serializable(self) -> Generator[None, object, object]:
        """Redact what goes into the report log before it is written."""
        return self._run.redact_tree((yield))

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Note what is left out."""
        self._deselected |= dict.fromkeys(item.nodeid for item in items)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note what is to run."""
        self._selected = dict.fromkeys(item.nodeid for item in session.items)
        self._write_collection()

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note what could not be collected, or skipped itself as a whole."""
        if not report.passed:
            self._note(f"{report.outcome.upper():<7} collecting {report.nodeid}", report.longreprtext)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a phase of a test."""
        if report.when == "call" or not report.passed:
            line = f"{report.outcome.upper():<7} {report.nodeid} ({report.when}, {report.duration:.2f} s)"
            sections = [f"--- {title} ---\n{text}" for title, text in report.sections if report.failed]
            self._note(line, "\n".join([report.longreprtext, *sections]))

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Note that the run was stopped: Ctrl-C or pytest.exit."""
        self._note(f"INTERRUPTED {excinfo.typename}")

    def pytest_internalerror(self, excrepr: object) -> None:
        """Note that pytest itself broke."""
        self._note("INTERNAL ERROR", str(excrepr))

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self) -> Generator[None, object, object]:
        """Redact JUnit XML as soon as it is written: here, before the terminal's summary."""
        result = yield
        if self._run.has(layout.gate_junit(self._gate)):
            self._run.adopt(layout.gate_junit(self._gate))
        return result

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """Finish the gate's part after every recorder closed its file, seal an own bundle, and say where it is."""
        says: str
        try:
            outcome = self._finish()
            sealed = self._seal()
        except (EvidenceError, OSError, ValueError) as error:
            self._fail()
            says = f"INCOMPLETE: {error}"
        else:
            if not outcome.passed and not self._asked_for_less(outcome):
                self._fail()
            says = _verdict(outcome, sealed, len({*self._selected, *self._deselected, *outcome.tests}))
        said = "; ".join(part for part in (says, self.facts(), self._signature) if part)
        self._print(f"evidence {said}. The bundle:")
        self._print(_relative(self._run.path))

    def _asked_for_less(self, outcome: GateOutcome) -> bool:
        """Tell whether an option left tests out of a suite without a list; with a list, less is never enough."""
        skipped = outcome.counts["skipped"] + outcome.counts["xfailed"]
        ended = outcome.result != "INCOMPLETE" and not (outcome.failed or skipped)
        return self._expected is None and self._own and ended and outcome.counts["passed"] > 0

    def _finish(self) -> GateOutcome:
        ended = int(self._session.exitstatus) if self._session else int(pytest.ExitCode.INTERNAL_ERROR)
        for name, copy in self._copies.items():
            if self._run.has(name):  # a run that broke early may not have come to write it
                clean = self._run.adopt(name).read_bytes()
                if copy:
                    Path(copy).write_bytes(clean)
        self._write_collection()
        self.before_the_end()
        self._note(f"END with exit status {ended}")
        outcome = gate_record.write(
            self._run,
            gate=self._gate,
            stack=self._stack,
            argv=("pytest", *map(str, self._config.invocation_params.args)),
            started_at=self._start,
            ended_at=time.time(),
            exit_code=ended,
            expected=self._expected,
            expected_file=None if self._expected is None else _within(self._expected, self._config.rootpath),
        )
        self._run.leave()
        return outcome

    def _seal(self) -> Sealed | None:
        """Seal the bundle if it is this run's own; one that several gates write into is sealed after the last."""
        if not self._own:
            self._signature = "not sealed yet"
            return None
        sealed = seal(self._run.path, signer=keys.configured())
        self._signature = sealed.signature
        return sealed

    def _fail(self) -> None:
        """A run that did not pass must not leave 0 behind."""
        if self._session is not None and self._session.exitstatus == pytest.ExitCode.OK:
            self._session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _note(self, line: str, more: str = "") -> None:
        self._log += [f"{iso(time.time())} {line}", *([more.rstrip()] if more.strip() else [])]
        self._run.add_text(self._log_name, "\n".join(self._log) + "\n", replace=True)

    def _write_collection(self) -> None:
        document = {
            "schema_version": 1,
            "selected": list(self._selected),
            "deselected": list(self._deselected),
            "left_out": list(_left_out(self._config, self._suite)),
        }
        self._run.add_json(layout.gate_collection(self._gate), document, replace=True)

    def _print(self, line: str) -> None:
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if terminal is None:
            sys.stdout.write(line + "\n")
        else:
            terminal.ensure_newline()
            terminal.write_line(line)


def _left_out(config: pytest.Config, suite: tuple[Path, ...]) -> tuple[str, ...]:
    """What of the suite the command line did not ask for, beyond what pytest reports as deselected."""
    asked = [(config.invocation_params.dir / argument).resolve() for argument in config.args]
    found = []
    if not all(any(folder.resolve().is_relative_to(path) for path in asked) for folder in suite):
        found.append(f"only {', '.join(config.args)} was asked for")
    ignored = [*(config.getoption("ignore", None) or ()), *(config.getoption("ignore_glob", None) or ())]
    if ignored:
        found.append(f"ignored: {', '.join(map(str, ignored))}")
    if config.getoption("lf", None):
        found.append("only tests that failed last were asked for")  # it passes over files unreported
    if config.pluginmanager.has_plugin("dsession"):
        found.append("it ran on workers of pytest-xdist, which do not report what they left out: name --expect-tests")
    return tuple(found)


def _verdict(outcome: GateOutcome, sealed: Sealed | None, found: int) -> str:
    """Say what the bundle proves, and how the gate went."""
    tests = f"{outcome.counts['passed']} of {found} passed"
    if sealed is None:
        said = "passed" if outcome.passed else "not passed"
        return "; ".join((f"{outcome.gate} {outcome.result}, {said}: {tests}", *outcome.reasons))
    document = sealed.manifest
    return "; ".join((f"{document['result']} ({document['scope']}): {tests}", *document["reasons"]))


def _within(path: Path, project: Path) -> str:
    """Name a file as the project does, without this machine's folders."""
    return path.relative_to(project).as_posix() if path.is_relative_to(project) else path.name


def _relative(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
