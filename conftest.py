"""Options of the whole project's pytest runs; the suites have their own conftest.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from acceptance import evidence_plugin


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Add what `pytest acceptance` can be told."""
    group = parser.getgroup("acceptance")
    group.addoption(
        "--stack",
        choices=("auto", "compose", "embedded", "external", "lent"),
        default="auto",
        help="what runs the servers; auto: compose where Docker answers, else embedded. What is asked for and cannot "
        "be started fails, never skips; lent: for `make sabotage`, which runs one stack for many runs",
    )
    group.addoption(
        "--images",
        choices=("auto", "official", "local"),
        default="auto",
        help="compose: official images, ones built here, or whichever can be had (default)",
    )
    group.addoption(
        "--grafana",
        choices=("auto", "real", "standin"),
        default="auto",
        help="what serves the dashboards; auto: your Grafana where there is one, else the stand-in, and every result "
        "says which. `make grafana` says how to get one",
    )
    group.addoption(
        "--keep-stack",
        action="store_true",
        help="leave the servers running after the run, and say how to reach and how to stop them",
    )
    group.addoption("--prometheus-url", metavar="URL", help="external: your Prometheus")
    group.addoption("--grafana-url", metavar="URL", help="external: your Grafana")
    group.addoption(
        "--node-exporter-url",
        metavar="URL",
        default="http://127.0.0.1:9101",
        help="external: your node_exporter (default: %(default)s)",
    )
    group.addoption(
        "--textfile-dir", metavar="DIR", type=Path, help="external: directory that your node_exporter reads"
    )
    group.addoption(
        "--grafana-login",
        metavar="FILE",
        type=Path,
        help="external: file with user= and password= lines, or with a service-account token alone (Viewer is enough)",
    )
    group.addoption(
        "--prometheus-login",
        metavar="FILE",
        type=Path,
        help="external: file with user= and password= lines, or with a bearer token alone, if your Prometheus asks",
    )
    group.addoption(
        "--ca",
        metavar="FILE",
        type=Path,
        help="external: certificates (PEM) that your servers are checked against (default: REQUESTS_CA_BUNDLE)",
    )
    evidence_plugin.add_options(parser, pluginmanager)
    group.addoption("--lent-stack", metavar="FILE", type=Path, help="lent: file that the lender has written")
