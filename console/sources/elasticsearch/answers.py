"""What Elasticsearch answers, as far as it is read; hits stay bytes until each is decoded on its own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

import msgspec

from console.sources.sanitise import clean

DATES = frozenset({"date", "date_nanos"})


class _Why(msgspec.Struct, frozen=True):
    type: str = ""


class _Failed(msgspec.Struct, frozen=True):
    index: str | None = None
    reason: _Why = _Why()


class Shards(msgspec.Struct, frozen=True):
    """How many shards should have answered, and how many could not; `failures` tells each reason once."""

    total: int = 0
    failed: int = 0
    failures: list[_Failed] = []

    @property
    def lacking(self) -> str:
        """Which shards are missing, and why; empty when all answered."""
        if self.failed <= 0:
            return ""
        told = f"{self.failed} of {self.total} shards failed"
        first = next((one for one in self.failures if one.reason.type), None)
        return told if first is None else clean(f"{told} ({first.index}: {first.reason.type})", 200)


class Clusters(msgspec.Struct, frozen=True):
    """The remote clusters of a cross-cluster search."""

    total: int = 0
    skipped: int = 0
    partial: int = 0
    failed: int = 0


class _Total(msgspec.Struct, frozen=True):
    value: int = 0


class _Hits(msgspec.Struct, frozen=True):
    hits: list[msgspec.Raw] = []
    total: _Total | None = None


class Searched(msgspec.Struct, frozen=True):
    """One search. `pit_id` is the newest one and must be sent next time."""

    hits: _Hits = _Hits()
    timed_out: bool = False
    shards: Shards = msgspec.field(name="_shards", default=Shards())
    clusters: Clusters = msgspec.field(name="_clusters", default=Clusters())
    pit_id: str | None = None
    aggregations: msgspec.Raw = msgspec.Raw(b"{}")

    @property
    def lacking(self) -> str:
        """Why this answer is not whole; empty when it is."""
        if self.shards.failed > 0:
            return self.shards.lacking
        missing = self.clusters.skipped + self.clusters.partial + self.clusters.failed
        if missing > 0:
            return f"{missing} of {self.clusters.total} clusters did not answer in full"
        return "the search timed out on the server" if self.timed_out else ""


class Counted(msgspec.Struct, frozen=True):
    """One count."""

    count: int
    shards: Shards = msgspec.field(name="_shards", default=Shards())


class Hit(msgspec.Struct, frozen=True):
    """One hit's envelope; its document is decoded apart, so that an odd one can be counted and left."""

    index: str = msgspec.field(name="_index")
    id: str = msgspec.field(name="_id")
    sort: list[Any] = []
    source: msgspec.Raw = msgspec.field(name="_source", default=msgspec.Raw(b"null"))


class Capabilities(msgspec.Struct, frozen=True):
    """What `_field_caps` says: field -> types in the matching indices ("unmapped" when an index lacks it)."""

    types: Mapping[str, frozenset[str]]
    indices: int
    silent: int = 0  # indices that match and could not be asked: none of their shards is there

    def spelt(self, name: str) -> str:
        """What a field is, for a reader: "text", "date or text", "unmapped"."""
        return clean(" or ".join(sorted(self.types.get(name, frozenset({"unmapped"})))), 100)

    def is_date_somewhere(self, name: str) -> bool:
        """Whether any matching index has the field as a date."""
        return bool(self.types.get(name, frozenset()) & DATES)

    def is_date_everywhere(self, name: str) -> bool:
        """Whether every matching index has the field, as a date."""
        types = self.types.get(name, frozenset())
        return self.indices > 0 and bool(types) and types <= DATES


class LogIndex(Protocol):
    """One index pattern as a tail needs it. Every method raises SourceError."""

    @property
    def server_date(self) -> datetime | None:
        """The `Date` of the last answer; Elasticsearch itself sends none, proxies and clouds do."""
        ...

    async def capabilities(self, names: list[str]) -> Capabilities: ...

    async def refresh_interval_s(self) -> float: ...

    async def open_pit(self) -> str: ...

    async def close_pit(self, pit_id: str) -> None: ...

    async def search(self, body: dict[str, Any]) -> Searched: ...

    async def count(self, query: dict[str, Any]) -> Counted: ...
