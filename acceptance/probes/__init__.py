"""Thin clients that read facts from the running servers. They decide nothing and assert nothing."""

from acceptance.probes.errors import (
    AnswerFormatError,
    HttpStatusError,
    NoAnswerError,
    PanelError,
    ProbeError,
    QueryError,
    UnreachableError,
)
from acceptance.probes.grafana import GrafanaClient
from acceptance.probes.node_exporter import NodeExporterClient
from acceptance.probes.prometheus import PrometheusClient

__all__ = [
    "AnswerFormatError",
    "GrafanaClient",
    "HttpStatusError",
    "NoAnswerError",
    "NodeExporterClient",
    "PanelError",
    "ProbeError",
    "PrometheusClient",
    "QueryError",
    "UnreachableError",
]
