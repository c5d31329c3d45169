"""The pytest plug-in that turns a run into a bundle.

It opens the bundle before pytest's own recorders start, so that JUnit XML and the report log are written
straight into it, and closes it after everything else, whether the run passed, failed, was interrupted or
did not even collect. The bundle's path is the last line of the run.

From ``acceptance/conftest.py``::

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(config: pytest.Config) -> None:
        evidence_plugin.register(config, suite=Path(__file__).parent)

and ``add_options`` from the root conftest's ``pytest_addoption``. Tests ask for the fixture ``bundle``,
the stack's fixture for ``evidence_plugin``.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from acceptance.stack.interface import Stack, StackError
from evidence import Bundle, CaseResult, EvidenceError, git, manifest, records, status, versions
from evidence.grafana import GrafanaUsed, label_of
from evidence.tally import Tally

PLUGIN_NAME: Final = "arbitrage-evidence"
LOG: Final = "e2e.log"
_DEFAULT_FOLDER = "artifacts"
# Modes in which pytest runs no test.
_NO_RUN = (
    "help", "collectonly", "showfixtures", "show_fixtures_per_test", "setupplan", "markers", "cacheshow",
    "version",
)  # fmt: skip


def add_options(parser: pytest.Parser) -> None:
    """Add ``--evidence-dir``; to be called from the root conftest's ``pytest_addoption``."""
    parser.getgroup("evidence").addoption(
        "--evidence-dir",
        metavar="DIR",
        default=None,
        help=f"folder that holds one evidence bundle per run (default: {_DEFAULT_FOLDER} in the project root)",
    )


def register(config: pytest.Config, *, suite: Path, gates: Sequence[str] = ("e2e",)) -> EvidencePlugin | None:
    """Open a bundle and let the plug-in watch this run.

    Must be called from a ``pytest_configure`` marked ``tryfirst``: pytest's recorders read their options
    in theirs.

    Args:
        config: pytest's.
        suite: folder of all the tests; a run that asks for less of it is PARTIAL.
        gates: what this run is, for the manifest.

    Returns:
        The plug-in, or None where no test will run (``--collect-only``, ``--help``, an xdist worker).

    Raises:
        pytest.UsageError: the bundle cannot be made, or a recorder is switched off.
    """
    if hasattr(config, "workerinput") or any(config.getoption(name, None) for name in _NO_RUN):
        return None
    for option, name in (("xmlpath", "junitxml"), ("report_log", "pytest-reportlog")):
        if not hasattr(config.option, option):
            raise pytest.UsageError(f"evidence needs pytest's plug-in {name}: do not switch it off")
    asked = config.getoption("evidence_dir", None)
    root = config.invocation_params.dir / asked if asked else config.rootpath / _DEFAULT_FOLDER
    commit = git.read(config.rootpath)
    try:
        bundle = Bundle.create(root, commit=commit.sha, dirty=commit.dirty)
    except EvidenceError as error:
        raise pytest.UsageError(str(error)) from error
    plugin = EvidencePlugin(config, bundle, suite=suite, gates=tuple(gates))
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
    """The bundle of this run."""
    return evidence_plugin.bundle


