"""The pytest plug-in that turns a run into the e2e part of a bundle.

It joins the bundle that `EVIDENCE_BUNDLE` names, or opens one of its own, before pytest's own recorders start, so that
JUnit XML and the report log are written straight into it. At the end it writes what the gate proved, whether the run
passed, failed, was interrupted or did not even collect, and seals the bundle if it is its own. The bundle's path is the
last line of the run.

From ``acceptance/conftest.py``::

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(config: pytest.Config) -> None:
        evidence_plugin.register(config, suite=Path(__file__).parent, stack="embedded")

and ``add_options`` from the root conftest's ``pytest_addoption``. Tests ask for the fixture ``bundle``,
the stack's fixture for ``evidence_plugin``.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest

from acceptance.stack.interface import Stack, StackError
from evidence import Bundle, EvidenceError, gate_record, open_run, status, versions
from evidence.attest import keys
from evidence.bundle import layout
from evidence.bundle.run import started
from evidence.bundle.seal import Sealed, seal
from evidence.grafana import GrafanaUsed, label_of
from evidence.times import iso
from evidence.verdict.gate import GateOutcome

PLUGIN_NAME: Final = "arbitrage-evidence"
#: The gate's name where a suite has no stack.
OWN_GATE: Final = "tests"
_DEFAULT_FOLDER = "artifacts"
# Modes in which pytest runs no test.
_NO_RUN = (
    "help", "collectonly", "showfixtures", "show_fixtures_per_test", "setupplan", "markers", "cacheshow",
    "version",
)  # fmt: skip


def add_options(parser: pytest.Parser) -> None:
    """Add ``--evidence-dir`` and ``--expect-tests``; to be called from the root conftest's ``pytest_addoption``."""
    group = parser.getgroup("evidence")
    group.addoption(
        "--evidence-dir",
        metavar="DIR",
        default=None,
        help=f"folder that holds one evidence bundle per run (default: {_DEFAULT_FOLDER} in the project root)",
    )
    group.addoption(
        "--expect-tests",
        metavar="FILE",
        default=None,
        help="committed list of the tests that have to run; a run of anything else is PARTIAL",
    )


def register(
    config: pytest.Config, *, suite: Path, stack: str | None = None, expected: Path | None = None
) -> EvidencePlugin | None:
    """Join or open a bundle and let the plug-in watch this run.

    Must be called from a ``pytest_configure`` marked ``tryfirst``: pytest's recorders read their options
    in theirs.

    Args:
        config: pytest's.
        suite: folder of all the tests; without a list of tests a run that asks for less of it is PARTIAL.
        stack: what the tests run on; None: they have no stack, and the gate is called ``tests``.
        expected: the list of tests that have to run, if ``--expect-tests`` names none.

    Returns:
        The plug-in, or None where no test will run (``--collect-only``, ``--help``, an xdist worker).

    Raises:
        pytest.UsageError: there is no bundle to write into, or a recorder is switched off.
    """
    if hasattr(config, "workerinput") or any(config.getoption(name, None) for name in _NO_RUN):
        return None
    for option, name in (("xmlpath", "junitxml"), ("report_log", "pytest-reportlog")):
        if not hasattr(config.option, option):
            raise pytest.UsageError(f"evidence needs pytest's plug-in {name}: do not switch it off")
    here = config.invocation_params.dir
    asked = config.getoption("evidence_dir", None)
    joined = os.environ.get(layout.VARIABLE)
    named = config.getoption("expect_tests", None)
    try:
        path = Path(joined) if joined else open_run(
            here / asked if asked else config.rootpath / _DEFAULT_FOLDER,
            project=config.rootpath,
            command=("pytest", *map(str, config.invocation_params.args)),
        )  # fmt: skip
        bundle = Bundle.join(path)
    except EvidenceError as error:
        raise pytest.UsageError(str(error)) from error
    plugin = EvidencePlugin(
        config, bundle, suite=suite, stack=stack, own=not joined, expected=here / named if named else expected
    )
    config.pluginmanager.register(plugin, PLUGIN_NAME)
    config.pluginmanager.register(sys.modules[__name__], f"{PLUGIN_NAME}-fixtures")
    return plugin


@pytest.fixture(scope="session")
def evidence_plugin(pytestconfig: pytest.Config) -> EvidencePlugin:
    """The plug-in, for the fixture that starts the stack."""
    plugin = pytestconfig.pluginmanager.get_plugin(PLUGIN_NAME)
    assert isinstance(plugin, EvidencePlugin)  # noqa: S101 -- `register` adds both; this tells the type checker
    return plugin


@pytest.fixture(scope="session")
def bundle(evidence_plugin: EvidencePlugin) -> Bundle:
    """The stack's folder of this run's bundle."""
    return evidence_plugin.bundle


