"""Stretches of time whose lines were counted instead of fetched, so that the account stays exact."""

from __future__ import annotations

from typing import Any

import msgspec

from console.sources.elasticsearch.answers import LogIndex
from console.sources.elasticsearch.query import Span, between, matching

ACTIVE = 6  # recounted each poll while late lines may still turn up in them; older ones are final


class _Stretch(msgspec.Struct):
    span: Span
    counted: int


class Skipped:
    """After a ceiling: the stretches that later polls leave out and only recount, until the overlap has passed them."""

    def __init__(self, active: int = ACTIVE) -> None:
        self._active = active
        self._stretches: list[_Stretch] = []

    def without(self, tracking: str) -> list[dict[str, Any]]:
        """What a poll must leave out of its query."""
        return [between(tracking, stretch.span) for stretch in self._stretches]

    async def add(
        self, index: LogIndex, tracking: str, filters: list[dict[str, Any]], span: Span, known: int
    ) -> int:
        """Leave out `span`, of which `known` documents were fetched; how many were not."""
        others = self.without(tracking)
        told = await index.count(matching([*filters, between(tracking, span)], others))
        counted = max(0, told.count - known)
        self._stretches.append(_Stretch(span=span, counted=told.count))
        return counted

    async def recount(self, index: LogIndex, tracking: str, filters: list[dict[str, Any]]) -> int:
        """How many more documents have turned up in the stretches since they were last counted."""
        more = 0
        for place, stretch in enumerate(self._stretches[-self._active :]):
            first = max(0, len(self._stretches) - self._active)
            others = [between(tracking, one.span) for one in self._stretches[: first + place]]
            told = await index.count(matching([*filters, between(tracking, stretch.span)], others))
            more += max(0, told.count - stretch.counted)
            stretch.counted = max(stretch.counted, told.count)
        return more

    def forget_before(self, cutoff: int) -> None:
        """Stretches wholly before the overlap need neither be left out nor recounted."""
        self._stretches = [stretch for stretch in self._stretches if stretch.span[1] >= cutoff]
