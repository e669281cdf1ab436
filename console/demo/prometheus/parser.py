"""Tokens to a typed tree, by precedence climbing.

Types are checked while the tree is built, because Prometheus too answers `rate(up)` with a 400 parse error
and not with an execution error. Precedence, weakest first: `or` | `and unless` | comparisons | `+ -` | `* /
%` | `^` (right associative), with unary minus between `*` and `^`, so that `-1^2` is -1.
"""

from __future__ import annotations

import math
from typing import cast

from console.demo.prometheus.durations import parse_duration
from console.demo.prometheus.errors import BadData
from console.demo.prometheus.functions import FUNCTIONS, UNSUPPORTED
from console.demo.prometheus.grammar import (
    AGGREGATIONS,
    KEYWORDS,
    PRECEDENCE,
    UNARY,
    UNSUPPORTED_AGGREGATIONS,
)
from console.demo.prometheus.lexer import Token
from console.demo.prometheus.matchers import NAME, Matcher, MatchOp, anchored
from console.demo.prometheus.nodes import (
    COMPARISONS,
    SET_OPERATORS,
    Aggregate,
    At,
    Binary,
    Call,
    Expr,
    Matching,
    Negate,
    Number,
    Selector,
    Subquery,
    Text,
    Type,
)
from console.demo.prometheus.result_type import type_of
from console.demo.prometheus.tape import Tape

MAX_DEPTH = 60
MAX_OPERATORS = 150
"""Deeper nesting or a longer chain is refused, so that a hostile query cannot exhaust the interpreter's
stack."""


def parse(query: str) -> Expr:
    """The tree of a query. Raises BadData with Prometheus' `line:column: parse error: ...`."""
    if not query.strip():
        raise BadData(
            'invalid parameter "query": unknown position: parse error: no expression found in input'
        )
    return _Parser(query).whole()


