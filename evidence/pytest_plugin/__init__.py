"""The installed pytest plug-in ``arbitrage_evidence``: any team's suite leaves a bundle that `evidence verify` reads.

Off until ``--evidence-dir`` is given. Nothing but pytest is imported until then: it is loaded with every pytest.
"""

from __future__ import annotations

from typing import Final

import pytest

#: Under this name setuptools offers the plug-in to pytest, and pytest knows it.
ENTRY_POINT: Final = "arbitrage_evidence"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--evidence-dir`` and ``--expect-tests``."""
    group = parser.getgroup("evidence")
    group.addoption(
        "--evidence-dir",
        metavar="DIR",
        default=None,
        help="leave an evidence bundle of this run in a new folder below DIR",
    )
    group.addoption(
        "--expect-tests",
        metavar="FILE",
        default=None,
        help="committed list of the tests that have to run, an id a line; a run of anything else is PARTIAL",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Open a bundle before pytest's own recorders start, unless another plug-in records this run."""
    folder = config.getoption("evidence_dir", None)
    if folder is None:
        return
    from evidence.bundle import layout  # noqa: PLC0415 -- see the module's docstring
    from evidence.pytest_plugin import recorder  # noqa: PLC0415 -- as above

    if config.pluginmanager.has_plugin(recorder.PLUGIN_NAME) or recorder.runs_no_test(config):
        return
    here = config.invocation_params.dir
    named = config.getoption("expect_tests", None)
    run, own = recorder.join_or_open(config, here / folder, joined=False)
    suite = tuple(config.rootpath / path for path in config.getini("testpaths")) or (config.rootpath,)
    plugin = recorder.Recorder(
        config,
        run,
        suite=suite,
        gate=layout.OWN_GATE,
        log_name=f"{layout.OWN_GATE}.log",
        own=own,
        expected=here / named if named else None,
    )
    config.pluginmanager.register(plugin, recorder.PLUGIN_NAME)
