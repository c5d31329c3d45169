from __future__ import annotations

import pytest

from acceptance.dashboards.template import Value, Window, default_values, duration, resolve
from acceptance.probes.errors import PanelError

HOUR = Window(start=0, end=3600, scrape_interval=15)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{env="$env"}', '{env="paper"}'),
        ('{env="${env}"}', '{env="paper"}'),
        ('{env="[[env]]"}', '{env="paper"}'),
        ('{f=~".*_$env[.]prom"}', '{f=~".*_paper[.]prom"}'),
        ('{i=~"$instance"}', '{i=~".*"}'),
        ('{i=~"$hosts"}', r'{i=~"(a\\.b:1|c:2)"}'),
        ("${hosts:pipe} ${hosts:csv} ${env:raw} ${hosts:raw}", "a.b:1|c:2 a.b:1,c:2 paper a.b:1,c:2"),
        ("${dotted:regex}", r"x\\.y"),
        ("rate(x[$__rate_interval])", "rate(x[60s])"),
        ("x[$__interval] $__interval_ms", "x[15s] 15000"),
        ("x[$__range] $__range_s $__range_ms", "x[3600s] 3600 3600000"),
        ("$__from ${__to}", "0 3600000"),
        ('label_replace(x, "a", "$1", "b", "(.*)")', 'label_replace(x, "a", "$1", "b", "(.*)")'),
    ],
)
def test_variables_are_written_as_grafana_would(text: str, expected: str) -> None:
    """Every spelling and format of a variable is replaced, and a capture group is left alone."""
    values: dict[str, Value] = {
        "env": "paper",
        "instance": ".*",
        "hosts": ["a.b:1", "c:2"],
        "dotted": "x.y",
    }

    assert resolve(text, values, HOUR) == expected


@pytest.mark.parametrize(
    ("text", "words"), [("$nope", r"\$nope .* not defined"), ("${env:glob}", "'glob', which is not known")]
)
def test_what_cannot_be_resolved_is_an_error(text: str, words: str) -> None:
    """An undefined variable or unknown format raises, since Grafana would send the name itself."""
    with pytest.raises(PanelError, match=words):
        resolve(text, {"env": "paper"}, HOUR)


def test_step_follows_range_and_scrape_interval() -> None:
    """The step is range by points but never finer than a scrape, and a rate spans at least four scrapes."""
    week = Window(start=0, end=604800, scrape_interval=15, max_points=600)

    assert (HOUR.interval, HOUR.rate_interval) == (15, 60)
    assert (week.interval, week.rate_interval) == (1008, 1023)
    assert Window(start=0, end=60, scrape_interval=1).builtins()["__rate_interval"] == "4s"


@pytest.mark.parametrize(("seconds", "text"), [(15, "15s"), (0.25, "250ms"), (1.5, "1500ms"), (0, "1ms")])
def test_durations_are_promql(seconds: float, text: str) -> None:
    """Durations are written so that PromQL reads them, never as zero."""
    assert duration(seconds) == text


def test_defaults_are_the_values_on_opening() -> None:
    """All becomes its allValue, a constant its query, a chosen value itself."""
    variables = [
        {"name": "env", "type": "query", "current": {"value": "paper"}},
        {"name": "instance", "type": "query", "current": {"value": "$__all"}, "allValue": ".+"},
        {"name": "host", "type": "query", "current": {"value": ["$__all"]}},
        {"name": "limit", "type": "constant", "query": "5"},
        {"name": "empty", "type": "query"},
    ]

    assert default_values({"templating": {"list": variables}}) == {
        "env": "paper",
        "instance": ".+",
        "host": ".*",
        "limit": "5",
        "empty": "",
    }
    assert default_values({}) == {}