class _Parser(Tape):
    def __init__(self, query: str) -> None:
        super().__init__(query)
        self.depth = 0
        self.operators = 0

    # Expressions

    def whole(self) -> Expr:
        expr = self.expression(0)
        if self.token.kind != "end":
            raise self.unexpected("expression")
        return expr

    def expression(self, floor: int) -> Expr:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.fail(f"expression nested deeper than {MAX_DEPTH} levels")
        left = self.unary()
        while True:
            operator = self.token
            name = operator.text.lower()
            precedence = PRECEDENCE.get(name, 0) if operator.kind in ("op", "name") else 0
            if precedence == 0 or precedence <= floor:
                break
            self.at += 1
            left = self.binary(operator, name, precedence, left)
        self.depth -= 1
        return left

    def unary(self) -> Expr:
        start = self.token
        for sign in "-+":
            if self.op(sign):
                inner = self.expression(UNARY)
                if type_of(inner) not in ("scalar", "instant vector"):
                    raise self.fail(
                        "unary expression only allowed on expressions of type scalar or instant vector, "
                        f"got {type_of(inner)!r}",
                        start,
                    )
                if sign == "+":
                    return inner
                return Number(-inner.value) if isinstance(inner, Number) else Negate(inner)
        return self.postfix(self.primary())

    def binary(self, operator: Token, name: str, precedence: int, left: Expr) -> Expr:
        self.operators += 1
        if self.operators > MAX_OPERATORS:
            raise self.fail(f"more than {MAX_OPERATORS} binary operators in one expression", operator)
        boolean = self.word("bool")
        if boolean and name not in COMPARISONS:
            raise self.fail("bool modifier can only be used on comparison operators", operator)
        matching = self.matching()
        right = self.expression(precedence - 1 if name == "^" else precedence)
        sides = (type_of(left), type_of(right))
        for side in sides:
            if side not in ("scalar", "instant vector"):
                raise self.fail(
                    f"binary expression must contain only scalar and instant vector types, got {side}",
                    operator,
                )
        if name in SET_OPERATORS and "scalar" in sides:
            raise self.fail(f"set operator {name!r} not allowed in binary scalar expression", operator)
        if name in SET_OPERATORS and matching is not None and matching.group is not None:
            raise self.fail(f"no grouping allowed for {name!r} operation", operator)
        if matching is not None and "scalar" in sides:
            raise self.fail("vector matching only allowed between instant vectors", operator)
        if name in COMPARISONS and not boolean and sides == ("scalar", "scalar"):
            raise self.fail("comparisons between scalars must use BOOL modifier", operator)
        return Binary(name, left, right, boolean, matching or Matching())

    def matching(self) -> Matching | None:
        on = self.word("on")
        if not on and not self.word("ignoring"):
            return None
        labels = frozenset(self.label_list("grouping opts"))
        for side in ("left", "right"):
            start = self.token
            if self.word(f"group_{side}"):
                bracketed = self.token.kind == "op" and self.token.text == "("
                include = self.label_list("grouping opts") if bracketed else ()
                twice = sorted(labels & set(include)) if on else []
                if twice:
                    raise self.fail(
                        f'label "{twice[0]}" must not occur in ON and GROUP clause at once', start
                    )
                return Matching(on, labels, "left" if side == "left" else "right", include)
        return Matching(on, labels)

    def label_list(self, context: str) -> tuple[str, ...]:
        self.expect("(", context)
        names: list[str] = []
        while not self.op(")"):
            if self.token.kind != "name" or ":" in self.token.text:
                raise self.unexpected(f"{context}, expected label")
            names.append(self.token.text)
            self.at += 1
            if not self.op(","):
                self.expect(")", context)
                break
        return tuple(names)

    # Primaries

    def primary(self) -> Expr:
        token = self.token
        if token.kind == "number" or token.kind == "duration":
            self.at += 1
            return Number(_number(token.text) if token.kind == "number" else parse_seconds(self, token))
        if token.kind == "string":
            self.at += 1
            return Text(token.text)
        if self.op("("):
            inner = self.expression(0)
            self.expect(")", "parenthesised expression")
            return inner
        if token.kind == "op" and token.text == "{":
            return self.selector(None)
        if token.kind == "name":
            return self.named()
        raise self.unexpected("expression")

    def named(self) -> Expr:
        token = self.token
        following = self.tokens[self.at + 1]
        name, lower = token.text, token.text.lower()
        calls = following.kind == "op" and following.text == "("
        groups = following.kind == "name" and following.text.lower() in ("by", "without")
        if (calls or groups) and lower in AGGREGATIONS:
            return self.aggregate(lower)
        if (calls or groups) and lower in UNSUPPORTED_AGGREGATIONS:
            raise self.fail(f"aggregation {lower!r} is not in this server's subset of PromQL")
        if calls:
            return self.call(name)
        if lower in ("nan", "inf"):
            self.at += 1
            return Number(float(lower))
        if lower in PRECEDENCE or lower in KEYWORDS:
            raise self.unexpected("expression")
        self.at += 1
        return self.selector(name)

    def aggregate(self, op: str) -> Expr:
        self.at += 1
        clause = self.grouping()
        start = self.token
        args = self.arguments()
        if clause is None:
            clause = self.grouping()
        wanted = 1 + AGGREGATIONS[op]
        if len(args) != wanted:
            raise self.fail(
                f"wrong number of arguments for aggregate expression provided, expected {wanted}, got "
                f"{len(args)}",
                start,
            )
        self.check(args[-1], "instant vector", "aggregation expression", start)
        if wanted == 2:
            self.check(args[0], "scalar", "aggregation parameter", start)
        without, labels = clause or (False, frozenset())
        return Aggregate(op, args[-1], args[0] if wanted == 2 else None, labels, without)

    def grouping(self) -> tuple[bool, frozenset[str]] | None:
        for word in ("by", "without"):
            if self.word(word):
                return word == "without", frozenset(self.label_list("grouping opts"))
        return None

    def call(self, name: str) -> Expr:
        start = self.token
        if name in UNSUPPORTED:
            raise self.fail(f"function {name!r} is not in this server's subset of PromQL")
        if name not in FUNCTIONS:
            raise self.fail(f'unknown function with name "{name}"')
        self.at += 1
        function = FUNCTIONS[name]
        args = self.arguments()
        least, most = function.required, len(function.args)
        if not least <= len(args) <= most:
            bound = (
                f"{least}"
                if least == most
                else (f"at least {least}" if len(args) < least else f"at most {most}")
            )
            raise self.fail(f'expected {bound} argument(s) in call to "{name}", got {len(args)}', start)
        for arg, wanted in zip(args, function.args, strict=False):
            self.check(arg, wanted, f'call to function "{name}"', start)
        return Call(name, args)

    def arguments(self) -> tuple[Expr, ...]:
        self.expect("(", "arguments")
        args: list[Expr] = []
        while not self.op(")"):
            args.append(self.expression(0))
            if not self.op(","):
                self.expect(")", "arguments")
                break
        return tuple(args)

    def check(self, expr: Expr, wanted: Type, context: str, token: Token) -> None:
        if type_of(expr) != wanted:
            raise self.fail(f"expected type {wanted} in {context}, got {type_of(expr)}", token)

    # Selectors

    def selector(self, name: str | None) -> Selector:
        start = self.token
        matchers = [] if name is None else [Matcher(NAME, "=", name)]
        if self.op("{"):
            while not self.op("}"):
                matchers.append(self.matcher(name))
                if not self.op(","):
                    self.expect("}", "label matching")
                    break
        if all(matcher.matches("") for matcher in matchers):
            raise self.fail("vector selector must contain at least one non-empty matcher", start)
        return Selector(tuple(matchers))

    def matcher(self, metric: str | None) -> Matcher:
        token = self.token
        if token.kind == "string":
            # {"metric name"}: the quoted form that Prometheus 3 allows for any name.
            following = self.tokens[self.at + 1]
            if following.kind == "op" and following.text in (",", "}"):
                if metric is not None:
                    raise self.fail(f'metric name must not be set twice: "{metric}" or "{token.text}"')
                self.at += 1
                return Matcher(NAME, "=", token.text)
        elif token.kind != "name" or ":" in token.text:
            raise self.unexpected("label matching, expected identifier or '}'")
        self.at += 1
        operator = self.token
        if operator.kind != "op" or operator.text not in ("=", "!=", "=~", "!~"):
            raise self.unexpected("label matching, expected label matching operator")
        self.at += 1
        value = self.token
        if value.kind != "string":
            raise self.unexpected("label matching, expected string")
        self.at += 1
        if token.text == NAME and metric is not None:
            raise self.fail(f'metric name must not be set twice: "{metric}" or "{value.text}"', token)
        if operator.text in ("=~", "!~"):
            try:
                anchored(value.text)
            except ValueError as error:
                raise self.fail(str(error), value) from error
        return Matcher(token.text, cast(MatchOp, operator.text), value.text)

    # [range], [range:step], offset, @

    def postfix(self, expr: Expr) -> Expr:
        while True:
            start = self.token
            if self.op("["):
                expr = self.bracket(expr, start)
            elif self.word("offset"):
                negative = self.op("-")
                shift = self.duration("offset")
                target = self.shiftable(expr, "offset", start)
                if target.offset_ms:
                    raise self.fail("offset may not be set multiple times", start)
                expr = _shifted(target, -shift if negative else shift, target.at)
            elif self.op("@"):
                target = self.shiftable(expr, "@", start)
                if target.at is not None:
                    raise self.fail("@ <timestamp> may not be set multiple times", start)
                expr = _shifted(target, target.offset_ms, self.moment())
            else:
                return expr

    def bracket(self, expr: Expr, start: Token) -> Expr:
        range_ms = self.duration("range")
        if self.op(":"):
            step_ms = None if self.token.text == "]" else self.duration("subquery step")
            self.expect("]", "subquery")
            if type_of(expr) != "instant vector":
                raise self.fail(
                    f"subquery is only allowed on instant vector, got {type_of(expr)} instead", start
                )
            return Subquery(expr, range_ms, step_ms)
        self.expect("]", "range selector")
        if not isinstance(expr, Selector) or expr.range_ms is not None:
            raise self.fail("ranges only allowed for vector selectors", start)
        if expr.offset_ms or expr.at is not None:
            raise self.fail("no offset or @ modifiers allowed before range", start)
        return Selector(expr.matchers, range_ms)

    def duration(self, context: str) -> int:
        token = self.token
        if token.kind == "number" and context != "range" and token.text == "0":
            self.at += 1
            return 0
        if token.kind != "duration":
            raise self.unexpected(f"{context}, expected duration")
        self.at += 1
        milliseconds = round(parse_seconds(self, token) * 1000)
        if milliseconds <= 0 and context != "offset":
            raise self.fail("duration must be greater than 0", token)
        return milliseconds

    def shiftable(self, expr: Expr, what: str, token: Token) -> Selector | Subquery:
        if not isinstance(expr, Selector | Subquery):
            raise self.fail(
                f"{what} modifier must be preceded by an instant vector selector or range vector selector or "
                "a subquery",
                token,
            )
        return expr

    def moment(self) -> At:
        for end in ("start", "end"):
            if self.word(end):
                self.expect("(", "@")
                self.expect(")", "@")
                return "start" if end == "start" else "end"
        negative = self.op("-")
        if self.token.kind != "number":
            raise self.unexpected("@, expected timestamp")
        value = _number(self.token.text)
        if not math.isfinite(value):
            raise self.fail(f"timestamp out of bounds for @ modifier: {value}")
        self.at += 1
        return -value if negative else value


def parse_seconds(parser: _Parser, token: Token) -> float:
    """Seconds of a duration token; a duration stands for its seconds where a number may stand (Prometheus
    3)."""
    try:
        return parse_duration(token.text) / 1000
    except ValueError as error:
        raise parser.fail(str(error), token) from error


def _number(text: str) -> float:
    return float(int(text, 16)) if text[:2].lower() == "0x" else float(text)


def _shifted(expr: Selector | Subquery, offset_ms: int, at: At) -> Selector | Subquery:
    if isinstance(expr, Selector):
        return Selector(expr.matchers, expr.range_ms, offset_ms, at)
    return Subquery(expr.expr, expr.range_ms, expr.step_ms, offset_ms, at)
