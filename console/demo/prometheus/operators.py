"""Binary operators: the arithmetic of two numbers, and how two vectors find each other."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from console.demo.prometheus.errors import ExecutionError
from console.demo.prometheus.matchers import NAME, Labels, drop, keep, labels_of, spelled, without_name
from console.demo.prometheus.nodes import COMPARISONS, Matching
from console.demo.prometheus.rows import Row, unique

Arithmetic = Callable[[float, float], float]


def _divide(a: float, b: float) -> float:
    if b != 0:
        return a / b
    if a == 0 or math.isnan(a):
        return math.nan
    return math.copysign(math.inf, a) * math.copysign(1.0, b)


def _modulo(a: float, b: float) -> float:
    return math.nan if b == 0 or math.isinf(a) else math.fmod(a, b)


def _power(a: float, b: float) -> float:
    try:
        return math.pow(a, b)
    except OverflowError:
        return -math.inf if a < 0 and b % 2 == 1 else math.inf
    except ValueError:
        return math.inf if a == 0 else math.nan


ARITHMETIC: dict[str, Arithmetic] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": _divide,
    "%": _modulo,
    "^": _power,
}
COMPARE: dict[str, Callable[[float, float], bool]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}


def scalars(op: str, left: Sequence[float], right: Sequence[float]) -> list[float]:
    """Both sides scalar; a comparison is 0 or 1 (the parser has demanded `bool`)."""
    if op in COMPARE:
        holds = COMPARE[op]
        return [float(holds(a, b)) for a, b in zip(left, right, strict=True)]
    apply = ARITHMETIC[op]
    return [apply(a, b) for a, b in zip(left, right, strict=True)]


def with_scalar(
    op: str, rows: list[Row], scalar: Sequence[float], scalar_left: bool, boolean: bool
) -> list[Row]:
    """A vector and a scalar; a comparison without `bool` filters and keeps the vector's value."""
    combine = _combiner(op, boolean, keep_right=scalar_left)
    results = []
    for row in rows:
        pairs = zip(row.values, scalar, strict=True)
        if scalar_left:
            values = [None if value is None else combine(other, value) for value, other in pairs]
        else:
            values = [None if value is None else combine(value, other) for value, other in pairs]
        results.append(Row(row.labels if _keeps_name(op, boolean) else without_name(row.labels), values))
    return unique(results)


def vectors(op: str, left: list[Row], right: list[Row], boolean: bool, matching: Matching) -> list[Row]:
    """Two vectors, one-to-one or with `group_left`/`group_right`.

    Raises ExecutionError where a match is ambiguous at some step.
    """
    many, one = (right, left) if matching.group == "right" else (left, right)
    combine = _combiner(op, boolean, keep_right=False)
    groups = _by_signature(one, matching)
    results: list[Row] = []
    taken: dict[Labels, list[Row]] = {}
    for row in many:
        signature = _signature(row.labels, matching)
        partners = groups.get(signature)
        if partners is None:
            continue
        if matching.group is None:
            _refuse_overlap(taken.setdefault(signature, []), row, partners)
        for partner in partners:
            pairs = zip(row.values, partner.values, strict=True)
            if matching.group == "right":
                values = [None if a is None or b is None else combine(b, a) for a, b in pairs]
            else:
                values = [None if a is None or b is None else combine(a, b) for a, b in pairs]
            results.append(Row(_result_labels(row.labels, partner.labels, op, boolean, matching), values))
    return unique(row for row in results if row.present())


def sets(op: str, left: list[Row], right: list[Row], matching: Matching) -> list[Row]:
    """`and`, `or` and `unless`, many-to-many by nature."""
    steps = len((left or right)[0].values) if left or right else 0
    if op == "or":
        held = _presence(left, matching, steps)
        extra = [
            Row(row.labels, _only_where(row, held.get(_signature(row.labels, matching)), False))
            for row in right
        ]
        return unique([*left, *(row for row in extra if row.present())])
    held = _presence(right, matching, steps)
    rows = [
        Row(row.labels, _only_where(row, held.get(_signature(row.labels, matching)), op == "and"))
        for row in left
    ]
    return [row for row in rows if row.present()]


def _combiner(op: str, boolean: bool, keep_right: bool) -> Callable[[float, float], float | None]:
    if op not in COMPARISONS:
        return ARITHMETIC[op]
    holds = COMPARE[op]
    if boolean:
        return lambda a, b: float(holds(a, b))
    if keep_right:
        return lambda a, b: b if holds(a, b) else None
    return lambda a, b: a if holds(a, b) else None


def _keeps_name(op: str, boolean: bool) -> bool:
    return op in COMPARISONS and not boolean


def _signature(labels: Labels, matching: Matching) -> Labels:
    if matching.on:
        return keep(labels, matching.labels)
    return drop(labels, matching.labels | {NAME})


def _by_signature(rows: list[Row], matching: Matching) -> dict[Labels, list[Row]]:
    """The rows of the one-side by signature; no two of a group may have a value at the same step."""
    groups: dict[Labels, list[Row]] = {}
    for row in rows:
        signature = _signature(row.labels, matching)
        group = groups.setdefault(signature, [])
        for other in group:
            if any(a is not None and b is not None for a, b in zip(row.values, other.values, strict=True)):
                side = "left" if matching.group == "right" else "right"
                raise ExecutionError(
                    f"found duplicate series for the match group {spelled(signature)} on the {side} "
                    "hand-side of the "
                    f"operation: [{spelled(row.labels)}, {spelled(other.labels)}]; many-to-many matching not "
                    "allowed: "
                    "matching labels must be unique on one side"
                )
        group.append(row)
    return groups


def _refuse_overlap(taken: list[Row], row: Row, partners: list[Row]) -> None:
    for other in taken:
        for step, (a, b) in enumerate(zip(row.values, other.values, strict=True)):
            if (
                a is not None
                and b is not None
                and any(partner.values[step] is not None for partner in partners)
            ):
                raise ExecutionError(
                    "multiple matches for labels: many-to-one matching must be explicit "
                    "(group_left/group_right): "
                    f"{spelled(row.labels)} and {spelled(other.labels)}"
                )
    taken.append(row)


def _result_labels(many: Labels, one: Labels, op: str, boolean: bool, matching: Matching) -> Labels:
    labels = many if _keeps_name(op, boolean) else without_name(many)
    if matching.group is None:
        return keep(labels, matching.labels) if matching.on else drop(labels, matching.labels)
    if matching.include:
        others = dict(one)
        kept = dict(labels) | {name: others.get(name, "") for name in matching.include}
        return labels_of(kept.items())
    return labels


def _presence(rows: list[Row], matching: Matching, steps: int) -> dict[Labels, list[bool]]:
    held: dict[Labels, list[bool]] = {}
    for row in rows:
        flags = held.setdefault(_signature(row.labels, matching), [False] * steps)
        for step, value in enumerate(row.values):
            if value is not None:
                flags[step] = True
    return held


def _only_where(row: Row, flags: list[bool] | None, wanted: bool) -> Sequence[float | None]:
    if flags is None:
        return row.values if not wanted else [None] * len(row.values)
    return [value if flag == wanted else None for value, flag in zip(row.values, flags, strict=True)]
