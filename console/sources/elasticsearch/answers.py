"""What Elasticsearch answers, as far as it is read; hits stay bytes until each is decoded on its own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

import msgspec


class Shards(msgspec.Struct, frozen=True):
    """How many shards should have answered, and how many could not."""

    total: int = 0
    failed: int = 0


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
            return f"{self.shards.failed} of {self.shards.total} shards failed"
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

    def is_date_everywhere(self, name: str) -> bool:
        """Whether every matching index has the field, as a date."""
        types = self.types.get(name, frozenset())
        return self.indices > 0 and bool(types) and types <= {"date", "date_nanos"}


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
