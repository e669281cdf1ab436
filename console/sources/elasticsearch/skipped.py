"""Stretches of time whose lines were counted instead of fetched, so that the account stays exact."""

from __future__ import annotations

from typing import Any

import msgspec

from console.sources.elasticsearch.answers import LogIndex
from console.sources.elasticsearch.query import Span, between, matching
from console.sources.elasticsearch.seen import Seen

ACTIVE = 6  # recounted each poll while late lines may still turn up in them; older ones are final


class _Stretch(msgspec.Struct):
    span: Span
    accounted: int  # documents in it that were shown or counted as dropped

    def holds(self, tracking: int) -> bool:
        return self.span[0] <= tracking <= self.span[1]


class Skipped:
    """After a ceiling: stretches that later polls leave out and only recount, until the overlap has passed
    them.

    Stretches never overlap: the fetched line a new one begins with is outside every other, so another one is
    either apart from it or wholly inside, and is then taken in.
    """

    def __init__(self, active: int = ACTIVE) -> None:
        self._active = active
        self._stretches: list[_Stretch] = []

    def __bool__(self) -> bool:
        return bool(self._stretches)

    def without(self, tracking: str) -> list[dict[str, Any]]:
        """What a poll must leave out of its query."""
        return [between(tracking, stretch.span) for stretch in self._stretches]

    def holds(self, tracking: int) -> bool:
        """Whether a poll leaves out what has this time."""
        # asked of every known line at every poll, and mostly there is no stretch
        return bool(self._stretches) and any(one.holds(tracking) for one in self._stretches)

    async def add(self, index: LogIndex, tracking: str, filters: list[dict[str, Any]], span: Span, seen: Seen) -> int:
        """Leave out `span` from now on; returns how many of its documents had not been taken, and are
        dropped.
        """
        inside = [one for one in self._stretches if span[0] <= one.span[0] and one.span[1] <= span[1]]
        told = await index.count(matching([*filters, between(tracking, span)]))
        known = seen.count(lambda at: span[0] <= at <= span[1] and not any(one.holds(at) for one in inside)) + sum(
            one.accounted for one in inside
        )
        accounted = max(told.count, known)
        self._stretches = [one for one in self._stretches if one not in inside]
        self._stretches.append(_Stretch(span=span, accounted=accounted))
        return accounted - known

    async def recount(self, index: LogIndex, tracking: str, filters: list[dict[str, Any]]) -> int:
        """How many more documents have turned up in the stretches since they were last counted."""
        more = 0
        for stretch in self._stretches[-self._active :]:
            told = await index.count(matching([*filters, between(tracking, stretch.span)]))
            more += max(0, told.count - stretch.accounted)
            stretch.accounted = max(stretch.accounted, told.count)
        return more

    def forget_before(self, cutoff: int) -> None:
        """Stretches wholly before the overlap need neither be left out nor recounted."""
        self._stretches = [stretch for stretch in self._stretches if stretch.span[1] >= cutoff]
