"""The PromQL tree. Every node is frozen and names its result type, so that the parser can refuse `rate(1)`
before anything is evaluated. Times and ranges are whole milliseconds."""

from __future__ import annotations

from typing import Literal

import msgspec

from console.demo.prometheus.matchers import Matcher

Type = Literal["scalar", "string", "instant vector", "range vector"]
At = float | Literal["start", "end"] | None
"""The `@` modifier: Unix seconds, or an end of the query's range; None is the step's own time."""


class Number(msgspec.Struct, frozen=True):
    """A literal."""

    value: float


class Text(msgspec.Struct, frozen=True):
    """A string literal."""

    value: str


class Selector(msgspec.Struct, frozen=True):
    """Series by matchers; `range_ms` makes it a range vector."""

    matchers: tuple[Matcher, ...]
    range_ms: int | None = None
    offset_ms: int = 0
    at: At = None


class Subquery(msgspec.Struct, frozen=True):
    """`expr[range:step]`; `step_ms` None is the server's default evaluation interval."""

    expr: Expr
    range_ms: int
    step_ms: int | None
    offset_ms: int = 0
    at: At = None


class Call(msgspec.Struct, frozen=True):
    """A function of the table in `functions`."""

    name: str
    args: tuple[Expr, ...]


class Aggregate(msgspec.Struct, frozen=True):
    """`op [by|without (labels)] ([parameter,] expr)`."""

    op: str
    expr: Expr
    parameter: Expr | None
    labels: frozenset[str]
    without: bool


class Negate(msgspec.Struct, frozen=True):
    """Unary minus."""

    expr: Expr


class Matching(msgspec.Struct, frozen=True):
    """How the two sides of a binary operator find each other.

    `labels` with `on` false are the ignored ones. `group` names the side that may have many series a match,
    and `include` the labels it takes over from the other.
    """

    on: bool = False
    labels: frozenset[str] = frozenset()
    group: Literal["left", "right"] | None = None
    include: tuple[str, ...] = ()


class Binary(msgspec.Struct, frozen=True):
    """`left op right`; `boolean` is the `bool` modifier of a comparison."""

    op: str
    left: Expr
    right: Expr
    boolean: bool
    matching: Matching


Expr = Number | Text | Selector | Subquery | Call | Aggregate | Negate | Binary

COMPARISONS = frozenset({"==", "!=", "<", ">", "<=", ">="})
SET_OPERATORS = frozenset({"and", "or", "unless"})
