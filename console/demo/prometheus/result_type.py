"""The type an expression yields, which the parser checks and the evaluator dispatches on."""

from __future__ import annotations

from console.demo.prometheus.functions import FUNCTIONS
from console.demo.prometheus.nodes import Binary, Call, Expr, Negate, Number, Selector, Subquery, Text, Type


def type_of(expr: Expr) -> Type:
    """The result type of a tree."""
    if isinstance(expr, Number):
        return "scalar"
    if isinstance(expr, Text):
        return "string"
    if isinstance(expr, Selector):
        return "instant vector" if expr.range_ms is None else "range vector"
    if isinstance(expr, Subquery):
        return "range vector"
    if isinstance(expr, Call):
        return FUNCTIONS[expr.name].result
    if isinstance(expr, Negate):
        return type_of(expr.expr)
    if isinstance(expr, Binary):
        both = type_of(expr.left) == "scalar" and type_of(expr.right) == "scalar"
        return "scalar" if both else "instant vector"
    return "instant vector"
