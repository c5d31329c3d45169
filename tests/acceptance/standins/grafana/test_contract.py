from __future__ import annotations

import pytest

from tests.acceptance.standins.grafana import contract
from tests.acceptance.standins.grafana.running import ADMIN, Running


@pytest.fixture
def server(recorded_site: Running) -> contract.Server:
    return contract.Server(url=recorded_site.url, auth=ADMIN, exact=True)


@pytest.mark.parametrize("case", contract.queries())
def test_a_query_is_answered_as_recorded(case: str, server: contract.Server) -> None:
    """Status, frames, fields, labels, names, times and errors are those of a real Grafana; values are the data's."""
    recorded = contract.queries()[case]
    assert contract.differences(case, recorded, *server.query(recorded), exact=True) == []


@pytest.mark.parametrize("case", contract.gets())
def test_a_path_is_answered_as_recorded(case: str, server: contract.Server) -> None:
    """Search, dashboards, datasources, folders, logins and refusals are those of a real Grafana."""
    recorded = contract.gets()[case]
    assert contract.differences(case, recorded, *server.get(case), exact=True) == []