class EvidencePlugin:
    """Watches one run and writes what it saw into its bundle."""

    def __init__(self, config: pytest.Config, bundle: Bundle, *, suite: Path, gates: tuple[str, ...]) -> None:
        self._config = config
        self._bundle = bundle
        self._suite = suite
        self._gates = gates
        self._session: pytest.Session | None = None
        self._interrupted = False
        self._stack: str | None = None
        self._services: dict[str, dict[str, str]] = {}
        self._grafana: GrafanaUsed | None = None
        self._tally = Tally()
        self._selected: dict[str, None] = {}  # dictionaries as ordered sets of test ids
        self._deselected: dict[str, None] = {}
        command = " ".join(config.invocation_params.args)
        self._log = [f"{manifest.iso(bundle.start)} pytest {command} (commit {bundle.commit.short})"]
        # Where the caller asked for these files himself he gets a copy, as clean as the bundle's.
        self._copies = {
            records.JUNIT: config.option.xmlpath,
            records.REPORT_LOG: config.option.report_log,
        }
        config.option.xmlpath = str(bundle.path / records.JUNIT)
        config.option.report_log = str(bundle.path / records.REPORT_LOG)

    @property
    def bundle(self) -> Bundle:
        """The bundle of this run."""
        return self._bundle

    # What the stack's fixture hands in. Each is written at once, so that a run that dies keeps it.

    def know_secrets(self, values: Sequence[str]) -> None:
        """Keep these values out of the bundle; to be called before anything can log them."""
        for value in values:
            self._bundle.know_secret(value)

    def set_stack_status(self, text: str) -> None:
        """Write ``docker_status.txt``."""
        self._bundle.add_text(status.FILE_NAME, text, replace=True)

    def set_versions(self, stack: str, services: Mapping[str, Mapping[str, str]]) -> None:
        """Write ``versions.json``: the stack's name, and version and source of each service."""
        self._stack = stack
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
        self.set_versions(stack.name, stack.versions())
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
        """Count what could not be collected, or skipped itself as a whole."""
        self._tally.collect(report.nodeid, report.outcome)
        if not report.passed:
            self._note(f"{report.outcome.upper():<7} collecting {report.nodeid}", report.longreprtext)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a phase of a test."""
        self._tally.report(report.nodeid, report.when, report.outcome, expected_failure=hasattr(report, "wasxfail"))
        if report.when == "call" or not report.passed:
            line = f"{report.outcome.upper():<7} {report.nodeid} ({report.when}, {report.duration:.2f} s)"
            sections = [f"--- {title} ---\n{text}" for title, text in report.sections if report.failed]
            self._note(line, "\n".join([report.longreprtext, *sections]))

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Note that the run was stopped: Ctrl-C or pytest.exit."""
        self._interrupted = True
        self._note(f"INTERRUPTED {excinfo.typename}")

    def pytest_internalerror(self, excrepr: object) -> None:
        """Note that pytest itself broke."""
        self._note("INTERNAL ERROR", str(excrepr))

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self) -> Generator[None, object, object]:
        """Redact JUnit XML as soon as it is written: here, before the terminal's summary."""
        result = yield
        if (self._bundle.path / records.JUNIT).is_file():
            self._bundle.adopt(records.JUNIT)
        return result

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """Close the bundle after every recorder closed its file, and say where it is."""
        try:
            document = self._close()
        except (EvidenceError, OSError, ValueError) as error:
            self._fail()
            says = f"{CaseResult.INCOMPLETE}: {error}"
        else:
            # Leaving tests out by an option is the caller's own wish; a test that skips itself is not.
            asked_for_less = document["result"] == CaseResult.PARTIAL and not document["counts"]["skipped"]
            if document["result"] != CaseResult.PASSED and not asked_for_less:
                self._fail()
            passed, collected = document["counts"]["passed"], document["counts"]["collected"]
            reasons = "".join(f"; {reason}" for reason in document["reasons"])
            says = f"{document['result']}: {passed} of {collected} passed{reasons}"
        self._print(f"evidence {says}; grafana: {label_of(self._grafana)}. The bundle:")
        self._print(_relative(self._bundle.path))

    def _close(self) -> dict[str, Any]:
        ended = int(self._session.exitstatus) if self._session else int(pytest.ExitCode.INTERNAL_ERROR)
        bundle = self._bundle
        for name, copy in self._copies.items():
            if (bundle.path / name).is_file():  # a run that broke early may not have come to write it
                clean = bundle.adopt(name).read_bytes()
                if copy:
                    Path(copy).write_bytes(clean)
        self._write_collection()
        self._write_versions()
        if not (bundle.path / status.FILE_NAME).exists():
            self.set_stack_status(status.NO_STACK)
        counts = self._tally.counts(selected=self._selected, deselected=len(self._deselected))
        self._note("END " + ", ".join(f"{name} {number}" for name, number in counts.to_dict().items()))
        return bundle.close(
            manifest.Run(
                counts=counts,
                gates=self._gates,
                command=("pytest", *map(str, self._config.invocation_params.args)),
                exit_status=ended,
                interrupted=self._interrupted,
                left_out=_left_out(self._config, self._suite),
                stack=self._stack,
                grafana=self._grafana,
                versions=self._services,
            )
        )

    def _fail(self) -> None:
        """A run that is not PASSED must not leave 0 behind."""
        if self._session is not None and self._session.exitstatus == pytest.ExitCode.OK:
            self._session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _note(self, line: str, more: str = "") -> None:
        self._log += [f"{manifest.iso(time.time())} {line}", *([more.rstrip()] if more.strip() else [])]
        self._bundle.add_text(LOG, "\n".join(self._log) + "\n", replace=True)

    def _write_collection(self) -> None:
        document = {
            "schema_version": 1,
            "selected": list(self._selected),
            "deselected": list(self._deselected),
        }
        self._bundle.add_json(records.COLLECTION, document, replace=True)

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


def _relative(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
