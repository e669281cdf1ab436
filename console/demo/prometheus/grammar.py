"""The tables of the grammar: how tightly operators bind, which words are reserved, which aggregations
there are."""

from __future__ import annotations

AGGREGATIONS = {
    "sum": 0,
    "avg": 0,
    "max": 0,
    "min": 0,
    "count": 0,
    "group": 0,
    "topk": 1,
    "bottomk": 1,
    "quantile": 1,
}
"""Operator -> whether it takes a parameter before the vector."""
UNSUPPORTED_AGGREGATIONS = frozenset({"stddev", "stdvar", "count_values", "limitk", "limit_ratio"})

PRECEDENCE = {
    "or": 1,
    "and": 2,
    "unless": 2,
    "==": 3,
    "!=": 3,
    "<": 3,
    ">": 3,
    "<=": 3,
    ">=": 3,
    "+": 4,
    "-": 4,
    "*": 5,
    "/": 5,
    "%": 5,
    "^": 7,
}
UNARY = 6
KEYWORDS = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right", "bool", "offset"})
