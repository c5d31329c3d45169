from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from acceptance.world.grafana.logfmt import LogfmtLog
from acceptance.world.grafana.provisioning.datasources import load_datasources
from acceptance.world.grafana.queries import Queries, QueryAnswer, QueryRefusedError, instant
from tests.acceptance.world.grafana.provisioning_files import OURS, SOURCE

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)
# Near to what is asked: each key as it should be, or anything at all.
TARGETS = st.fixed_dictionaries(
    {"datasource": st.just({"uid": SOURCE})},
    optional={
        "refId": st.just("A") | ANYTHING,
        "expr": st.text() | ANYTHING,
        "interval": st.sampled_from(["30s", "9" * 400 + "s"]) | ANYTHING,
        "intervalMs": st.integers() | ANYTHING,
        "maxDataPoints": st.integers() | ANYTHING,
        "instant": ANYTHING,
        "range": ANYTHING,
        "legendFormat": ANYTHING,
    },
)
TIMES = st.integers().map(str) | st.sampled_from(["now", "now-1h", "0"])
REQUESTS = st.fixed_dictionaries({"queries": st.lists(TARGETS, min_size=1, max_size=3), "from": TIMES, "to": TIMES})
ODD = st.fixed_dictionaries({"queries": st.lists(ANYTHING, max_size=3), "from": ANYTHING, "to": TIMES})
FOREVER = {"datasource": {"uid": SOURCE}, "expr": "up", "interval": "9" * 400 + "s"}


@pytest.fixture(scope="module")
def queries() -> Iterator[Queries]:
    environ = {"PROMETHEUS_URL": "http://127.0.0.1:9", "SCRAPE_INTERVAL": "1s"}
    made = Queries(load_datasources(Path(OURS), environ, LogfmtLog(StringIO())), clock=lambda: 1e9)
    yield made
    made.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(request=REQUESTS | ODD | ANYTHING)
@example(request={"queries": [FOREVER], "from": "0", "to": "now"})
def test_whatever_is_asked_is_answered_or_refused(request: Any, queries: Queries) -> None:
    """No request of whatever form is a mistake of ours; with Prometheus away every target of it has an error."""
    answer = answered(queries, request)
    results = answer.body.get("results", {})
    assert answer.status in ({400} if results else {400, 404})
    assert all(result["error"] for result in results.values())
    assert json.dumps(answer.body)


def answered(queries: Queries, request: Any) -> QueryAnswer:
    try:
        return queries.answer(request)
    except QueryRefusedError as refused:
        return QueryAnswer(refused.status, refused.body)


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("1795713681000", 1795713681000), ("-5", -5), ("now", 10**12), ("now-1h", 10**12 - 3_600_000)],
)
def test_a_time(text: str, milliseconds: int) -> None:
    """Epoch milliseconds as text, or relative to now."""
    assert instant(text, 1e9) == milliseconds


@pytest.mark.parametrize("value", [None, 1795713681000, "", "yesterday", "now+1h", "now/d", "1" * 16])
def test_what_is_no_time(value: object) -> None:
    """Nothing is guessed: the request is refused."""
    with pytest.raises(QueryRefusedError, match="bad request data"):
        instant(value, 1e9)
