from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acceptance.dashboards.lint.grafana_schema import lint_schema, load_schemas
from tests.acceptance.display.shared import display_library
from tests.acceptance.proof.brought import damaged, look

pytestmark = pytest.mark.display


def test_the_real_library_survives_any_dashboard() -> None:
    """Whatever part of a dashboard is damaged, Grafana's library answers each panel, and the types give findings."""
    library = display_library()
    schemas = load_schemas(library.folder)

    @settings(max_examples=60, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
    @given(data=st.data())
    def try_it(data: st.DataObject) -> None:
        dashboard = damaged(data)

        panels, findings = look(dashboard, display=library)

        assert all("their.json" in one for one in findings)
        assert all(set(one.outcome.displayed) == {"12", "13"} for one in panels if one.outcome is not None)
        assert all(one.file == "their.json" for one in lint_schema("their.json", dashboard, schemas))

    try_it()
