"""Which field holds what (ECS unless the configuration says otherwise), and a document as a line."""

from __future__ import annotations

from typing import Any

import msgspec

from console.model.logline import LogLine, shared
from console.sources.elasticsearch.nanos import moment, nanos
from console.sources.sanitise import clean

MESSAGE_LIMIT = 2000


class Fields(msgspec.Struct, frozen=True):
    """The field name of each part of a line; an empty name: these documents do not tell that part."""

    at: str = "@timestamp"
    ingested: str = "event.ingested"
    message: str = "message"
    level: str = "log.level"
    service: str = "service.name"
    pod: str = "kubernetes.pod.name"
    namespace: str = "kubernetes.namespace"
    host: str = "host.name"
    region: str = "cloud.region"
    channel: str = "labels.channel"

    def of_a_line(self) -> list[str]:
        """What has to be asked for to make a line."""
        parts = (self.service, self.pod, self.namespace, self.host, self.region, self.channel)
        return [self.at, self.message, self.level, *filter(None, parts)]


ECS = Fields()

_LEVELS = {
    "error": ("error", "err", "fatal", "critical", "crit", "alert", "emerg", "emergency", "panic", "severe"),
    "warn": ("warn", "warning", "wrn"),
    "info": ("info", "information", "informational", "notice"),
    "debug": ("debug", "trace", "verbose", "fine"),
}
_LEVEL = {word: level for level, words in _LEVELS.items() for word in words}


def level_of(word: str) -> str:
    """One of error, warn, info, debug, or "" for a word that is none of them."""
    return _LEVEL.get(word.strip().lower(), "")


def found(source: object, name: str) -> Any:
    """The value of a dotted field in a document, which may be nested, dotted or a mix of both; None when
    absent.
    """
    if not isinstance(source, dict):
        return None
    if name in source:
        return source[name]
    head, dot, rest = name.partition(".")
    while dot:
        value = found(source.get(head), rest)
        if value is not None:
            return value
        more, dot, rest = rest.partition(".")
        head = f"{head}.{more}"
    return None


def line_of(source: object, doc_id: str, fields: Fields, is_late: bool) -> LogLine:
    """A document as a line. Raises ValueError when it has no readable time: such a line has no place in a
    stream.
    """

    def text(name: str) -> str | None:
        value = found(source, name) if name else None
        if isinstance(value, list):
            value = value[0] if value else None
        if value is None or isinstance(value, dict):
            return None
        return shared(clean(str(value), 200))

    at = found(source, fields.at)
    said = found(source, fields.message)
    if isinstance(said, list):
        said = said[0] if said else ""
    index, _, own_id = clean(doc_id, 700).partition("/")  # no index has a slash in its name, an id may
    return LogLine(
        at=moment(nanos(at[0] if isinstance(at, list) and at else at)),
        level=level_of(text(fields.level) or ""),
        message=clean(said if isinstance(said, str) else "" if said is None else str(said), MESSAGE_LIMIT),
        service=text(fields.service),
        pod=text(fields.pod),
        namespace=text(fields.namespace),
        host=text(fields.host),
        region=text(fields.region),
        channel=text(fields.channel),
        index=shared(index),
        own_id=own_id,
        is_late=is_late,
    )
