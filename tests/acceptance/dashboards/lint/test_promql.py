from __future__ import annotations

import pytest

from acceptance.dashboards.lint.promql import Matcher, grouping_labels, selectors


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ("up", [("up", set(), "")]),
        ('up{job="a", instance!~"b.*"}', [("up", {"job", "instance"}, "")]),
        ('{job="a"}', [("", {"job"}, "")]),
        ("rate(x_total[5m])", [("x_total", set(), "rate")]),
        ('sum by (le, env) (increase(x_bucket{env="$env"}[1h]))', [("x_bucket", {"env"}, "increase")]),
        ("sum(rate(x[$__rate_interval])) by (job)", [("x", set(), "rate")]),
        ("avg without (a) (x)", [("x", set(), "avg")]),
        ("a * on (i, j) group_left (k) b", [("a", set(), ""), ("b", set(), "")]),
        ("a and ignoring(x) b unless c or d", [(name, set(), "") for name in "abcd"]),
        ("time() - max(x_seconds)", [("x_seconds", set(), "max")]),
        ("(x > bool 5) ^ 2 # up", [("x", set(), "")]),
        ("x > -Inf or vector(0)", [("x", set(), "")]),
        ("x offset 1h + x @ 1700000000 - 1e3", [("x", set(), ""), ("x", set(), "")]),
        ('label_replace(x, "a", "$1 up(", "b", \'(.*)\')', [("x", set(), "label_replace")]),
        ("level:metric:op > 0.5", [("level:metric:op", set(), "")]),
        ("max_over_time(rate(x[5m])[1h:1m])", [("x", set(), "rate")]),
        ("(quantile by (p) (0.5, x))", [("x", set(), "quantile")]),
        ("1 + 1", []),
    ],
)
def test_metrics_are_found(expr: str, expected: list[tuple[str, set[str], str]]) -> None:
    """Each metric comes with the labels its matchers use and the function right around it."""
    assert [(s.metric, set(s.labels), (*s.functions, "")[0]) for s in selectors(expr)] == expected


@pytest.mark.parametrize("expr", ["sum(x", "x)", "x{a='b'", "x[5m", "sum by (a (x", "x ; y"])
def test_broken_expressions_raise(expr: str) -> None:
    """An unclosed bracket or an unknown sign is an error, not a query without metrics."""
    with pytest.raises(ValueError, match="cannot read"):
        selectors(expr)


@pytest.mark.parametrize(
    ("expr", "functions"),
    [
        ("rate((up)[5m:])", ("rate",)),
        ("rate(sum(up)[5m:])", ("sum", "rate")),
        ("sum by (a) (label_replace(((up)), 'a', '', '', ''))", ("label_replace", "sum")),
    ],
)
def test_no_bracket_hides_a_function(expr: str, functions: tuple[str, ...]) -> None:
    """Every function around a metric is known, whatever stands between the two."""
    assert [s.functions for s in selectors(expr)] == [functions]


def test_filters_are_told_from_values() -> None:
    """What stands right of `and` or `unless` only filters, up to the next `or`, comma or closing bracket."""
    found = selectors("a and (b - c) unless d or e + clamp_max(f and g, scalar(h and i)) or (j and k) / l")

    assert [s.metric for s in found if not s.filters] == ["a", "e", "f", "h", "j", "l"]


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        pytest.param("rate(x[$interval])", ["x"], id="range"),
        pytest.param("rate(x[${__rate_interval}])", ["x"], id="range-of-grafana"),
        pytest.param("max_over_time(x[1h:[[step]]])", ["x"], id="subquery-step"),
        pytest.param("topk($n, x)", ["x"], id="number"),
        pytest.param("x offset $shift", ["x"], id="offset"),
        pytest.param("$agg(x)", ["x"], id="aggregation"),
        pytest.param("$agg by (job) (x)", ["x"], id="aggregation-with-labels"),
        pytest.param("sum by ($label) (x)", ["x"], id="label"),
        pytest.param('x{$label="a"}', ["x"], id="label-of-a-matcher"),
        pytest.param('rate($metric{job="$job"}[5m])', ["grafana_variable_metric"], id="metric"),
        pytest.param("x > $limit and y", ["x", "y"], id="limit"),
        pytest.param("x > .95", ["x"], id="number-without-zero"),
        pytest.param('{__name__="m"}', ["m"], id="name-as-label"),
        pytest.param('{"m", a="b"}', ["m"], id="quoted-name"),
        pytest.param("x # $nothing [", ["x"], id="comment"),
    ],
)
def test_variables_are_filled_by_their_place(expr: str, expected: list[str]) -> None:
    """A query with variables is read, whatever kind of thing each variable stands for (M6)."""
    assert [s.metric for s in selectors(expr)] == expected
    assert grouping_labels(expr) <= {"job"}


def test_matchers_have_sign_and_value() -> None:
    """Each condition is known with its sign and its value, without quotes."""
    (found,) = selectors('up{a="1", b!=\'2\', c=~`3|4`, d!~""}')

    assert found.matchers == (
        Matcher("a", "=", "1"),
        Matcher("b", "!=", "2"),
        Matcher("c", "=~", "3|4"),
        Matcher("d", "!~", ""),
    )


def test_labels_of_lists_are_found() -> None:
    """Labels are collected from every list of labels; those that the query makes itself are its own affair."""
    expr = "sum by (a, b) (x) / on (c) group_left (d) max without (e) (label_replace(y{z='h'}, 'f', '$1', 'a', '.*'))"

    assert grouping_labels(f"{expr} + ignoring (g) sum by (f) (z)") == {"a", "b", "c", "d", "e", "g"}