class EvidencePlugin:
    """Watches one run and writes what it saw into its bundle."""

    def __init__(
        self,
        config: pytest.Config,
        run: Bundle,
        *,
        suite: Path,
        stack: str | None,
        own: bool,
        expected: Path | None,
    ) -> None:
        self._config = config
        self._run = run
        self._suite = suite
        self._own = own  # the bundle was opened for this run alone, and is sealed at its end
        self._expected = expected
        self._gate = OWN_GATE if stack is None else layout.e2e_gate(stack)
        self._bundle = run.inside(OWN_GATE if stack is None else layout.stack_folder(stack))
        self._log_name = f"{OWN_GATE}.log" if stack is None else layout.e2e_log(stack)
        self._start = time.time()
        self._session: pytest.Session | None = None
        self._stack = stack
        self._services: dict[str, dict[str, str]] = {}
        self._grafana: GrafanaUsed | None = None
        self._selected: dict[str, None] = {}  # dictionaries as ordered sets of test ids
        self._deselected: dict[str, None] = {}
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

    @property
    def bundle(self) -> Bundle:
        """The stack's folder of this run's bundle."""
        return self._bundle

    # What the stack's fixture hands in. Each is written at once, so that a run that dies keeps it.

    def know_secrets(self, values: Sequence[str]) -> None:
        """Keep these values out of the bundle; to be called before anything can log them."""
        for value in values:
            self._bundle.know_secret(value)

    def set_stack_status(self, text: str) -> None:
        """Write ``docker_status.txt``."""
        self._bundle.add_text(status.FILE_NAME, text, replace=True)

    def set_versions(self, services: Mapping[str, Mapping[str, str]]) -> None:
        """Write ``versions.json``: version and source of each service."""
        self._services |= {name: dict(facts) for name, facts in services.items()}
        self._write_versions()

    def add_program(self, name: str, facts: Mapping[str, str]) -> None:
        """Add to ``versions.json`` a program that the tests themselves run: its version, source and binary."""
        self._services[name] = dict(facts)
        self._write_versions()

    def add_service_log(self, service: str, text: str) -> None:
        """Write ``logs/<service>.log``, over an earlier state."""
        self._bundle.add_text(f"logs/{service}.log", text, replace=True)

    def record_stack(self, stack: Stack) -> None:
        """Take down secrets, versions, states and logs of a stack; call it before the stack is stopped."""
        self.know_secrets(stack.secrets)
        self._grafana = stack.grafana or self._grafana  # what it was stays known when it no longer answers
        self.set_versions(stack.versions())
        services = stack.services()
        self.set_stack_status(status.render(stack.name, services, self._grafana))
        for service in services:
            try:
                text = stack.logs(service.name)
            except StackError as error:
                text = f"the log could not be read: {error}\n"
            self.add_service_log(service.name, text)

    def record_failed_start(self, stack: Stack, error: StackError) -> None:
        """Take down of a stack that did not start how things stood, and why; it is stopped already."""
        self.record_stack(stack)
        told = status.render(stack.name, stack.services(), self._grafana)
        self.set_stack_status(f"{told}\nit did not start: {error}\n")
        self._note("THE STACK DID NOT START", str(error))

    # What pytest reports.

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Keep the session: its exit status is known at the end only."""
        self._session = session

    @pytest.hookimpl(wrapper=True)
    def pytest_report_to_serializable(self) -> Generator[None, object, object]:
        """Redact what goes into the report log before it is written."""
        return self._bundle.redact_tree((yield))

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
        self._print(f"evidence {says}; grafana: {label_of(self._grafana)}; {self._signature}. The bundle:")
        self._print(_relative(self._run.path))

    _signature = "UNSIGNED"

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
        if self._stack is not None:
            self._write_versions()
        if not self._bundle.has(status.FILE_NAME):
            self.set_stack_status(status.NO_STACK)
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

    def _write_versions(self) -> None:
        document = versions.build(self._stack, self._services, self._grafana)
        self._bundle.add_json(versions.FILE_NAME, document, replace=True)

    def _print(self, line: str) -> None:
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if terminal is None:
            sys.stdout.write(line + "\n")
        else:
            terminal.ensure_newline()
            terminal.write_line(line)


def _left_out(config: pytest.Config, suite: Path) -> tuple[str, ...]:
    """What of the suite the command line did not ask for, beyond what pytest reports as deselected."""
    folder = suite.resolve()
    asked = [config.invocation_params.dir / argument for argument in config.args]
    found = []
    if not any(folder.is_relative_to(path.resolve()) for path in asked):
        found.append(f"only {', '.join(config.args)} was asked for")
    ignored = [*(config.getoption("ignore", None) or ()), *(config.getoption("ignore_glob", None) or ())]
    if ignored:
        found.append(f"ignored: {', '.join(map(str, ignored))}")
    if config.getoption("lf", None):
        found.append("only tests that failed last were asked for")  # it passes over files unreported
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
