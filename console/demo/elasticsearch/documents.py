"""One log document, and the field table that mapping, queries, sorting and aggregations all read.

A document keeps a few numbers and two shared objects; its message, id and pod are made when they are looked
at, because a query by level over fifteen minutes looks at fifty thousand documents and shows two hundred.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import blake2b
from typing import Any, Literal

import msgspec

INDEX = "logs-video-default"
ALIAS = "logs-video"
SHARDS = 3

FieldType = Literal["date", "date_nanos", "match_only_text", "keyword"]
Value = int | str | None


class Emitter:
    """Who writes a line: a place of a deployment, with the channel it works for, if any.

    `pod_of` gives the pod that stands in the place at a second; `pod` is its name where it never changes.
    `host_of` gives that pod's node at a second; without it, it is `host` for ever.
    """

    __slots__ = ("channel", "host", "host_of", "namespace", "pod", "pod_of", "region", "service")

    def __init__(
        self,
        service: str,
        namespace: str,
        region: str,
        host: str,
        channel: str | None,
        pod: str | None,
        pod_of: Callable[[int], str],
        host_of: Callable[[int], str] | None = None,
    ) -> None:
        self.service = service
        self.namespace = namespace
        self.region = region
        self.host = host
        self.channel = channel
        self.pod = pod
        self.pod_of = pod_of
        self.host_of = host_of or (lambda second: host)


class Template:
    """A kind of line: its level, who writes it, how often, and its words.

    `say` makes the message from (emitter, draw, second); equal arguments give equal words.
    """

    __slots__ = ("family", "level", "say", "weight")

    def __init__(
        self, family: str, level: str, weight: float, say: Callable[[Emitter, int, int], str]
    ) -> None:
        self.family = family
        self.level = level
        self.weight = weight
        self.say = say


class Document:
    """`event_ms` is @timestamp in Unix milliseconds, `ingested_ns` event.ingested in nanoseconds;
    `ordinal` counts within the second of the event; `draw` is 62 random bits, the source of everything
    varied about the line."""

    __slots__ = ("draw", "emitter", "event_ms", "ingested_ns", "level", "ordinal", "shard", "template")

    def __init__(
        self, event_ms: int, ingested_ns: int, ordinal: int, draw: int, template: Template, emitter: Emitter
    ) -> None:
        self.event_ms = event_ms
        self.ingested_ns = ingested_ns
        self.ordinal = ordinal
        self.draw = draw
        self.template = template
        self.emitter = emitter
        self.level = template.level
        self.shard = draw % SHARDS

    @property
    def message(self) -> str:
        """The line's words."""
        return self.template.say(self.emitter, self.draw >> 16, self.event_ms // 1000)

    @property
    def pod(self) -> str:
        """Name of the pod that wrote it."""
        return self.emitter.pod or self.emitter.pod_of(self.event_ms // 1000)

    @property
    def host(self) -> str:
        """The node that pod stands on."""
        return self.emitter.host_of(self.event_ms // 1000)

    @property
    def id(self) -> str:
        """Twenty characters, as Elasticsearch makes its own ids."""
        named = f"{self.event_ms}/{self.ordinal}/{self.draw}".encode()
        return urlsafe_b64encode(blake2b(named, digest_size=15).digest()).decode()

    @property
    def shard_doc(self) -> int:
        """Unique among all shards; ordered by shard, then by the event's second."""
        return self.shard << 52 | (self.event_ms // 1000) << 12 | self.ordinal


class Count:
    """So many documents of a level in a second: what a histogram needs when it may ask for no more."""

    __slots__ = ("event_ms", "level")

    def __init__(self, event_ms: int, level: str) -> None:
        self.event_ms = event_ms
        self.level = level


class Field(msgspec.Struct, frozen=True):
    """A mapped field; `read` takes a Document (or, for @timestamp and log.level, a Count)."""

    name: str
    type: FieldType
    read: Callable[[Any], Value]
    is_date: bool = False
    """Whether values are times: milliseconds for date, nanoseconds for date_nanos."""


FIELDS: dict[str, Field] = {
    field.name: field
    for field in (
        Field("@timestamp", "date", lambda d: d.event_ms, is_date=True),
        Field("event.ingested", "date_nanos", lambda d: d.ingested_ns, is_date=True),
        Field("message", "match_only_text", lambda d: d.message),
        Field("log.level", "keyword", lambda d: d.level),
        Field("service.name", "keyword", lambda d: d.emitter.service),
        Field("host.name", "keyword", lambda d: d.host),
        Field("kubernetes.namespace", "keyword", lambda d: d.emitter.namespace),
        Field("kubernetes.pod.name", "keyword", lambda d: d.pod),
        Field("cloud.region", "keyword", lambda d: d.emitter.region),
        Field("labels.channel", "keyword", lambda d: d.emitter.channel),
    )
}
INDEX_FIELD = Field("_index", "keyword", lambda d: INDEX)
"""In no mapping, and aggregated all the same."""
