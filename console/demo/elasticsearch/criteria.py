"""What a query becomes: a test for a document, and the bounds that spare the seconds it cannot match.

Bounds are inclusive nanoseconds. `only_bounds` says that the bounds and levels *are* the whole query, which
lets a histogram count whole seconds without looking at a document.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import Any

import msgspec

Test = Callable[[Any], bool]
NEVER = 2**62


class Span(msgspec.Struct, frozen=True):
    """lo <= t <= hi, nanoseconds."""

    lo: int = -NEVER
    hi: int = NEVER

    def meet(self, other: Span) -> Span:
        """What lies in both."""
        return Span(max(self.lo, other.lo), min(self.hi, other.hi))


EVER = Span()


class Criteria(msgspec.Struct, frozen=True):
    """`event` and `ingested` bound @timestamp and event.ingested; `levels` None is any level."""

    test: Test
    event: Span = EVER
    ingested: Span = EVER
    levels: frozenset[str] | None = None
    only_bounds: bool = False
    is_ingested: bool = False
    """Whether the bounds on event.ingested are the whole query."""


def anything() -> Criteria:
    """match_all."""
    return Criteria(lambda d: True, only_bounds=True)


def nothing() -> Criteria:
    """match_none."""
    return Criteria(lambda d: False, event=Span(0, -1))


def both(criteria: list[Criteria]) -> Criteria:
    """All of them."""
    if not criteria:
        return anything()
    if len(criteria) == 1:
        return criteria[0]
    event, ingested = EVER, EVER
    levels: frozenset[str] | None = None
    for one in criteria:
        event, ingested = event.meet(one.event), ingested.meet(one.ingested)
        if one.levels is not None:
            levels = one.levels if levels is None else levels & one.levels
    tests = tuple(one.test for one in criteria)
    if len(tests) == 2:
        first, second = tests
        test: Test = lambda d: first(d) and second(d)  # noqa: E731
    else:
        test = lambda d: all(one(d) for one in tests)  # noqa: E731
    return Criteria(test, event, ingested, levels, all(one.only_bounds for one in criteria))


def at_least(criteria: list[Criteria], least: int) -> Criteria:
    """`should` with its minimum_should_match."""
    tests = tuple(one.test for one in criteria)
    if least == 1 and all(one.is_ingested for one in criteria):
        return _within([one.ingested for one in criteria])
    if least == 1:
        return Criteria(lambda d: any(one(d) for one in tests))
    return Criteria(lambda d: sum(one(d) for one in tests) >= least)


def _within(spans: list[Span]) -> Criteria:
    """Any of the spans of event.ingested: a tail asks for a hundred of them at once, of every document it may know."""
    ends: list[int] = []
    begins: list[int] = []
    for span in sorted((one for one in spans if one.lo <= one.hi), key=lambda one: one.lo):
        if ends and span.lo <= ends[-1] + 1:
            ends[-1] = max(ends[-1], span.hi)
        else:
            begins.append(span.lo)
            ends.append(span.hi)
    if not begins:
        return nothing()

    def test(d: Any) -> bool:
        at = bisect_right(begins, d.ingested_ns)
        return at > 0 and bool(d.ingested_ns <= ends[at - 1])

    return Criteria(test, ingested=Span(begins[0], ends[-1]))


def negated(criteria: Criteria) -> Criteria:
    """must_not."""
    test = criteria.test
    return Criteria(lambda d: not test(d))
