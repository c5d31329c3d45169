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

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from acceptance.stack.interface import Stack, StackError
from evidence import pytest_plugin, status, versions
from evidence.bundle import Bundle, layout
from evidence.grafana import GrafanaUsed, label_of
from evidence.pytest_plugin.recorder import PLUGIN_NAME, Recorder, join_or_open, runs_no_test

_DEFAULT_FOLDER = "artifacts"


def add_options(parser: pytest.Parser, manager: pytest.PytestPluginManager) -> None:
    """Add the options of evidence where the installed plug-in has not done it; from the root conftest's hook."""
    if not manager.has_plugin(pytest_plugin.ENTRY_POINT):  # autoloading is off, or the project is not installed
        pytest_plugin.pytest_addoption(parser)


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
    if runs_no_test(config):
        return None
    here = config.invocation_params.dir
    asked, named = config.getoption("evidence_dir", None), config.getoption("expect_tests", None)
    bundle, own = join_or_open(config, here / asked if asked else config.rootpath / _DEFAULT_FOLDER)
    plugin = EvidencePlugin(
        config, bundle, suite=suite, stack=stack, own=own, expected=here / named if named else expected
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


class EvidencePlugin(Recorder):
    """Watches one run of the acceptance suite, and takes down what its stack was."""

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
        super().__init__(
            config,
            run,
            suite=(suite,),
            gate=layout.OWN_GATE if stack is None else layout.e2e_gate(stack),
            log_name=f"{layout.OWN_GATE}.log" if stack is None else layout.e2e_log(stack),
            own=own,
            expected=expected,
            stack=stack,
        )
        self._bundle = run.inside(layout.OWN_GATE if stack is None else layout.stack_folder(stack))
        self._services: dict[str, dict[str, str]] = {}
        self._grafana: GrafanaUsed | None = None

    @property
    def bundle(self) -> Bundle:
        """The stack's folder of this run's bundle."""
        return self._bundle

    # What the stack's fixture hands in. Each is written at once, so that a run that dies keeps it.

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

    def before_the_end(self) -> None:
        """Write what the stack was, also where none was started."""
        if self._stack is not None:
            self._write_versions()
        if not self._bundle.has(status.FILE_NAME):
            self.set_stack_status(status.NO_STACK)

    def facts(self) -> str:
        """Name the dashboards' server."""
        return f"grafana: {label_of(self._grafana)}"

    def _write_versions(self) -> None:
        document = versions.build(self._stack, self._services, self._grafana)
        self._bundle.add_json(versions.FILE_NAME, document, replace=True)
