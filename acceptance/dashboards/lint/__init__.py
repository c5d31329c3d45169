"""Static rules for the monitoring files: what would only show as an empty panel is found without a server."""

from acceptance.dashboards.lint.dashboards import lint_dashboard, lint_folder
from acceptance.dashboards.lint.finding import Finding

__all__ = ["Finding", "lint_dashboard", "lint_folder"]
