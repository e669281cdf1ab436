"""What PromQL text means, as a fully bracketed spelling, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.demo.prometheus.durations import format_duration, parse_duration
from console.demo.prometheus.errors import BadData
from console.demo.prometheus.nodes import (
    Aggregate,
    Binary,
    Call,
    Expr,
    Negate,
    Number,
    Selector,
    Subquery,
    Text,
)
from console.demo.prometheus.parser import parse


def shape(e: Expr) -> str:
    if isinstance(e, Number):
        return f"{e.value:g}"
    if isinstance(e, Text):
        return repr(e.value)
    if isinstance(e, Selector):
        inside = ",".join(str(m).replace('"', "") for m in e.matchers)
        tail = f"[{e.range_ms}]" if e.range_ms else ""
        tail += f" offset {e.offset_ms}" if e.offset_ms else ""
        return f"{{{inside}}}{tail}" + (f" @ {e.at}" if e.at is not None else "")
    if isinstance(e, Subquery):
        return f"{shape(e.expr)}[{e.range_ms}:{e.step_ms}]"
    if isinstance(e, Call):
        return f"{e.name}({', '.join(map(shape, e.args))})"
    if isinstance(e, Negate):
        return f"-{shape(e.expr)}"
    if isinstance(e, Aggregate):
        side = "without" if e.without else "by"
        first = f"{shape(e.parameter)}, " if e.parameter else ""
        return f"{e.op} {side}{sorted(e.labels)}({first}{shape(e.expr)})"
    assert isinstance(e, Binary)
    m = e.matching
    word = f"{e.op}{' bool' if e.boolean else ''}"
    if m.on or m.labels:
        word += f" {'on' if m.on else 'ignoring'}{sorted(m.labels)}"
    if m.group:
        word += f" group_{m.group}{list(m.include)}"
    return f"({shape(e.left)} {word} {shape(e.right)})"


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("1 + 2 * 3", "(1 + (2 * 3))"),
        ("1 - 2 - 3", "((1 - 2) - 3)"),
        ("2 ^ 3 ^ 2", "(2 ^ (3 ^ 2))"),
        ("-1 ^ 2", "-(1 ^ 2)"),
        ("-2 * 3", "(-2 * 3)"),
        ("2 ^ -1", "(2 ^ -1)"),
        ("a or b and c unless d", "({__name__=a} or (({__name__=b} and {__name__=c}) unless {__name__=d}))"),
        ("a > b + 1", "({__name__=a} > ({__name__=b} + 1))"),
        ("a == bool b", "({__name__=a} == bool {__name__=b})"),
        ("a / on(pop) b", "({__name__=a} / on['pop'] {__name__=b})"),
        (
            "a * ignoring(x, y) group_left(z) b",
            "({__name__=a} * ignoring['x', 'y'] group_left['z'] {__name__=b})",
        ),
        ("sum by (pop) (a)", "sum by['pop']({__name__=a})"),
        ("sum(a) without (pop,)", "sum without['pop']({__name__=a})"),
        ("topk(3, a)", "topk by[](3, {__name__=a})"),
        ('a{b="c",d!~"e|f"}', "{__name__=a,b=c,d!~e|f}"),
        ('{__name__=~"edge_.*"}', "{__name__=~edge_.*}"),
        ('{"a.b", c="d"}', "{__name__=a.b,c=d}"),
        ("rate(a[1h30m] offset -5m)", "rate({__name__=a}[5400000] offset -300000)"),
        ("a offset 5m @ 100", "{__name__=a} offset 300000 @ 100.0"),
        ("a @ end()", "{__name__=a} @ end"),
        ("max_over_time(rate(a[1m])[5m:1m])", "max_over_time(rate({__name__=a}[60000])[300000:60000])"),
        ("max_over_time(a[5m:])", "max_over_time({__name__=a}[300000:None])"),
        ("0x1F + 1e3 + .5 + Inf", "(((31 + 1000) + 0.5) + inf)"),
        ("sum # all of it\n(a)", "sum by[]({__name__=a})"),
        ("sum", "{__name__=sum}"),
        ("5m", "300"),
        (r'label_replace(a, "x", "$1", "y", `(.)`)', "label_replace({__name__=a}, 'x', '$1', 'y', '(.)')"),
    ],
)
def test_an_expression_means_what_prometheus_takes_it_to_mean(text: str, means: str) -> None:
    assert shape(parse(text)) == means


@pytest.mark.parametrize(
    ("text", "position", "says"),
    [
        ("", None, "no expression found"),
        ("sum(", "1:5", "unexpected end of input"),
        ("a{b=}", "1:5", "expected string"),
        ('a{b=~"("}', "1:6", "error parsing regexp"),
        ('a{b=~"(?=x)"}', "1:6", "invalid or unsupported Perl syntax"),
        ("{}", "1:1", "at least one non-empty matcher"),
        ('{a=~".*"}', "1:1", "at least one non-empty matcher"),
        ("rate(a)", "1:1", 'expected type range vector in call to function "rate", got instant vector'),
        ("sum(a[5m])", "1:4", "expected type instant vector in aggregation expression, got range vector"),
        ("foo(a)", "1:1", 'unknown function with name "foo"'),
        ("histogram_quantile(0.9, a)", "1:1", "not in this server's subset"),
        ("stddev(a)", "1:1", "not in this server's subset"),
        ("1 == 2", "1:3", "must use BOOL modifier"),
        ("1 + bool 2", "1:3", "bool modifier can only be used on comparison"),
        ("1 and a", "1:3", "not allowed in binary scalar expression"),
        ("1 * on(x) a", "1:3", "vector matching only allowed between instant vectors"),
        ("a * on(x) group_left(x) b", "1:11", "must not occur in ON and GROUP clause at once"),
        ("a and on(x) group_left b", "1:3", "no grouping allowed"),
        ("a[5m] + 1", "1:7", "must contain only scalar and instant vector types"),
        ("(a + b)[5m]", "1:8", "ranges only allowed for vector selectors"),
        ("a offset 5m [5m]", "1:13", "no offset or @ modifiers allowed before range"),
        ("sum(a) offset 5m", "1:8", "offset modifier must be preceded by"),
        ("a[0s]", "1:3", "duration must be greater than 0"),
        ("a[5]", "1:3", "expected duration"),
        ("a b", "1:3", "unexpected <name:b>"),
        ("a\n  + $", "2:5", "unexpected character"),
        ('a{b="c}', "1:5", "unterminated quoted string"),
        ('-"x"', "1:1", "unary expression only allowed"),
        ("clamp(a, 1)", "1:1", "expected 3 argument(s) in call"),
        ("topk(a)", "1:5", "expected 2, got 1"),
        ("12abc", "1:1", "bad number or duration syntax"),
        ('a{__name__="b"}', "1:3", "metric name must not be set twice"),
    ],
)
def test_a_query_that_cannot_be_read_is_refused_with_its_position(
    text: str, position: str | None, says: str
) -> None:
    with pytest.raises(BadData) as caught:
        parse(text)
    assert says in str(caught.value)
    if position is not None:
        assert f'"query": {position}: parse error: ' in str(caught.value)


@pytest.mark.parametrize(
    "text", ["(" * 5000, "-" * 5000 + "1", "1" + "+1" * 5000, "sum(" * 3000 + "a", "a" * 30000]
)
def test_hostile_nesting_is_refused_and_does_not_exhaust_the_stack(text: str) -> None:
    with pytest.raises(BadData):
        parse(text)


@given(st.text(alphabet='ab1.5m(){}[]"=~!<>+-*/^,: offsetbyon@', max_size=40))
def test_any_text_is_parsed_or_refused_and_nothing_else(text: str) -> None:
    try:
        parse(text)
    except BadData as error:
        assert "invalid parameter" in str(error)


@given(st.integers(min_value=1, max_value=10**12))
def test_a_duration_survives_being_spelled(milliseconds: int) -> None:
    assert parse_duration(format_duration(milliseconds)) == milliseconds


@pytest.mark.parametrize("text", ["", "5", "m5", "1s1m", "-5m", "5.5m"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a valid duration"):
        parse_duration(text)
